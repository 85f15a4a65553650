"""A reviewer at the keyboard: every key, and the next card there at once."""

import pytest
from playwright.sync_api import Browser

from governance.models import Entry, OutputContent
from reviews.models import Decision, Item
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle, until
from tests.browser.test_workbench_access import found_by_axe
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
OTHERS = {"alternatives": [{"output": {"digit": 1}, "confidence": 0.2}, {"output": {"digit": 9}, "confidence": 0.1}]}


def test_twenty_digits_by_the_keyboard_alone_each_next_card_at_once(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 23, context=OTHERS)
    seen = []
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        for number in range(20):
            seen.append(card(page))
            page.keyboard.press("1" if number % 5 == 4 else "3" if number % 7 == 6 else "a")
            ready(page)
        settle(page)
        until(page, "window.waited.length === 20")
        waited = page.evaluate("window.waited")
    decisions = Decision.objects.order_by("id")
    assert [str(decision.item_id) for decision in decisions] == seen
    assert len(set(seen)) == 20
    assert {decision.person_said for decision in decisions if decision.verdict == "override"} == {"1", "3"}
    assert waited == [0] * 20


def test_undo_brings_the_item_back_and_keeps_the_next_one_ready(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.keyboard.press("a")
        page.keyboard.press("u")
        until(page, f"document.querySelector('.bench > .item').dataset.card === '{first}'")
        settle(page)
        assert Decision.objects.filter(undone_at=None).count() == 0
        ready(page)
        page.keyboard.press("4")
        settle(page)
    assert Decision.objects.get(undone_at=None).person_said == "4"


def test_rejecting_asks_for_the_reason_that_the_policy_wants(chromium: Browser, live_site: str) -> None:
    strict = cast.system("strict", review={**cast.POLICY["review"], "reason_required": ["reject", "override"]})
    desk(strict, 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.keyboard.press("r")
        assert page.locator("[data-part=reasons]").is_visible()
        assert card(page) == first
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        ready(page)
        page.keyboard.press("3")
        assert page.get_by_text("A reason is needed to override").count() == 1
        page.keyboard.press("Escape")
        assert not page.locator("[data-part=reasons]").is_visible()
        page.keyboard.press("3")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        settle(page)
    said = [(d.verdict, d.person_said, d.reasons) for d in Decision.objects.order_by("id")]
    assert said == [("reject", "", ["unreadable"]), ("override", "3", ["wrong-label"])]


def test_override_goes_to_the_other_answers_and_the_digit_that_the_ai_said_approves(
    chromium: Browser, live_site: str
) -> None:
    desk(cast.system(), 3, context=OTHERS)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("e")
        assert page.evaluate("document.activeElement.name + document.activeElement.value") == "alternative0"
        page.keyboard.press("Enter")
        ready(page)
        page.keyboard.press("7")
        settle(page)
    said = [(decision.verdict, decision.person_said) for decision in Decision.objects.order_by("id")]
    assert said == [("override", "1"), ("approve", "7")]


def test_a_key_held_down_or_pressed_twice_decides_one_item(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.down("a")
        for _ in range(5):
            page.keyboard.down("a")
        page.keyboard.up("a")
        page.keyboard.press("a")
        settle(page)
        assert Decision.objects.count() == 1
        ready(page)
        page.locator(".verdicts [value=approve]").dblclick()
        settle(page)
    assert Decision.objects.count() == 2


def test_single_keys_can_be_switched_off(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 2)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()
        page.get_by_label("Single keys are on").uncheck()
        page.get_by_role("button", name="Close").click()
        first = card(page)
        for key in "ar3sgh":
            page.keyboard.press(key)
        settle(page)
        assert card(page) == first
        assert Decision.objects.count() == 0
        page.locator(".verdicts [value=approve]").focus()
        page.keyboard.press("Enter")
        settle(page)
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(("keys", "kind"), [("s", "skipped"), ("h2", "held"), ("hh", "held"), ("g", "escalated")])
def test_an_item_is_put_off_by_a_key(chromium: Browser, live_site: str, keys: str, kind: str) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        for key in keys:
            assert card(page) == first
            page.keyboard.press(key)
        assert card(page) != first
        settle(page)
    assert Entry.objects.filter(type=kind).count() == 1


def test_the_last_item_leads_to_the_empty_queue(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 1)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        page.goto("/queue/")
        page.get_by_role("button", name="Review the next one").click()
        until(page, "document.querySelector('review-desk')?.shownAt < performance.now() - 400")
        page.keyboard.press("a")
        page.wait_for_url("**/queue/summary/")
        assert page.get_by_role("heading", level=1).inner_text().startswith("You decided 1 answer in")
        assert "Nothing more waits for you." in page.inner_text("main")
        page.goto("/queue/")
        assert page.get_by_role("heading", level=1).inner_text() == "Nothing waits for you."
    assert Item.objects.get().state == "closed"


def test_a_nested_correction_is_typed_and_sent_by_the_keyboard(chromium: Browser, live_site: str) -> None:
    output = {
        "type": "object", "required": ["digit"],
        "properties": {"digit": {"type": "integer", "maximum": 9}, "note": {"type": "string"}},
    }  # fmt: skip
    desk(cast.system(contract_parts={"output": output}), 2)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("42")
        page.keyboard.press("Control+Enter")
        assert card(page) == first, "what is wrong is told before anything is sent"
        assert page.locator(".field .error").inner_text() == "Digit must be at most 9."
        assert page.locator("[name='field:digit']").input_value() == "42"
        page.locator("[name='field:digit']").fill("4")
        page.keyboard.press("Control+Enter")
        settle(page)
    assert Decision.objects.get().person_said == "4"


def test_a_blind_item_is_answered_by_one_key(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 2, blind=True, digit=7)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        assert page.get_by_text("stays hidden until you have").is_visible()
        page.keyboard.press("a")
        assert Decision.objects.count() == 0
        page.keyboard.press("0")
        settle(page)
    decision = Decision.objects.get()
    assert (decision.verdict, decision.person_said, decision.is_blind) == ("override", "0", True)


def test_what_is_held_is_listed_and_taken_back(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 2)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.keyboard.press("h")
        assert page.get_by_text("nobody is offered it before").is_visible()
        page.keyboard.press("Escape")
        assert not page.get_by_text("nobody is offered it before").is_visible()
        page.keyboard.press("h")
        page.keyboard.press("3")
        settle(page)
        page.goto("/queue/")
        page.get_by_role("button", name="Take back the item").click()
        page.wait_for_url(f"**/review/{first}/")
        page.goto("/queue/")
        assert page.get_by_role("button", name="Take back the item").count() == 0


def test_the_summary_tells_what_a_sitting_changed(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 2)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        page.goto("/queue/summary/")
        assert "You have not decided anything today." in page.inner_text("main")
        assert found_by_axe(page) == []
        begin(page)
        page.keyboard.press("3")
        page.wait_for_timeout(500)
        page.keyboard.press("a")
        page.wait_for_url("**/queue/summary/")
        told = page.inner_text("main")
        assert "You decided 2 answers in" in told
        assert "not yet" in told, "nobody else has judged them"
        assert page.locator("td b", has_text="3").count() == 1
        assert found_by_axe(page) == []


def test_a_calm_word_when_decisions_come_faster_than_reading_at_most_once_in_ten(
    chromium: Browser, live_site: str
) -> None:
    desk(cast.system(), 16)
    OutputContent.objects.update(input='{"letter": "' + "word " * 80 + '"}')
    told = []
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        for _ in range(14):
            page.keyboard.press("a")
            ready(page)
            settle(page)
            told.append("faster than they can be read" in page.locator("desk-pace").inner_text())
            page.evaluate("document.querySelector('desk-pace').replaceChildren()")
    assert [number for number, was in enumerate(told, start=1) if was] == [10]


def test_after_fifty_minutes_a_break_is_offered_once(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 5)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        for number in range(2):
            page.evaluate("document.querySelector('.rail').dataset.sat = '3060'")
            page.keyboard.press("a")
            said = page.locator("desk-pace").inner_text()
            page.evaluate("document.querySelector('desk-pace').replaceChildren()")
            ready(page)
            settle(page)
            if number == 0:
                assert "You have been at it for 51 minutes." in said
        assert said == ""


def test_pictures_are_blurred_on_request_and_stay_so(chromium: Browser, live_site: str) -> None:
    greys = {"type": "array", "items": {"type": "integer", "maximum": 16}}
    scan = {"type": "array", "x-view": "scan", "title": "Scan", "items": greys}
    desk(cast.system(contract_parts={"input": {"type": "object", "properties": {"scan": scan}}}), 4)
    OutputContent.objects.update(input='{"scan": [[0, 16], [16, 0]]}')
    blurred = "getComputedStyle(document.querySelector('.scan > svg')).filter.startsWith('blur')"
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        assert not page.evaluate(blurred)
        page.keyboard.press("b")
        assert page.evaluate(blurred)
        page.keyboard.press("a")
        ready(page)
        assert page.evaluate(blurred)
        assert page.locator("[data-blur]").get_attribute("aria-pressed") == "true"
        page.reload()
        assert page.evaluate(blurred)
        page.wait_for_selector("next-card[data-ready]", state="attached")
        page.keyboard.press("b")
        assert not page.evaluate(blurred)
