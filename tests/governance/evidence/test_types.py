"""The page of entry types tells of every type there is, and every entry says no more than its type has."""

import ast
import json
from pathlib import Path

from governance.evidence.types import TYPES, as_table
from governance.models import Entry
from tests.governance.evidence import journey
from tests.governance.evidence.sealing import Sealer

PROJECT = Path(__file__).resolve().parents[3]


def written() -> dict[str, str]:
    """The types that the program writes where it names one as a text, and where."""
    found = {}
    for path in [*(PROJECT / "governance").rglob("*.py"), *(PROJECT / "reviews").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "") or getattr(getattr(node, "func", None), "attr", "")
            if (
                isinstance(node, ast.Call)
                and name in ("record", "_record", "draft", "_give_back", "entry", "_sign")
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = f"{path.relative_to(PROJECT)}:{node.lineno}"
    return found


def test_every_type_that_is_written_is_in_the_table():
    missing = {type: where for type, where in written().items() if type not in TYPES}
    assert not missing, f"Add to governance/evidence/types.py: {missing}"


def test_the_page_is_made_from_the_table():
    page = (PROJECT / "docs/evidence.md").read_text()
    assert as_table() in page, "Run: python docs/entry_types.py"


def test_no_entry_says_more_than_its_type_has(db, settings, tmp_path):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    Sealer(tmp_path).all()
    types = set()
    for entry in Entry.objects.all():
        said = json.loads(bytes(entry.leaf))
        type = TYPES[said["type"]]
        types.add(said["type"])
        assert set(said.get("detail", ())) <= set(type.detail), said
        assert {part["name"] for part in said.get("commitments", ())} <= set(type.content), said
        assert said["subject"]["kind"] in type.about.split(" or "), said
        assert ("gate" in said) == (said["type"] == "judged")
    assert len(types) > 15
