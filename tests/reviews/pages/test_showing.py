"""What the AI was given and said is shown whatever it is: hostile text as text, absurd values as JSON, no error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contracts.masking import MASK
from reviews.pages.showing import show, text, thumb
from reviews.pages.showing.measurements import Measurements
from reviews.pages.showing.scan import Scan
from reviews.pages.showing.tree import Passage, Table, Tree

SCAN = {
    "type": "object",
    "properties": {
        "scan": {"x-view": "scan", "title": "Scan", "items": {"items": {"maximum": 16}}},
        "form": {"type": "integer", "title": "Form"},
    },
}
RANGE = [0, 10, 20, 30, 40]
MEASURED = {"properties": {"m": {
    "x-view": "measurements", "title": "Measured",
    "properties": {"radius": {"title": "Radius", "x-unit": "mm", "x-range": RANGE}, "depth": {}},
}}}  # fmt: skip


def page(schema: Any, value: Any) -> str:
    """The value as the page's markup."""
    shown = show(schema, value, "Given")
    parts = "".join(render_to_string("_part.html", {"part": part}) for part in shown.parts)
    facts = "".join(render_to_string("_value.html", {"value": fact}) for _, fact in shown.facts)
    return parts + facts


def test_a_scan_is_drawn_by_attributes_and_its_plain_members_stand_in_a_line() -> None:
    shown = show(SCAN, {"form": 3, "scan": [[0, 16], [8, 0]]}, "Given")
    (part,) = shown.parts
    assert isinstance(part, Scan)
    assert [(cell.x, cell.y, cell.level) for cell in part.cells] == [(1, 0, "1"), (0, 1, "0.5")]
    assert [(name, value.text.plain) for name, value in shown.facts] == [("Form", "3")]
    markup = page(SCAN, {"scan": [[0, 16], [8, 0]]})
    assert 'fill-opacity="0.5"' in markup
    assert "Scan, 2 by 2 pixels, 2 of them inked" in markup
    assert "style=" not in markup


@pytest.mark.parametrize(
    "scan",
    [
        [], [[]], "x", None, 7, {"a": 1}, [[1], [1, 2]], [[1, "2"]], [[True]], [[-1]], [[17]], [[None]], [[[1]]],
        [[float("nan")]], [[float("inf")]], [[1] * 65], [[1]] * 65, [[1] * 2000] * 60, ["<script>", "<b>"],
    ],
)  # fmt: skip
def test_what_is_no_scan_is_shown_as_json(scan: Any) -> None:
    shown = show(SCAN, {"scan": scan}, "Given")
    assert not any(isinstance(part, Scan) for part in shown.parts)
    markup = page(SCAN, {"scan": scan})
    assert markup.strip()
    assert "<script>" not in markup
    assert thumb(SCAN, {"scan": scan}) is None


def test_a_measurement_says_where_it_lies_and_draws_it() -> None:
    (part,) = show(MEASURED, {"m": {"radius": 35.5, "depth": -2}}, "Given").parts
    assert isinstance(part, Measurements)
    radius, depth = part.rows
    assert (radius.value, radius.unit, radius.place, radius.is_apart) == ("35.5", "mm", "highest quarter", False)
    assert radius.range is not None
    assert radius.range.at == "88.75"
    assert (depth.value, depth.place, depth.range) == ("\u22122", "", None)


@pytest.mark.parametrize(
    ("value", "place"),
    [(-1, "under all seen"), (0, "lowest quarter"), (10, "middle half"), (30, "middle half"), (41, "over all seen")],
)
def test_a_measurement_outside_what_was_seen_is_named(value: int, place: str) -> None:
    (part,) = show(MEASURED, {"m": {"radius": value}}, "Given").parts
    assert isinstance(part, Measurements)
    (row,) = part.rows
    assert row.place == place
    assert row.is_apart is place.endswith("all seen")
    assert row.range is not None
    drawn = (row.range.low, row.range.q1, row.range.median, row.range.high, row.range.at)
    assert all(0 <= float(at) <= 100 for at in drawn)


@pytest.mark.parametrize("bad", [[], [1, 2], [4, 3, 2, 1, 0], ["a"] * 5, [1] * 5, "x", None, [float("nan")] * 5])
def test_a_range_that_is_none_is_left_out(bad: Any) -> None:
    schema = {"properties": {"m": {"x-view": "measurements", "properties": {"radius": {"x-range": bad}}}}}
    (part,) = show(schema, {"m": {"radius": 1}}, "Given").parts
    assert isinstance(part, Measurements)
    assert part.rows[0].range is None


@pytest.mark.parametrize("value", [{"radius": "12"}, {"radius": None}, {"radius": True}, {}, [], "x", {"a": {"b": 1}}])
def test_measurements_that_are_no_numbers_are_shown_as_they_are(value: Any) -> None:
    assert not any(isinstance(part, Measurements) for part in show(MEASURED, {"m": value}, "Given").parts)
    assert page(MEASURED, {"m": value})


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\u202eb", "aU+202Eb"),
        ("a\u200b\u200b\u200bb", "aU+200B \u00d7 3b"),
        ("\ufeff", "U+FEFF"),
        ("pay\u00adpal", "payU+00ADpal"),
        ("x\u2066y\u2069", "xU+2066yU+2069"),
        ("\u3164", "U+3164"),
        ("bell\x07", "bellU+0007"),
        ("lone \ud800", "lone U+D800"),
        ("tag\U000e0041", "tagU+E0041"),
        ("line\u2028two", "lineU+2028two"),
        ("plain, ünïcödé\nand tabs\t", "plain, ünïcödé\nand tabs\t"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_made_visible(said: str, shown: str) -> None:
    assert text(said).plain == shown


def test_letters_with_a_tower_of_marks_do_not_reach_into_other_lines() -> None:
    assert text("e" + "\u0301" * 40).plain == "e" + "\u0301" * 4 + "combining marks \u00d7 36"


def test_a_text_of_hidden_characters_only_stays_small() -> None:
    said = "a\u200b" * 300_000
    assert len(text(said).segments) == 1
    assert "\\u200b" in text(said).plain


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=//evil.example onerror=alert(1)>",
    "{{ settings }}{% debug %}",
    "</span></p><h1>",
)


@pytest.mark.parametrize("said", HOSTILE)
def test_markup_stays_text_wherever_it_stands(said: str) -> None:
    for value in (said, [said], {said: said}, {"a": {said: [said]}}, {"scan": said}, said * 100):
        markup = page(SCAN, value)
        for start in ("<script", "<img", "<h1", "</span></p><h1>"):
            assert start not in markup


def test_members_that_fit_in_a_cell_are_a_table_and_nested_ones_a_tree() -> None:
    parts = show({}, {"name": "Ada", "n": -1.5, "yes": True, "none": None, "deep": {"a": [1, {"b": 2}]}}, "Given").parts
    table, tree = parts
    assert isinstance(tree, Tree)
    assert isinstance(table, Table)
    assert [(name, value.text.plain) for name, value in table.rows] == [
        ("name", "Ada"), ("n", "\u22121.5"), ("yes", "true"), ("none", "null"),
    ]  # fmt: skip
    markup = page({}, {"deep": {"a": [1, {"b": 2}]}})
    assert markup.count("<ul") == markup.count("</ul>") == 4


def test_a_long_text_has_a_box_of_its_own() -> None:
    (part,) = show({}, {"letter": "word " * 100}, "Given").parts
    assert isinstance(part, Passage)
    assert not part.is_json


def test_masked_values_say_that_they_are() -> None:
    assert "masked" in page({}, {"email": MASK})
    assert MASK not in page({}, {"email": MASK})


def test_what_is_too_deep_or_too_much_is_shown_as_its_own_text() -> None:
    deep: Any = 1
    for _ in range(64):
        deep = [deep]
    (part,) = show({}, {"deep": deep}, "Given").parts
    assert isinstance(part, Passage)
    assert part.is_json
    (wide,) = show({}, {"wide": list(range(5000))}, "Given").parts
    assert isinstance(wide, Passage)
    assert page({}, {"wide": list(range(5000))})


NAMES = st.text(max_size=5) | st.just("scan") | st.just("m")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
ODD = ({}, True, False, None, "x", {"properties": []}, {"properties": {"m": {"x-view": []}}})
SCHEMAS = st.sampled_from([SCAN, MEASURED, *ODD])


@settings(max_examples=300)
@given(SCHEMAS, VALUES)
def test_nothing_that_can_be_sent_is_an_error_to_show(schema: Any, value: Any) -> None:
    page(schema, value).encode()


def test_a_number_of_any_size_fits_in_its_cell() -> None:
    (part,) = show({}, json.loads('{"n": 1e308, "m": 1e-300, "k": 123456789012}'), "Given").parts
    assert isinstance(part, Table)
    assert [value.text.plain for _, value in part.rows] == ["1e+308", "1e\u2212300", "123456789012"]
