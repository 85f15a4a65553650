"""Keys of one's own: on the caps, in the sheet, kept with the account; two actions never share one."""

import pytest
from playwright.sync_api import Browser

from governance.models import Entry, Person
from reviews.models import Decision
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle
from tests.browser.test_workbench_access import found_by_axe, many_parts
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser


def test_a_key_of_ones_own_decides_and_stands_on_its_cap_and_in_the_sheet(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        here = page.url
        page.keyboard.press("?")
        page.get_by_role("link", name="Change the keys").click()
        assert found_by_axe(page) == []
        page.get_by_label("Approve the AI's answer").fill("s")
        page.get_by_role("button", name="Keep these keys").click()
        told = page.locator(".error").all_inner_texts()
        assert told[0] == "S cannot also be the key of “skip”. Choose another key for one of them."
        assert len(told) == 2, "at both of them"
        assert found_by_axe(page) == []
        page.get_by_label("Skip", exact=True).fill("f")
        page.get_by_label("Undo the last decision").fill("5")
        page.get_by_role("button", name="Keep these keys").click()
        assert page.locator(".error").all_inner_texts() == ["Digits choose answers and reasons. Choose another key."]
        page.get_by_label("Undo the last decision").fill("u")
        page.get_by_role("button", name="Keep these keys").click()
        assert page.get_by_text("Your keys are kept.").is_visible()
        page.goto(here)
        ready(page)
        assert page.locator(".verdicts [value=approve] kbd").inner_text() == "S"
        first = card(page)
        page.keyboard.press("a")
        page.wait_for_timeout(100)
        assert card(page) == first, "the old key does nothing"
        page.keyboard.press("s")
        ready(page)
        assert page.locator(".verdicts [value=approve] kbd").inner_text() == "S", "the next card has it too"
        page.keyboard.press("?")
        assert page.locator("dl.keys dt", has_text="S").first.inner_text() == "S"
        settle(page)
    assert [(str(each.item_id), each.verdict) for each in Decision.objects.all()] == [(first, "approve")]
    assert Person.objects.get(pk=cast.alice().pk).desk_keys == {"approve": "s", "skip": "f"}
    assert Entry.objects.filter(type="keys_chosen").count() == 1


def test_the_usual_keys_come_back_and_single_keys_are_off_with_the_account(chromium: Browser, live_site: str) -> None:
    many_parts()
    alice = cast.alice()
    with at_the_desk(chromium, live_site, alice) as page:
        page.goto("/queue/keys/")
        page.get_by_label("Invert").fill("x")
        page.get_by_label("Single keys are on").first.uncheck()
        page.get_by_role("button", name="Keep these keys").click()
        begin(page)
        here = page.url
        first = card(page)
        page.keyboard.press("x")
        page.keyboard.press("a")
        assert card(page) == first
        assert page.locator("scan-view [aria-pressed=true]").count() == 0
        page.goto("/queue/keys/")
        page.get_by_label("Single keys are on").first.check()
        page.get_by_role("button", name="Keep these keys").click()
        page.goto(here)
        ready(page)
        page.keyboard.press("x")
        assert page.locator("scan-view [data-scan=invert]").get_attribute("aria-pressed") == "true"
        page.goto("/queue/keys/")
        page.get_by_role("button", name="Back to the usual keys").click()
        page.goto(here)
        ready(page)
        page.keyboard.press("i")
        assert page.locator("scan-view [data-scan=invert]").get_attribute("aria-pressed") == "true"
