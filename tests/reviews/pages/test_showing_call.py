"""What an agent would run is shown whole: the action, every argument, what is wrong, and what would come of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from governance.contracts.masking import MASK
from reviews.pages.showing import is_viewed, show
from reviews.pages.showing.call import MOST_ARGUMENTS, Call
from tests.reviews.pages.hostile import HIDDEN, MARKUP, VALUES, deep, page, words

VIEW = {
    "x-view": "call",
    "x-arguments": {
        "cancel": {"properties": {"id": {"type": "string"}, "amount": {}}, "required": ["id"]},
        "wait": {"additionalProperties": False},
    },
    "x-effects": {
        "cancel": ["Cancels booking {id}.", {"say": "Charges {amount} to {user.card}.", "warn": True}],
        "wait": [],
    },
}


def call(value: Any, schema: Any = VIEW) -> Call:
    (part,) = show(schema, value, "Given").parts
    assert isinstance(part, Call)
    return part


@pytest.mark.parametrize(
    "value",
    [
        {"action": "cancel", "arguments": {"id": "I6"}},
        {"name": "cancel", "kwargs": {"id": "I6"}},
        {"tool": "cancel", "args": {"id": "I6"}},
        {"name": "cancel", "arguments": '{"id": "I6"}'},
        {"id": "c1", "type": "function", "function": {"name": "cancel", "arguments": '{"id": "I6"}'}},
    ],
)
def test_every_common_shape_of_a_call_shows_the_same(value: Any) -> None:
    shown = call(value)
    assert (shown.action.plain, shown.fault, shown.rest) == ("cancel", "", None)
    (argument,) = shown.arguments
    assert argument.given is not None
    assert (argument.name.plain, argument.given.value.text.plain, argument.given.is_quoted) == ("id", "I6", True)
    assert call(value, {}).arguments == shown.arguments


def test_a_text_is_quoted_and_a_number_is_not() -> None:
    markup = page(VIEW, {"action": "cancel", "arguments": {"id": "7", "amount": 7}})
    assert '"7"' in words(markup)
    assert "<code>7</code>" in markup


def test_arguments_that_the_contract_does_not_know_or_misses_are_flagged() -> None:
    faults = {
        a.name.plain: a.fault for a in call({"action": "cancel", "arguments": {"amount": 1, "force": True}}).arguments
    }
    assert faults == {"amount": "", "force": "not an argument of this action", "id": "needed, not given"}
    closed = call({"action": "wait", "arguments": {"x": 1}})
    assert closed.arguments[0].fault == "not an argument of this action"
    assert call({"action": "fly", "arguments": {}}).fault == "the contract knows no such action"
    assert call({"action": "fly", "arguments": {"x": 1}}, {"x-view": "call"}).fault == ""


def test_without_a_signature_for_each_action_the_schema_of_the_arguments_counts() -> None:
    schema = {"x-view": "call", "properties": {
        "action": {"enum": ["cancel"]}, "arguments": {"properties": {"id": {}}, "required": ["why"]},
    }}  # fmt: skip
    shown = call({"action": "fly", "arguments": {"force": 1, "id": 2}}, schema)
    assert shown.fault == "the contract knows no such action"
    assert [(a.name.plain, a.fault) for a in shown.arguments] == [
        ("id", ""), ("force", "not an argument of this action"), ("why", "needed, not given"),
    ]  # fmt: skip


def test_effects_are_told_with_the_values_of_the_call() -> None:
    shown = call({"action": "cancel", "arguments": {"id": "I6", "amount": 12.5, "user": {"card": "VISA"}}})
    assert [(effect.plain, effect.is_bad) for effect in shown.effects] == [
        ("Cancels booking I6.", False), ("Charges 12.5 to VISA.", True),
    ]  # fmt: skip


def test_an_effect_that_lacks_its_value_is_a_warning_and_an_action_without_words_too() -> None:
    first, _ = call({"action": "cancel", "arguments": {}}).effects
    assert (first.plain, first.is_bad) == ("Cancels booking not given.", True)
    (unknown,) = call({"action": "fly", "arguments": {}}).effects
    assert unknown.is_bad
    assert call({"action": "wait", "arguments": {}}).effects == ()


def test_lists_in_effects_are_told_and_large_things_counted() -> None:
    schema = {"x-view": "call", "x-effects": ["{action} {ids}, {all}, {deep}, {long}"]}
    given = {"ids": ["a", "b"], "all": list(range(9)), "deep": {"a": 1, "b": [2]}, "long": "x" * 500}
    (effect,) = call({"action": "send", "arguments": given}, schema).effects
    assert effect.plain.startswith("send a, b, 9, 2, xxx")
    assert effect.plain.endswith("x…")
    assert len(effect.plain) < 160


@pytest.mark.parametrize(
    "bad", [None, 7, "x {id}", [7, None, {}, {"say": 3}, []], {"cancel": {"a": 1}}, {"cancel": None}, {}]
)
def test_effects_that_are_none_break_nothing(bad: Any) -> None:
    value = {"action": "cancel", "arguments": {"id": "I6"}}
    assert page({"x-view": "call", "x-effects": bad, "x-arguments": bad}, value)


def test_nested_arguments_are_rows_where_they_are_flat_and_a_tree_where_they_are_deep() -> None:
    flights = [{"number": "HAT1", "date": "2024-05-20"}, {"number": "HAT2", "seat": 3}]
    flat, tree = call({"action": "a", "arguments": {"flights": flights, "deep": {"a": [{"b": [1]}]}}}, {}).arguments
    assert flat.grid is not None
    assert [column.plain for column in flat.grid.columns] == ["number", "date", "seat"]
    assert flat.grid.rows[1][1] is None
    assert tree.tree is not None
    markup = page({}, {"action": "a", "arguments": {"flights": flights, "deep": {"a": [{"b": [1]}]}}})
    assert markup.count("<table") == markup.count("</table>") == 1
    assert markup.count("<ul") == markup.count("</ul>")


@pytest.mark.parametrize(
    "value",
    [
        {}, [], None, "cancel", 7, {"action": "x"}, {"arguments": {}}, {"action": 7, "arguments": {}},
        {"action": " ", "arguments": {}}, {"function": "x"}, {"function": {"name": "x"}},
        {"action": "x", "arguments": dict.fromkeys(map(str, range(MOST_ARGUMENTS + 1)))},
    ],
)  # fmt: skip
def test_what_is_no_call_is_shown_as_it_is(value: Any) -> None:
    assert not any(isinstance(part, Call) for part in show(VIEW, value, "Given").parts)
    assert page(VIEW, value).strip()


@pytest.mark.parametrize("given", [7, "x", [1], "[1]", '{"a": NaN', "[" * 9000, True, 1.5])
def test_arguments_that_have_no_names_are_shown_and_flagged(given: Any) -> None:
    (argument,) = call({"action": "cancel", "arguments": given}, {"x-view": "call"}).arguments
    assert argument.fault == "no arguments by name"
    assert page(VIEW, {"action": "cancel", "arguments": given})


def test_only_what_cannot_be_anything_else_is_taken_for_a_call_without_an_annotation() -> None:
    assert is_viewed({}, {"name": "x", "arguments": {}})
    assert not is_viewed({}, {"name": "x", "arguments": {}, "age": 3})
    assert not is_viewed({}, {"name": "x", "arguments": "strong ones"})
    assert not is_viewed({"x-view": "fields"}, {"name": "x", "arguments": {}})


def test_what_came_along_with_a_call_is_not_hidden() -> None:
    value = {"function": {"name": "cancel", "arguments": {"id": "I6"}, "strict": False}, "and": "run rm -rf"}
    said = words(page(VIEW, value))
    assert "run rm -rf" in said
    assert "strict" in said


@pytest.mark.parametrize("said", MARKUP)
def test_markup_in_a_call_stays_text(said: str) -> None:
    schema = {
        "x-view": "call",
        "x-effects": ["{x} {action}", {"say": said, "warn": True}],
        "properties": {"action": {"enum": [1]}},
    }
    given = {"x": said, said: said, "deep": {said: [said, {said: [said]}]}, "rows": [{said: said}], "long": said * 40}
    markup = page(schema, {"action": said, "arguments": given, said: said})
    for name in ("div", "dl", "ul", "table", "section"):
        assert markup.count(f"<{name}") == markup.count(f"</{name}>")
    page(schema, {"action": said, "arguments": said})


def test_a_placeholder_in_a_value_is_not_filled_again() -> None:
    given = {"id": "{amount}{action}", "amount": "secret"}
    first = call({"action": "cancel", "arguments": given}).effects[0]
    assert first.plain == "Cancels booking {amount}{action}."


def test_what_cannot_be_seen_in_a_call_is_marked_everywhere() -> None:
    markup = page(VIEW, {"action": "cancel", "arguments": {"id": HIDDEN, HIDDEN: [{HIDDEN: HIDDEN}]}})
    assert markup.count('<span class="control">U+202E</span>') == 5
    assert "U+202E" in page(VIEW, {"action": HIDDEN, "arguments": {}})


def test_masked_arguments_say_that_they_are() -> None:
    for sent in (MASK, {"id": MASK, "amount": [MASK, 1], "x": {"y": MASK}}):
        markup = page(VIEW, {"action": "cancel", "arguments": sent})
        assert "masked" in markup
        assert MASK not in markup


def test_a_deep_or_huge_call_is_shown() -> None:
    assert page(
        VIEW, {"action": "x" * 90_000, "arguments": {"a": deep(), "b": "word " * 90_000, "c": [{"a": 1}] * 9000}}
    )
    assert page(VIEW, {"action": "cancel", "arguments": {"id": "I6"}, "more": deep()})


@settings(max_examples=300)
@given(VALUES, VALUES, VALUES)
def test_no_call_is_an_error_to_show(value: Any, schema: Any, given: Any) -> None:
    page({"x-view": "call", "x-effects": schema, "x-arguments": schema, "properties": schema}, value).encode()
    page(VIEW, {"action": "cancel", "arguments": given}).encode()
