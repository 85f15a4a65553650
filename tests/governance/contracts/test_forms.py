"""The correction form: asked from the schema, read back with types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts.forms import fields, read_form
from governance.contracts.values import same

SCHEMA = {
    "type": "object",
    "required": ["intent", "amount"],
    "additionalProperties": False,
    "$defs": {"mass": {"type": "number", "minimum": 0, "maximum": 500, "x-unit": "kg"}},
    "properties": {
        "intent": {"enum": ["refund", "greeting"], "title": "What they want", "x-labels": {"refund": "Money back"}},
        "digit": {"type": "integer", "enum": [0, 1, 2]},
        "amount": {"type": "integer", "minimum": 0, "maximum": 900, "description": "In whole euros"},
        "weight": {"$ref": "#/$defs/mass"},
        "urgent": {"type": "boolean"},
        "due": {"type": ["string", "null"], "format": "date"},
        "note": {"type": "string", "maxLength": 2000},
        "short_name": {"type": "string", "maxLength": 10, "x-order": 1},
        "parts": {"type": "array"},
    },
}


def test_a_flat_schema_gives_a_field_per_property_in_its_order() -> None:
    asked = fields(SCHEMA)
    assert [(field.name, field.kind) for field in asked] == [
        ("short_name", "text"),
        ("intent", "enum"),
        ("digit", "enum"),
        ("amount", "integer"),
        ("weight", "number"),
        ("urgent", "boolean"),
        ("due", "date"),
        ("note", "longtext"),
        ("parts", "json"),
    ]
    by_name = {field.name: field for field in asked}
    assert by_name["intent"].label == "What they want"
    assert by_name["intent"].options == (("refund", "Money back"), ("greeting", "greeting"))
    assert by_name["amount"].required
    assert by_name["amount"].help == "In whole euros"
    assert (by_name["weight"].unit, by_name["weight"].maximum) == ("kg", Decimal(500))
    assert by_name["short_name"].label == "Short name"


def test_posted_texts_become_typed_values() -> None:
    posted = {
        "intent": "refund", "digit": "2", "amount": "12", "weight": "0.5", "urgent": "false", "due": "2026-11-21",
        "note": "a\r\nb", "parts": '[{"a": 1}]', "unknown": "x",
    }  # fmt: skip
    value, problems = read_form(SCHEMA, fields(SCHEMA), posted)
    assert problems == ()
    assert value == {
        "intent": "refund", "digit": 2, "amount": 12, "weight": 0.5, "urgent": False, "due": "2026-11-21",
        "note": "a\nb", "parts": [{"a": 1}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("intent", "other", "not-an-option"),
        ("amount", "", "required"),
        ("intent", "", "required"),
        ("amount", "1.5", "not-integer"),
        ("amount", "true", "not-integer"),
        ("amount", "901", "too-large"),
        ("amount", "\u22121", "too-small"),
        ("weight", "NaN", "not-number"),
        ("weight", "1e999", "not-number"),
        ("urgent", "perhaps", "not-boolean"),
        ("due", "21.11.2026", "not-date"),
        ("due", "20261121", "not-date"),
        ("parts", "[", "not-json"),
        ("parts", "[NaN]", "not-text"),
        ("short_name", "a" * 11, "too-long"),
        ("note", "a\0", "not-text"),
    ],
)
def test_a_wrong_text_is_a_problem_at_its_field(name: str, text: str, code: str) -> None:
    _, problems = read_form(SCHEMA, fields(SCHEMA), {name: text})
    assert [(problem.pointer, problem.code) for problem in problems] == [(f"/output/{name}", code)]


def test_a_partial_form_keeps_what_was_not_posted() -> None:
    base = {"intent": "refund", "amount": 3, "note": "old", "due": "2026-01-01", "stranger": 1}
    value, problems = read_form(SCHEMA, fields(SCHEMA), {"amount": "4", "note": "", "due": ""}, base)
    assert problems == ()
    assert value == {"intent": "refund", "amount": 4, "due": None}
    assert base["amount"] == 3


@pytest.mark.parametrize("schema", [True, {}, {"type": "array"}, {"type": "object"}])
def test_an_output_without_properties_is_one_field_of_json(schema: Any) -> None:
    (field,) = fields(schema)
    assert (field.name, field.kind, field.pointer) == ("output", "json", "")
    assert read_form(schema, [field], {"output": "[1]"}) == ([1], ())
    assert read_form(schema, [field], {}, {"a": 1}) == ({"a": 1}, ())
    assert read_form(schema, [field], {"output": "["}, 1)[1][0].pointer == "/output"


def test_an_output_that_is_a_plain_choice_is_one_field_of_options() -> None:
    schema = {"enum": ["yes", "no"]}
    assert read_form(schema, fields(schema), {"output": "no"}) == ("no", ())


@given(
    st.fixed_dictionaries(
        {"intent": st.sampled_from(["refund", "greeting"]), "amount": st.integers(0, 900)},
        optional={
            "digit": st.sampled_from([0, 1, 2]),
            "weight": st.floats(0, 500),
            "urgent": st.booleans(),
            "parts": st.lists(st.integers()),
            "note": st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
        },
    )
)
def test_what_the_form_shows_is_what_it_reads_back(output: dict[str, Any]) -> None:
    asked = fields(SCHEMA)
    posted = {field.name: field.shown(output[field.name]) for field in asked if field.name in output}
    value, problems = read_form(SCHEMA, asked, posted)
    assert problems == ()
    assert same(value, output)
