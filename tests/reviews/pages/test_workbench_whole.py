"""Whoever approves has seen all of it, a long answer or a call; whoever is blind has seen nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from governance.models import OutputContent, System
from reviews.models import Item
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.pages.hostile import words

pytestmark = pytest.mark.django_db
SUMMARY: dict[str, Any] = {"type": "object", "properties": {"summary": {"type": "string", "title": "Summary"}}}
CALL: dict[str, Any] = {"type": "object", "x-view": "call", "properties": {"action": {}, "arguments": {}}}


def answering(output: dict[str, Any], *places: str, said: Any, **blocks: Any) -> System:
    """A system with one item, whose AI said this."""
    found = cast.system(contract_parts={"output": output, "correct_when": list(places)}, audit={"rate": 0}, **blocks)
    desk(found)
    OutputContent.objects.update(answer=json.dumps(said))
    return found


def opened(person: Any) -> tuple[Client, str, str, Any]:
    """A browser on its next item: the address, the markup and the card."""
    browser = Client()
    browser.force_login(person)
    at = browser.post("/queue/next/").headers["Location"]
    answer = browser.get(at)
    return browser, at, answer.content.decode(), answer.context["card"]


def test_an_answer_longer_than_a_line_is_shown_to_its_last_word() -> None:
    answering(SUMMARY, "/output/summary", said={"summary": "word " * 200 + "lastly, nothing"})
    _, _, markup, card = opened(cast.alice())
    assert card.said.is_told_whole
    assert "lastly, nothing" in markup.split('class="verdicts"')[0].split("What happens next")[0]


def test_a_call_stands_under_what_was_said_and_is_approved_by_its_name() -> None:
    answering(CALL, "/output/action", "/output/arguments", said={"action": "cancel", "arguments": {"id": "I6M8JQ"}})
    _, _, markup, card = opened(cast.alice())
    item, side = markup.split('<section class="side"')
    assert card.call is not None
    assert "I6M8JQ" in item.split('class="call"')[1]
    assert "I6M8JQ" not in side.split('class="fields"')[0]
    assert "Run cancel" in words(side)


def test_a_blind_item_does_not_tell_what_the_agent_would_run() -> None:
    answering(CALL, "/output/action", said={"action": "cancel", "arguments": {"id": "I6M8JQ"}})
    Item.objects.update(is_blind=True)
    _, _, markup, card = opened(cast.alice())
    assert card.call is None
    assert "I6M8JQ" not in markup
    assert "cancel" not in words(markup.split('<section class="item"')[1]).replace("Escalate", "").lower()
