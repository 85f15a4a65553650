"""A whole decision without a mouse and without eyes; twice the size; without motion; in the order that one reads."""

import pytest
from playwright.sync_api import Browser, Page

from reviews.models import Decision
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle
from tests.browser.test_workbench_access import found_by_axe, many_parts
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
_SAYS = "document.activeElement.ariaLabel || document.activeElement.textContent"
STRICT = {**cast.POLICY["review"], "reason_required": ["reject"]}
OTHERS = {"alternatives": [{"output": {"digit": 1}, "confidence": 0.2}]}


def tabbed(page: Page, count: int) -> list[str]:
    """What Tab goes through from the question on, by role or tag and name."""
    found = []
    for _ in range(count):
        page.keyboard.press("Tab")
        found.append(" ".join(str(page.evaluate(_SAYS)).split()))
    return found


def test_from_signing_in_to_a_decision_with_the_keyboard_alone(chromium: Browser, live_site: str) -> None:
    alice = cast.alice()
    alice.set_password(cast.PASSWORD)
    alice.save(update_fields=["password"])
    desk(cast.system(review=STRICT), 3)
    with at_the_desk(chromium, live_site, alice) as page:
        page.context.clear_cookies()
        page.goto("/account/login/")
        page.keyboard.press("Tab")
        for _ in range(6):
            if page.evaluate("document.activeElement.name") == "login":
                break
            page.keyboard.press("Tab")
        page.keyboard.type(alice.email)
        page.keyboard.press("Tab")
        page.keyboard.type(cast.PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)
        page.goto("/queue/")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()") == "Review the next one":
                break
        page.keyboard.press("Enter")
        ready(page)
        first = card(page)
        page.keyboard.press("r")
        page.keyboard.press("2")
        page.keyboard.press("Tab")
        page.keyboard.type("")
        page.keyboard.press("Control+Enter")
        settle(page)
        assert card(page) != first
    decision = Decision.objects.get()
    assert (str(decision.item_id), decision.verdict, decision.reasons) == (first, "reject", ["unreadable"])


def test_a_decision_by_what_a_screen_reader_is_told_alone(chromium: Browser, live_site: str) -> None:
    many_parts(review=STRICT)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        told = page.locator("main").aria_snapshot()
        for line in (
            'heading "Is this answer right?" [level=1]', 'heading "The AI’s answer"', 'heading "Why you see this"',
            'heading "What happens next"', 'button "Override to 1"', "img \"Scan, 8 by 8 pixels",
            'region "Your decision"', 'region "What was said, and your answer"',
        ):  # fmt: skip
            assert line in told, line
        assert told.index('heading "Is this answer right?"') < told.index('heading "The AI’s answer"')
        assert told.index('heading "The AI’s answer"') < told.index('region "Your decision"')
        bar = page.get_by_role("region", name="Your decision")
        bar.get_by_role("button", name="Reject").press("Enter")
        assert "A reason is needed to reject." in page.get_by_role("status").all_inner_texts().__str__()
        reason = page.get_by_role("checkbox", name="Unreadable")
        reason.press(" ")
        assert reason.is_checked()
        page.get_by_role("region", name="Your decision").get_by_role("button", name="Reject").press("Enter")
        settle(page)
        assert page.evaluate("document.activeElement.tagName") == "H1", "the next question is read at once"
        assert any("Sent." in each for each in page.get_by_role("status").all_inner_texts())
        rail = page.get_by_role("region", name="This session").aria_snapshot()
        assert 'button "Undo 7"' in rail
    assert Decision.objects.get().reasons == ["unreadable"]


def test_tab_goes_from_the_question_through_the_answers_to_the_verdicts(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 2, context=OTHERS)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.locator(".bench > .item h1").focus()
        order = tabbed(page, 24)
        places = [
            next(n for n, each in enumerate(order) if each.startswith(name))
            for name in ("Approve 7", "Override to 1", "policy", "A Approve", "E Override", "R Reject")
        ]
        assert places == sorted(places), order


@pytest.mark.parametrize("size", [(720, 450), (512, 384)])
def test_at_twice_the_size_everything_is_there_and_nothing_lies_over_another(
    chromium: Browser, live_site: str, size: tuple[int, int]
) -> None:
    many_parts()
    with at_the_desk(
        chromium, live_site, cast.alice(), viewport={"width": size[0], "height": size[1]}, device_scale_factor=2
    ) as page:
        begin(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for part in (".item h1", ".side .answer", ".verdicts [value=approve]", ".verdicts [value=reject]"):
            page.locator(f".bench > {part}").first.scroll_into_view_if_needed()
            assert page.locator(f".bench > {part}").first.is_visible()
        bar = page.locator(".bench > .verdicts").bounding_box()
        assert bar is not None
        assert bar["height"] < size[1] / 2, "there is room left for what is judged"
        assert found_by_axe(page) == []
        page.keyboard.press("a")
        settle(page)
    assert Decision.objects.count() == 1


def test_without_motion_nothing_moves(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice(), reduced_motion="reduce") as page:
        begin(page)
        page.keyboard.press("a")
        page.keyboard.press("u")
        settle(page)
        moving = page.evaluate(
            "document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 1).length"
        )
        assert moving == 0
