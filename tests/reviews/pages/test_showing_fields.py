"""Extracted fields stand beside how sure the AI was of each, and those that want a look are marked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from governance.contracts.masking import MASK
from reviews.pages.showing import show
from reviews.pages.showing.fields import MOST, Fields
from tests.reviews.pages.hostile import HIDDEN, MARKUP, VALUES, deep, page, words

VIEW = {
    "x-view": "fields", "x-needed": 0.9,
    "properties": {"total": {"title": "Total, EUR", "x-needed": 0.95}, "name": {"title": "Name"}},
}  # fmt: skip
ASIDE = {"x-view": "fields", "x-needed": 0.9, "x-confidence": "/sure"}


def fields(value: Any, schema: Any = VIEW) -> Fields:
    (part,) = show(schema, value, "Read").parts
    assert isinstance(part, Fields)
    return part


def rows(value: Any, schema: Any = VIEW) -> list[tuple[str, str, int | None, bool]]:
    found = fields(value, schema).rows
    return [(row.title.plain, row.value.text.plain, row.confidence, row.is_under) for row in found]


def test_each_field_has_its_own_confidence_and_its_own_needed_level() -> None:
    value = {"name": {"value": "Ada", "confidence": 0.9}, "total": {"value": 12.5, "confidence": 0.94}}
    assert rows(value) == [("Total, EUR", "12.5", 940_000, True), ("Name", "Ada", 900_000, False)]
    markup = page(VIEW, value)
    assert markup.count("data-under") == 1
    assert "needs 95\u202f%" in markup
    assert "1 of 2 less sure than needed" in words(markup)
    assert 'class="needed"' in markup


def test_confidences_may_stand_beside_the_fields() -> None:
    value = {"name": "Ada", "city": "Oslo", "sure": {"name": 0.99, "city": 0.2, "ghost": 0.5}}
    assert rows(value, ASIDE) == [
        ("name", "Ada", 990_000, False), ("city", "Oslo", 200_000, True), ("ghost", "not there", 500_000, True),
    ]  # fmt: skip


def test_a_confidence_is_rounded_down_never_up_to_what_is_needed() -> None:
    ((_, _, confidence, is_under),) = rows({"x": {"value": 1, "confidence": 0.8999999}})
    assert (confidence, is_under) == (899_999, True)
    assert "89\u202f%" in page(VIEW, {"x": {"value": 1, "confidence": 0.8999999}})


@pytest.mark.parametrize("odd", [None, "high", 1.2, -0.1, True, [], {}, float("nan"), float("inf")])
def test_a_confidence_that_is_none_wants_a_look_and_is_not_hidden(odd: Any) -> None:
    ((_, _, confidence, is_under),) = rows({"name": {"value": "Ada", "confidence": odd}})
    assert (confidence, is_under) == (None, True)
    markup = page(VIEW, {"name": {"value": "Ada", "confidence": odd}})
    assert "does not say how sure" in markup
    if odd == "high":
        assert "high" in markup


@pytest.mark.parametrize("needed", [None, "x", 2, -1, [], True])
def test_a_needed_level_that_is_none_marks_nothing(needed: Any) -> None:
    schema = {"x-view": "fields", "x-needed": needed}
    assert rows({"a": {"value": 1, "confidence": 0.1}}, schema) == [("a", "1", 100_000, False)]
    assert page(schema, {"a": {"value": 1, "confidence": 0.1}, "b": {"value": 1}})


def test_what_else_came_with_a_field_is_shown() -> None:
    markup = page(VIEW, {"name": {"value": {"first": "Ada"}, "confidence": 1, "box": [1, 2]}})
    assert "box" in markup
    assert "first" in markup


@pytest.mark.parametrize("where", ["", "/", "/nowhere", "sure", "/sure/x", "/~9", 7, None, ["/sure"], "/name"])
def test_a_pointer_that_leads_nowhere_leaves_everything_shown(where: Any) -> None:
    value = {"name": "Ada", "sure": {"name": 0.99}}
    said = words(page({**ASIDE, "x-confidence": where}, value))
    assert "Ada" in said
    assert "0.99" in said


@pytest.mark.parametrize(
    "value", [{}, [], None, "x", 7, {"a": 1}, {"a": {"b": 1}}, {str(n): {"value": n} for n in range(MOST + 1)}]
)
def test_what_has_no_fields_is_shown_as_it_is(value: Any) -> None:
    assert not any(isinstance(part, Fields) for part in show(VIEW, value, "Read").parts)
    assert page(VIEW, value).strip()


@pytest.mark.parametrize("said", MARKUP)
def test_markup_in_a_field_stays_text(said: str) -> None:
    schema = {"x-view": "fields", "properties": {"t": {"title": said}}}
    value = {said: {"value": said, "confidence": said, said: said}, "t": {"value": {said: [said]}, "confidence": 1}}
    markup = page(schema, value)
    assert markup.count("<tr") == markup.count("</tr>") == 3
    page(ASIDE, {"a": said, "sure": {said: said}})


def test_what_cannot_be_seen_in_a_field_is_marked_and_what_is_masked_said() -> None:
    markup = page(VIEW, {HIDDEN: {"value": HIDDEN, "confidence": 1}, "b": {"value": MASK, "confidence": 1}})
    assert markup.count('<span class="control">U+202E</span>') == 2
    assert "masked" in markup
    assert MASK not in markup


def test_a_deep_or_huge_field_is_shown() -> None:
    assert page(VIEW, {"a": {"value": deep(), "confidence": 1, "more": deep()}, "b": {"value": "word " * 90_000}})


@settings(max_examples=300)
@given(VALUES, VALUES)
def test_no_field_is_an_error_to_show(value: Any, schema: Any) -> None:
    page({"x-view": "fields", "x-needed": schema, "x-confidence": "/x", "properties": schema}, value).encode()
    page(ASIDE, {"a": value, "b": {"value": value, "confidence": value}, "sure": schema}).encode()
