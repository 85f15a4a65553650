"""Going back at the desk: undo, then the correction form; and text that outlives a reload, a sign-out, a lost claim."""

import pytest
from playwright.sync_api import Browser

from reviews.models import Decision, Seat
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle, until
from tests.browser.test_workbench_access import found_by_axe
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
LETTER = {
    "type": "object", "required": ["digit"],
    "properties": {"digit": {"type": "integer", "maximum": 9}, "note": {"type": "string"}},
}  # fmt: skip
AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


def test_u_walks_back_from_what_can_be_undone_to_what_is_corrected(chromium: Browser, live_site: str) -> None:
    desk(cast.system(review=AT_ONCE), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        for _ in range(2):
            page.keyboard.press("a")
            ready(page)
        settle(page)
        held = card(page)
        first, second = Decision.objects.order_by("id")
        page.keyboard.press("u")
        page.wait_for_url(f"**/decisions/{second.pk}/correct/")
        assert found_by_axe(page) == []
        page.keyboard.press("u")
        page.wait_for_url(f"**/decisions/{first.pk}/correct/")
        page.keyboard.press("3")
        page.wait_for_url(f"**/review/{held}/")
        assert page.get_by_text("Corrected. The new decision stands").is_visible()
    made = Decision.objects.get(supersedes=first)
    assert (made.verdict, made.person_said) == ("override", "3")


def test_the_seconds_to_undo_come_before_the_correction_form(chromium: Browser, live_site: str) -> None:
    desk(cast.system(review={**cast.POLICY["review"], "undo_seconds": 2}), 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("a")
        ready(page)
        settle(page)
        assert page.locator(".rail [data-undo-seconds]").count() == 1
        until(page, "!document.querySelector('.rail [data-undo-seconds]')")
        page.keyboard.press("u")
        page.wait_for_url("**/correct/")
        assert "What stands now" in page.locator(".side").inner_text()


def test_text_is_offered_back_after_a_reload_and_gone_once_it_was_sent(chromium: Browser, live_site: str) -> None:
    desk(cast.system(contract_parts={"output": LETTER}), 2)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("e")
        page.locator("[name='field:note']").fill("Half a thought")
        page.reload()
        assert "Half a thought" in page.locator("[data-draft]").inner_text()
        assert page.locator("[name='field:note']").input_value() == "", "nothing is filled in unasked"
        assert found_by_axe(page) == []
        page.get_by_role("button", name="Put it back").click()
        assert page.locator("[name='field:note']").input_value() == "Half a thought"
        page.wait_for_timeout(360)
        page.keyboard.press("Control+Enter")
        settle(page)
        assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == []
    assert Decision.objects.get().verdict == "override"


def test_text_outlives_a_lost_claim_and_a_sign_out_and_is_shown_to_nobody_else(
    chromium: Browser, live_site: str
) -> None:
    item = desk(cast.system(), 1)[0]
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        page.goto("/queue/")
        page.get_by_role("button", name="Review the next one").click()
        page.wait_for_url("**/review/*/")
        page.wait_for_timeout(300)
        page.evaluate("document.querySelector('[data-part=reasons]').removeAttribute('data-closed')")
        page.locator("textarea[name=comment]").fill("Ask the lab.")
        Seat.objects.update(claim_expires_at="2026-01-01T00:00:00Z")
        kept = page.evaluate("JSON.stringify(localStorage)")
    stored = f"Object.entries({kept}).forEach(([name, value]) => localStorage.setItem(name, value))"
    with at_the_desk(chromium, live_site, cast.bob()) as page:
        page.goto("/queue/")
        page.evaluate(stored)
        page.goto(f"/review/{item.pk}/")
        page.wait_for_timeout(200)
        assert page.get_by_role("button", name="Take it").is_visible()
        assert "Ask the lab." not in page.inner_text("body")
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        page.goto("/queue/")
        page.evaluate(stored)
        page.goto(f"/review/{item.pk}/")
        page.wait_for_selector("[data-draft]")
        assert "Ask the lab." in page.inner_text("body")
        page.get_by_role("button", name="Take it").click()
        page.get_by_role("button", name="Put it back").click()
        assert page.locator("textarea[name=comment]").input_value() == "Ask the lab."


@pytest.mark.parametrize("put_off", [["s"], ["h", "1"], ["h", "3"]])
def test_what_was_skipped_or_held_comes_back_with_the_same_key(
    chromium: Browser, live_site: str, put_off: list[str]
) -> None:
    desk(cast.system(), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        for key in put_off:
            page.keyboard.press(key)
        settle(page)
        ready(page)
        second = card(page)
        assert second != first
        row = page.locator(".rail li", has=page.get_by_role("button", name="Take back"))
        assert row.count() == 1, "the rail says what can be taken back"
        page.keyboard.press("u")
        until(page, f"document.querySelector('.bench > .item').dataset.card === '{first}'")
        settle(page)
        ready(page)
        page.keyboard.press("a")
        until(page, f"document.querySelector('.bench > .item').dataset.card === '{second}'")
        settle(page)
        ready(page)
        page.keyboard.press("s")
        settle(page)
        ready(page)
        page.keyboard.press("a")
        settle(page)
        page.keyboard.press("u")
        settle(page)
        assert Decision.objects.filter(undone_at=None).count() == 1, (
            "the newest thing done is undone, not the skip before"
        )
    assert str(Decision.objects.get(undone_at=None).item_id) == first
