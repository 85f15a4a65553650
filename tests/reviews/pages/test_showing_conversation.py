"""A conversation is shown turn by turn, whoever kept it in which format, and nothing in it becomes part of the page."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contracts.masking import MASK
from reviews.pages.showing import show
from reviews.pages.showing.conversation import MOST_TURNS, Conversation
from tests.reviews.pages.hostile import HIDDEN, MARKUP, NAMES, VALUES, deep, page, words

VIEW = {"properties": {"chat": {"x-view": "conversation", "title": "What was said before"}}}


def turns(chat: Any, schema: Any = VIEW) -> list[tuple[str, str, str]]:
    """Who spoke, on which side, and what, as one text."""
    (part,) = show(schema, {"chat": chat}, "Given").parts
    assert isinstance(part, Conversation)
    return [(t.who.plain, t.side, " | ".join(f"{b.label}{b.text.plain}" for b in t.blocks)) for t in part.turns]


@pytest.mark.parametrize(
    ("turn", "shown"),
    [
        ({"role": "customer", "text": "Hi"}, ("Customer", "customer", "Hi")),
        ({"who": "Agent", "content": "Yes?"}, ("Agent", "agent", "Yes?")),
        ({"from": "human", "value": "Hi"}, ("Human", "customer", "Hi")),
        ({"role": "user", "name": "Mia", "content": "Hi"}, ("User Mia", "customer", "Hi")),
        ({"role": "assistant", "content": ""}, ("Assistant", "agent", "")),
        ({"speaker": "Ms. Li", "text": "Hi"}, ("Ms. Li", "", "Hi")),
        ({"role": "system", "content": [{"type": "text", "text": "Be kind."}, "Be brief."]},
         ("System", "system", "Be kind. | Be brief.")),
        ({"role": "tool", "call": "c1", "content": "7"}, ("Tool", "tool", '7 | also sent{\n  "call": "c1"\n}')),
    ],
)  # fmt: skip
def test_the_common_formats_say_who_spoke_and_what(turn: dict[str, Any], shown: tuple[str, str, str]) -> None:
    assert turns([turn]) == [shown]


def test_a_turn_that_only_calls_a_tool_shows_what_it_calls() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"n": 1}'}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    older = {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": "{}"}}
    assert [turn[2] for turn in turns([said, older])] == ['callsfind {"n": 1}', "callsfind {}"]
    assert 'calls find {"n": 1}' in words(page(VIEW, {"chat": [said]}))


def test_a_turn_hides_nothing_that_came_with_it() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://evil.example/x.png"}}
    call = {"function": {"name": "find", "arguments": {"n": 1}}, "secretly": "more"}
    chat = [
        {"role": "user", "content": [image], "refusal": "no", "audio": None},
        {"role": "ai", "tool_calls": [call, "odd"]},
    ]
    said = words(page(VIEW, {"chat": chat}))
    for word in ("image_url", "https://evil.example/x.png", "refusal", "secretly", "odd"):
        assert word in said
    assert "audio" not in said


def test_a_list_of_turns_is_told_by_its_shape_unless_the_contract_wants_it_otherwise() -> None:
    chat = [{"role": "customer", "text": "Hi"}]
    assert turns(chat, {}) == [("Customer", "customer", "Hi")]
    (part,) = show({"properties": {"chat": {"x-view": "text"}}}, {"chat": chat}, "Given").parts
    assert not isinstance(part, Conversation)
    assert isinstance(show({}, chat, "Given").parts[0], Conversation)


@pytest.mark.parametrize(
    "chat",
    [
        [], None, "x", 7, {"role": "user", "content": "x"}, ["x"], [None], [{}], [{"role": "user"}], [{"content": "x"}],
        [{"role": 1, "content": "x"}], [{"role": " ", "content": "x"}], [{"role": "user", "content": 7}],
        [{"role": "user", "content": {"a": 1}}], [{"role": "user", "content": [7]}],
        [{"role": "user", "content": "x"}, 7], [{"role": "user", "content": "x"}] * (MOST_TURNS + 1),
    ],
)  # fmt: skip
def test_what_is_no_conversation_is_shown_as_json(chat: Any) -> None:
    shown = show(VIEW, {"chat": chat}, "Given")
    assert not any(isinstance(part, Conversation) for part in shown.parts)
    assert page(VIEW, {"chat": chat}).strip()


@pytest.mark.parametrize("said", MARKUP)
def test_markup_in_a_turn_stays_text(said: str) -> None:
    parts = [said, {"type": "text", "text": said}, {"type": said, said: said}]
    calls = [{"type": "function", "function": {"name": said, "arguments": said}}, said]
    markup = page(VIEW, {"chat": [
        {"role": said, "name": said, "content": said, said: said},
        {"role": "tool", "content": parts, "tool_calls": calls},
    ]})  # fmt: skip
    assert markup.count("<li") == markup.count("</li>") == 2


def test_what_cannot_be_seen_in_a_turn_is_marked() -> None:
    markup = page(VIEW, {"chat": [{"role": f"Age{HIDDEN}nt", "content": HIDDEN * 3}]})
    assert markup.count('<span class="control">U+202E</span>') == 4
    assert "AgepayU+202EbackU+200BU+2066nt" in words(markup)


def test_a_masked_turn_says_that_it_is() -> None:
    markup = page(VIEW, {"chat": [{"role": "customer", "text": MASK}]})
    assert "masked" in markup
    assert MASK not in markup


def test_a_deep_or_huge_turn_is_shown_and_costs_no_time() -> None:
    began = time.monotonic()
    for value in (deep(), "word " * 200_000, "a\u200b" * 100_000, [{"type": "x", "y": deep()}]):
        page(VIEW, {"chat": [{"role": "user", "content": value}, {"role": "ai", "content": "ok", "more": value}]})
    assert time.monotonic() - began < 15


TURNS = st.fixed_dictionaries(
    {"role": VALUES | st.sampled_from(["user", "tool"])}, optional={"content": VALUES, "tool_calls": VALUES}
)


@settings(max_examples=200)
@given(st.lists(TURNS | st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_no_conversation_is_an_error_to_show(chat: Any) -> None:
    page(VIEW, {"chat": chat}).encode()
