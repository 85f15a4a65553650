"""A list of like objects is a table; anything that no table could hold stays whole in another form."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.pages.showing import show
from reviews.pages.showing.records import MOST_COLUMNS, MOST_ROWS, Records
from reviews.pages.showing.tree import Table, is_plain
from tests.reviews.pages.hostile import HIDDEN, MARKUP, VALUES, page, words

CLAIMS: dict[str, Any] = {
    "type": "array", "title": "What is asked for",
    "items": {"properties": {"what": {"title": "What"}, "cost": {"title": "Cost", "x-unit": "EUR"}}},
}  # fmt: skip
LETTER: dict[str, Any] = {"properties": {"matter": {"title": "Matter"}, "claims": CLAIMS}}


def claims(value: Any) -> Any:
    table, part = show(LETTER, {"claims": value, "matter": "rent"}, "The whole answer").parts
    assert isinstance(table, Table), "what comes first in the schema stands first"
    return part


def test_like_objects_are_rows_under_the_titles_of_the_schema() -> None:
    part = claims([{"what": "A window"}, {"cost": 68, "what": "A heater", "by": "May"}])
    assert isinstance(part, Records)
    assert [(column.title.plain, column.unit) for column in part.columns] == [("What", ""), ("Cost", "EUR"), ("by", "")]
    assert [[cell and cell.text.plain for cell in row] for row in part.rows] == [
        ["A window", None, None], ["A heater", "68", "May"],
    ]  # fmt: skip
    markup = page(LETTER, {"claims": [{"what": "A window"}, {"cost": 68}]})
    assert "WhatCost EUR A window not said not said68" in words(markup)


def test_what_no_table_holds_is_shown_in_another_form() -> None:
    wide = {f"m{number}": number for number in range(MOST_COLUMNS + 1)}
    for odd in (
        [],
        [1, 2],
        [{}],
        [{"a": [1]}],
        [{"a": {"b": 1}}],
        [wide],
        [{"a": 1}] * (MOST_ROWS + 1),
        [{"a": "x" * 500}],
    ):
        assert not isinstance(claims(odd), Records), odd


@given(VALUES, st.sampled_from(MARKUP))
@settings(max_examples=60)
def test_nothing_in_a_table_is_markup_or_hidden(value: Any, markup: str) -> None:
    shown = page(LETTER, {"claims": [{"what": markup, HIDDEN: value if is_plain(value) else "x"}]})
    assert shown.count("<tr>") == 2, "one row for one object, whatever it says"
