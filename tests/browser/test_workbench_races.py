"""Whatever is pressed at the wrong moment, and whatever the network does: never the wrong item, and nothing is lost."""

from uuid import UUID

import pytest
from playwright.sync_api import Browser

from reviews import queue
from reviews.models import Decision, Seat
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle, until
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser


def decided() -> list[tuple[str, str]]:
    return [(str(each.item_id), each.verdict) for each in Decision.objects.order_by("id")]


def test_two_keys_at_once_decide_one_item_by_the_first(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        for key in "arsa":
            page.evaluate(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
        settle(page)
    assert decided() == [(first, "approve")]


def test_a_key_held_down_over_the_change_of_cards_decides_no_second_one(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 5)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        for _ in range(30):
            page.keyboard.down("a")
            page.wait_for_timeout(30)
        page.keyboard.up("a")
        settle(page)
        assert card(page) != first
    assert decided() == [(first, "approve")]


def test_a_click_while_the_page_is_left_decides_the_item_that_was_shown_or_none(
    chromium: Browser, live_site: str
) -> None:
    desk(cast.system(), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        shown = card(page)
        page.on("dialog", lambda dialog: dialog.accept())
        page.evaluate(
            "document.querySelector('.rooms a[href=\"/queue/\"]').click();"
            "document.querySelector('.verdicts [value=approve]').click()"
        )
        page.wait_for_url("**/queue/")
        page.wait_for_timeout(500)
        assert {item for item, _ in decided()} <= {shown}
        page.goto(f"/review/{shown}/")
        told = page.inner_text("main")
        assert "You decided this item at" in told or page.locator(f"[data-card='{shown}']").count() > 0


def test_a_click_while_nothing_is_ready_waits_for_the_card_it_was_meant_for(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        page.goto("/queue/")
        page.route("**/review/ahead/", lambda route: None)
        page.get_by_role("button", name="Review the next one").click()
        until(page, "document.querySelector('review-desk')?.shownAt < performance.now() - 400")
        first = card(page)
        page.keyboard.press("a")
        assert page.locator(".bench").get_attribute("aria-busy") == "true"
        page.keyboard.press("r")
        page.locator(".verdicts [value=reject]").click(force=True)
        page.unroute("**/review/ahead/")
        page.goto("/queue/")
    assert decided() in ([(first, "approve")], []), "what was pressed while the desk waited is nobody's decision"


def test_a_form_from_before_a_reload_is_told_and_not_taken(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    alice = cast.alice()
    with at_the_desk(chromium, live_site, alice) as page:
        begin(page)
        stale = card(page)
        Seat.objects.filter(item=stale).update(claim_expires_at="2026-01-01T00:00:00Z")
        again = queue.claim_item(cast.acting(alice), UUID(stale))
        page.evaluate("document.querySelector('[data-part=reasons]').removeAttribute('data-closed')")
        page.locator("textarea[name=comment]").fill("Typed on the old form.")
        page.locator(".verdicts [value=reject]").click()
        settle(page)
        told = " ".join(page.locator(".problem").all_inner_texts())
        assert "You have taken this item anew" in told
        assert "Typed on the old form." in told
        assert "failed on our side" not in told
        assert Decision.objects.count() == 0
        page.get_by_role("button", name="Open the item again").click()
        page.wait_for_url("**/take/")
        assert page.locator("textarea[name=comment]").input_value() == "Typed on the old form."
        assert Seat.objects.get(item=stale).claim_token == again.token
        page.wait_for_timeout(400)
        page.locator(".verdicts [value=approve]").click()
        settle(page)
    assert decided() == [(stale, "approve")]


def test_offline_for_a_while_counts_what_waits_and_sends_it_in_its_order(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 5)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        asked: list[str] = []
        page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        first = card(page)
        page.context.set_offline(True)
        page.keyboard.press("a")
        until(page, "document.querySelector('send-line').textContent.startsWith('Not sent yet, will be: ')")
        second = card(page)
        page.wait_for_timeout(400)
        page.keyboard.press("4")
        until(page, "document.querySelector('send-line').textContent.includes('will be: 2')")
        assert page.locator("send-line").get_attribute("role") == "status"
        assert Decision.objects.count() == 0
        page.wait_for_timeout(6500)
        assert Decision.objects.count() == 0, "it tries, and waits on"
        page.context.set_offline(False)
        ready(page)
        assert card(page) not in {first, second}
        assert page.locator("send-line").inner_text() == ""
        assert page.locator(".problem").count() == 0
        assert asked == [], "the desk goes on by itself only when nothing waits any more"
    assert decided() == [(first, "approve"), (second, "override")]


def test_leaving_while_something_is_not_sent_asks_first(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    asked: list[str] = []
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        page.context.set_offline(True)
        page.keyboard.press("a")
        until(page, "document.querySelector('send-line').textContent !== ''")
        page.evaluate("location.reload()")
        page.wait_for_timeout(300)
        assert asked == ["beforeunload"]
        page.context.set_offline(False)
        settle(page)
    assert Decision.objects.count() == 1


def test_a_second_tab_decides_its_own_item_and_the_first_one_learns_of_it(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 6)
    with at_the_desk(chromium, live_site, cast.alice()) as one:
        begin(one)
        here = card(one)
        two = one.context.new_page()
        two.goto("/queue/")
        two.get_by_role("button", name="Go on with what you have").click()
        ready(two)
        assert card(two) == here, "one person has one item in hand, in however many tabs"
        two.keyboard.press("a")
        settle(two)
        ready(two)
        there = card(two)
        one.bring_to_front()
        one.keyboard.press("3")
        settle(one)
        assert "You decided this item at" in one.locator(".problem").inner_text()
        two.bring_to_front()
        two.keyboard.press("r")
        settle(two)
        two.close()
    assert [pair for pair in decided() if pair[0] == here] == [(here, "approve")]
    assert len({item for item, _ in decided()}) == len(decided())
    assert there != here
