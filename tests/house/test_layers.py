"""What import-linter cannot say: it knows `django` only as a whole."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
VERBS = (
    "governance/contracts governance/evidence governance/policies governance/tuning "
    "reviews/decisions reviews/intake reviews/quality reviews/queue reviews/routing"
).split()
HTTP = ("django.http", "django.views", "django.shortcuts", "django.urls", "django.test")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("room", VERBS)
def test_a_verb_knows_no_http(room):
    guilty = [
        f"{path.relative_to(PROJECT)}: {name}"
        for path in sorted((PROJECT / room).rglob("*.py"))
        + sorted((PROJECT / room).parent.glob(f"{Path(room).name}.py"))
        for name in _imports(path)
        if name.startswith(HTTP)
    ]
    assert guilty == []
