"""Conversations, calls and long texts in a browser: what must stay in view does, nothing they hold runs or leaves."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from governance.models import OutputContent
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, until
from tests.browser.test_workbench_access import found_by_axe
from tests.reviews.desk import desk
from tests.reviews.pages.hostile import HIDDEN, MARKUP

pytestmark = pytest.mark.browser
CHAT = {"type": "array", "x-view": "conversation", "title": "What was said before"}
CALL: dict[str, Any] = {
    "type": "object", "title": "May the agent run this?", "x-view": "call",
    "properties": {"action": {"type": "string"}, "arguments": {"type": "object", "properties": {"id": {}}}},
    "x-effects": ["Cancels booking {id}.", {"say": "It cannot be undone.", "warn": True}],
}  # fmt: skip
NEEDLE = "needle"
LETTER = ("hay " * 400 + NEEDLE + " ") * 3 + "<b>Needle</b>" + "\u202e" + " hay" * 400


def asked(sent: dict[str, Any], said: dict[str, Any], **given: Any) -> None:
    """Two items of an agent that wants to run something."""
    found = cast.system(contract_parts={
        "input": {"type": "object", "properties": given}, "output": CALL,
        "correct_when": ["/output/action", "/output/arguments"],
    })  # fmt: skip
    desk(found, 2)
    OutputContent.objects.update(input=json.dumps(sent), answer=json.dumps(said))


def is_in_view(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    bar = page.locator(".verdicts").bounding_box()
    assert box is not None
    assert bar is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= bar["y"] + 1


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_the_call_and_its_arguments_stay_in_view_while_the_conversation_scrolls(
    chromium: Browser, live_site: str, size: tuple[int, int]
) -> None:
    chat = [{"role": role, "text": f"Turn {n}. " * 30} for n in range(20) for role in ("customer", "agent")]
    chat.append({"role": "customer", "text": "The last word."})
    asked({"chat": chat}, {"action": "cancel", "arguments": {"id": "I6M8JQ", "force": True}}, chat=CHAT)
    window = {"width": size[0], "height": size[1]}
    with at_the_desk(chromium, live_site, cast.alice(), viewport=window) as page:
        begin(page)
        assert is_in_view(page, ".call")
        assert is_in_view(page, ".arguments")
        assert page.get_by_text("not an argument of this action").is_visible()
        assert is_in_view(page, ".turns > li:last-child")
        turns = page.locator(".turns-box")
        assert turns.evaluate("box => box.scrollHeight > 2 * box.clientHeight")
        turns.focus()
        page.keyboard.press("Home")
        until(page, "document.querySelector('.turns > li').getBoundingClientRect().top > 0")
        assert is_in_view(page, ".call")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_nothing_hostile_runs(
    chromium: Browser, live_site: str, theme: str, width: int
) -> None:  # fmt: skip
    chat = [{"role": each, "content": each + HIDDEN, "tool_calls": [each], each: each} for each in MARKUP]
    tool = {"role": "tool", "content": "x" * 3000}
    arguments = {"id": MARKUP[0], MARKUP[1]: [{MARKUP[2]: HIDDEN}], "deep": {"a": [{"b": [MARKUP[3]]}]}}
    letter = {"type": "string", "title": "Letter"}
    asked(
        {"chat": [tool, *chat], "letter": LETTER},
        {"action": "cancel", "arguments": arguments},
        chat=CHAT,
        letter=letter,
    )
    size = {"width": width, "height": 900}
    with at_the_desk(chromium, live_site, cast.alice(), viewport=size, color_scheme=theme) as page:
        begin(page)
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator(".control", has_text="U+202E").count() > len(MARKUP)
        assert found_by_axe(page) == []


def test_a_long_text_is_searched_without_touching_it(chromium: Browser, live_site: str) -> None:
    asked({"letter": LETTER}, {"action": "cancel", "arguments": {}}, letter={"type": "string", "title": "Letter"})
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        was, shown = card(page), page.locator(".passage").inner_text()
        field = page.get_by_label("Find in Letter")
        field.fill("NEEDLE")
        until(page, "document.querySelectorAll('.passage mark').length === 4")
        said = page.locator("find-text output")
        assert said.inner_text() == "1 of 4"
        page.keyboard.press("Shift+Enter")
        assert said.inner_text() == "4 of 4"
        assert page.locator("mark[aria-current]").inner_text() == "Needle"
        assert page.locator(".passage b").count() == 0
        assert page.locator(".passage").inner_text() == shown
        page.keyboard.press("Escape")
        assert page.locator(".passage mark").count() == 0
        assert page.locator(".passage .foreign").evaluate("text => text.childNodes.length") == 3
        field.fill("nowhere")
        until(page, "document.querySelector('find-text output').value === 'none'")
        page.keyboard.type("arsu")
        assert card(page) == was


def test_without_scripts_a_long_text_scrolls_and_has_no_search(chromium: Browser, live_site: str) -> None:
    asked({"letter": LETTER}, {"action": "cancel", "arguments": {}}, letter={"type": "string", "title": "Letter"})
    with at_the_desk(chromium, live_site, cast.alice(), java_script_enabled=False) as page:
        page.goto("/queue/")
        page.get_by_role("button", name="Review the next one").click()
        assert not page.get_by_label("Find in Letter").is_visible()
        page.get_by_text("The agent wants to run").wait_for()
        page.locator(".passage").focus()
        page.keyboard.press("End")
        page.wait_for_timeout(200)
        assert page.locator(".passage").evaluate("box => box.scrollTop") > 0
