"""A phone: a swipe asks and never sends by itself, targets are large enough, nothing has to be scrolled sideways."""

import pytest
from playwright.sync_api import Browser, Page

from reviews.models import Decision
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle, until
from tests.browser.test_workbench_access import found_by_axe, many_parts
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def swipe(page: Page, by: int, *, down: int = 0, on: str = ".bench > .item h1") -> None:
    """A finger put down on something, moved in steps as fingers do, and lifted."""
    box = page.locator(on).first.bounding_box()
    assert box is not None
    x, y = (40 if by > 0 else 350), box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind: str, share: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x + by * share, "y": y + down * share}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0)
    for step in range(1, 9):
        touch("touchMove", step / 8)
    touch("touchEnd", 1)
    page.wait_for_timeout(100)


@pytest.mark.parametrize(("by", "verdict", "word"), [(200, "approve", "Approve"), (-200, "reject", "Reject")])
def test_a_swipe_asks_and_only_the_answer_sends(
    chromium: Browser, live_site: str, by: int, verdict: str, word: str
) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice(), **PHONE) as page:
        begin(page)
        first = card(page)
        swipe(page, by)
        dialog = page.get_by_role("dialog")
        assert dialog.is_visible()
        assert dialog.inner_text().startswith(f"{word}:")
        assert found_by_axe(page, least=10) == []
        settle(page)
        assert Decision.objects.count() == 0, "nothing is sent before somebody says so"
        dialog.get_by_role("button", name="Not yet").click()
        assert (card(page), Decision.objects.count()) == (first, 0)
        swipe(page, by)
        dialog.get_by_role("button", name=word).click()
        until(page, f"document.querySelector('.bench > .item').dataset.card !== '{first}'")
        settle(page)
    assert [(str(each.item_id), each.verdict) for each in Decision.objects.all()] == [(first, verdict)]


@pytest.mark.parametrize(("by", "down"), [(60, 0), (120, 110), (10, 200)])
def test_a_short_or_slanting_move_of_the_finger_asks_nothing(
    chromium: Browser, live_site: str, by: int, down: int
) -> None:
    desk(cast.system(), 2)
    with at_the_desk(chromium, live_site, cast.alice(), **PHONE) as page:
        begin(page)
        swipe(page, by, down=down)
        assert not page.get_by_role("dialog").is_visible()
    assert Decision.objects.count() == 0


def test_every_control_of_the_verdict_bar_is_large_enough_for_a_finger(chromium: Browser, live_site: str) -> None:
    many_parts()
    with at_the_desk(chromium, live_site, cast.alice(), **PHONE) as page:
        begin(page)
        controls = ".verdicts :is(button, a):visible, .tools button:visible, .alts button:visible"
        boxes = [each.bounding_box() for each in page.locator(controls).all()]
        assert len(boxes) > 8
        assert [box for box in boxes if box and (box["height"] < 44 or box["width"] < 44)] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(".verdicts [value=approve]").tap()
        ready(page)
        settle(page)
    assert Decision.objects.count() == 1
