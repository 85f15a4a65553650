"""The calls that write an entry, as the code has them and as they are named: file, function, type."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# What makes the bytes of an entry: `draft` and `record` of governance.evidence.record, and intake's template.
WRITERS = frozenset({"record", "draft"})
TEMPLATE = "reviews/intake/proof.py"


def name_of(file: str, function: str, type: str) -> str:
    return f"{file}::{function}::{type}"


def calls() -> Iterator[tuple[str, str, str | None]]:
    """File, innermost function and type of each call of `record` or `draft` in the product; the type is None where it
    is a variable."""
    for room in ("governance", "reviews"):
        for path in sorted((PROJECT / room).rglob("*.py")):
            file = str(path.relative_to(PROJECT))
            if "/migrations/" not in file and file != "governance/evidence/record.py":
                yield from ((file, *call) for call in _calls_in(ast.parse(path.read_text()), "<module>"))


def types_named(file: str) -> set[str]:
    """The texts in a file that are given to a function as its first argument and could be the type of an entry."""
    tree = ast.parse((PROJECT / file).read_text())
    first = [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return {arg.value for arg in first if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}


def _calls_in(tree: ast.AST, function: str) -> Iterator[tuple[str, str | None]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield from _calls_in(node, node.name)
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITERS and node.args:
            first = node.args[0]
            is_named = isinstance(first, ast.Constant) and isinstance(first.value, str)
            yield function, first.value if is_named else None
        yield from _calls_in(node, function)
