"""The table of operators in the documentation says what the program does, row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from governance.policies import operators
from governance.policies.candidate import Candidate
from governance.policies.conditions import parse

_TEXT: Final = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text()
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in _TEXT.splitlines() if line.startswith("| `")
]
WORDS: Final = {"yes": True, "no": False}


def answers(op: str, literal: Any, body: dict[str, Any]) -> set[bool | None]:
    """The answers under each `on_missing`; three of them when it decides."""
    more: list[dict[str, Any]] = [{"on_missing": said} for said in ("escalate", "false", "true")]
    return {
        parse({"field": "input.x", "op": op, "value": literal, **said}).evaluate(Candidate(None, body))
        for said in (more if op != "exists" else [{}])
    }


def expected(word: str) -> set[bool | None]:
    return {None, False, True} if word == "on_missing" else {WORDS[word]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_the_table_of_operators_is_true(row: list[str]) -> None:
    op, literal = row[0].strip("`"), json.loads(row[1].strip("`"))
    yes, no, missing, null, other = row[2:]
    if yes:
        assert answers(op, literal, {"x": json.loads(yes.strip("`"))}) == {True}
    if no:
        assert answers(op, literal, {"x": json.loads(no.strip("`"))}) == {False}
    assert answers(op, literal, {}) == expected(missing)
    assert answers(op, literal, {"x": None}) == expected(null)
    if other:
        value, word = other.rsplit(" ", 1)
        assert answers(op, literal, {"x": json.loads(value.strip("`"))}) == expected(word)


def test_every_operator_is_in_the_table() -> None:
    assert {row[0].strip("`") for row in ROWS} == set(operators.NAMES)
