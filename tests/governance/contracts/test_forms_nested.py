"""Objects and lists in the correction form: real questions, read back to the value that was shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts.forms import fields, read_form
from governance.contracts.values import same
from reviews.pages.desk.asking import filled, texts
from reviews.pages.desk.form import Typed

PERSON: dict[str, Any] = {
    "type": "object", "required": ["name"],
    "properties": {
        "name": {"type": "string"}, "born": {"type": "string", "format": "date"},
        "bags": {"type": "integer", "minimum": 0},
    },
}  # fmt: skip
SCHEMA: dict[str, Any] = {
    "type": "object", "required": ["total", "people"],
    "properties": {
        "total": {"type": "number", "x-unit": "EUR", "minimum": 0},
        "people": {"type": "array", "items": PERSON, "title": "Passengers"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {
            "type": "object", "additionalProperties": False,
            "properties": {
                "city": {"type": "string"}, "a/b": {"enum": ["x", "y"]},
                "rooms": {"type": "array", "items": {"type": "integer"}},
            },
        },
        "free": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"a": {}}}]},
    },
}  # fmt: skip
SAID: dict[str, Any] = {
    "total": 12.5, "people": [{"name": "Ann", "bags": 2, "seat": "4A"}, {"name": "Bo"}], "tags": ["new", ""],
    "address": {"city": "Bern", "rooms": [1, 2]},
}  # fmt: skip


def posted(value: Any, **changed: str | None) -> dict[str, str]:
    """What a browser posts of the form that shows a value, with some texts changed or gone."""
    shown = dict(texts(filled(fields(SCHEMA), value, None, "q")))
    shown.update({name: text for name, text in changed.items() if text is not None})
    return {name: text for name, text in shown.items() if changed.get(name, "") is not None}


def read(value: Any, data: dict[str, str]) -> tuple[Any, list[tuple[str, str]]]:
    output, problems = read_form(SCHEMA, fields(SCHEMA), data, value)
    return output, [(problem.pointer, problem.code) for problem in problems]


def test_objects_and_lists_are_asked_for_part_by_part_and_what_has_many_shapes_as_text() -> None:
    total, people, tags, address, free = fields(SCHEMA)
    assert [each.kind for each in (total, people, tags, address, free)] == [
        "number", "array", "array", "object", "json",
    ]  # fmt: skip
    assert people.item is not None
    assert [(part.name, part.kind) for part in people.item.parts] == [
        ("people/-/name", "text"), ("people/-/born", "date"), ("people/-/bags", "integer"),
    ]  # fmt: skip
    assert [part.name for part in people.row(3).parts] == ["people/3/name", "people/3/born", "people/3/bags"]
    assert [part.name for part in address.parts] == ["address/city", "address/a~1b", "address/rooms"]


def test_a_change_deep_inside_changes_that_alone() -> None:
    output, problems = read(SAID, posted(SAID, **{"people/0/bags": "3", "address/a~1b": "y"}))
    assert problems == []
    assert output == {
        **SAID, "people": [{"name": "Ann", "bags": 3, "seat": "4A"}, {"name": "Bo"}],
        "address": {"city": "Bern", "rooms": [1, 2], "a/b": "y"},
    }  # fmt: skip


def test_rows_are_added_emptied_and_left_out() -> None:
    more = {"people/2/name": "Cy", "people/2/born": "2020-02-29", "people/3/name": "", "people/3/bags": ""}
    output, problems = read(SAID, {**posted(SAID), **more})
    assert problems == []
    assert output["people"][2:] == [{"name": "Cy", "born": "2020-02-29"}], "the blank row is none"
    without_first = {name: text for name, text in posted(SAID).items() if not name.startswith("people/0/")}
    assert read(SAID, without_first)[0]["people"] == [{"name": "Bo"}]
    none = {name: text for name, text in posted(SAID).items() if not name.startswith("people/")}
    assert read(SAID, none)[0]["people"] == []
    assert read(SAID, {"total": "1"})[0]["people"] == SAID["people"], "what was not asked for stays"


def test_a_problem_counts_the_rows_that_are_left() -> None:
    data = {name: text for name, text in posted(SAID).items() if not name.startswith("people/0/")}
    _, problems = read(SAID, {**data, "people/1/bags": "many", "people/7/bags": "1", "address/rooms/1": "x"})
    assert problems == [
        ("/output/people/0/bags", "not-integer"), ("/output/people/1/name", "required"),
        ("/output/address/rooms/1", "not-integer"),
    ]  # fmt: skip
    typed = Typed(fields={**data, "people/1/bags": "many"})
    rows = next(row for row in filled(fields(SCHEMA), SAID, typed, "q") if row.field.name == "people").rows
    assert [row.field.name for row in rows] == ["people/1"], "the row that was struck out stays away"
    assert rows[0].parts[2].text == "many"


STRANGE = (
    {"people": {"a": 1}}, {"people": [1, None]}, {"people": None, "tags": "x"}, {"address": [], "total": "much"},
    {"tags": [["x"], {"y": 1}, True]}, {"people": [{"name": 4, "born": "13 March", "bags": "two"}]},
    {"tags": ["x"] * 200}, {"total": 1.0, "people": [], "tags": ["a\r\nb"]},
)  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE)
def test_whatever_the_ai_said_is_read_back_as_it_was_when_nobody_touched_it(strange: Any) -> None:
    output, problems = read(strange, posted(strange))
    assert {code for _, code in problems} <= {"required"}, "only what the AI left out is asked for"
    assert output == {**({} if "people" in strange else {"people": []}), **strange}, "a list that is needed is empty"


_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_NAMES = st.sampled_from(["name", "bags", "city", "rooms", "a/b"])
_ANY = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | _TEXT,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
                    max_leaves=8)  # fmt: skip


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("total", "people", "tags", "address", "free"), _ANY)))
def test_no_value_is_changed_by_showing_it(value: dict[str, Any]) -> None:
    closed = value.get("address")
    if isinstance(closed, dict):
        closed = {name: member for name, member in closed.items() if name in ("city", "rooms", "a/b")}
        value = {**value, "address": closed}
    output, _ = read(value, posted(value))
    assert same(output, {"people": [], **value})


CALL: dict[str, Any] = {
    "type": "object", "x-view": "call", "required": ["action", "arguments"],
    "properties": {"action": {"type": "string"}, "arguments": {"type": "object"}},
    "x-arguments": {
        "cancel": {"properties": {"id": {"type": "string"}}, "required": ["id"], "additionalProperties": False},
        "refund": {"properties": {"id": {"type": "string"}, "amount": {"type": "number"}}, "required": ["amount"]},
    },
}  # fmt: skip


def test_a_call_asks_for_the_arguments_of_its_action() -> None:
    action, arguments = fields(CALL, {"action": "refund", "arguments": {}})
    assert [label for _, label in action.options] == ["cancel", "refund"]
    assert [part.name for part in arguments.parts] == ["arguments/id", "arguments/amount"]
    unknown = fields(CALL, {"action": "dance", "arguments": {}})
    assert [field.kind for field in unknown] == ["text", "json"], "an action that nobody knows is asked for as text"
