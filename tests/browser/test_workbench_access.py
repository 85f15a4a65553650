"""The queue and the workbench for everybody: axe finds nothing, focus is where the eye is, nothing scrolls away."""

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from governance.models import OutputContent
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
GREYS = {"type": "array", "items": {"type": "integer", "maximum": 16}}
SCAN = {"type": "array", "x-view": "scan", "title": "Scan", "items": GREYS}
RADIUS = {"type": "number", "title": "Radius", "x-unit": "mm", "x-range": [1, 2, 3, 4, 5]}
MEASURED = {"type": "object", "x-view": "measurements", "title": "Measured", "properties": {"radius": RADIUS}}
PICTURE = [[(x * y) % 17 for x in range(8)] for y in range(8)]
OTHERS = {"alternatives": [{"output": {"digit": 1}, "confidence": 0.2}], "explanation": "The crossbar."}


def many_parts(**blocks: Any) -> None:
    """Items that every renderer has a part in."""
    given = {"type": "object", "properties": {"scan": SCAN, "measured": MEASURED}}
    found = cast.system(contract_parts={"input": given}, **blocks)
    desk(found, 4, context=OTHERS)
    plain = dict.fromkeys("nmopq", 1)
    sent = {"scan": PICTURE, "measured": {"radius": 9}, "letter": "word " * 60, "deep": {"a": [1, {"b": "c"}]}, **plain}
    OutputContent.objects.update(input=json.dumps(sent))


def found_by_axe(page: Page, *, least: int = 20) -> list[str]:
    # Playwright's way in, not the page's: the policy of the page forbids added scripts, and stays as it is.
    result = Axe().run(page).response
    assert len(result["passes"]) > least, "axe has looked"
    return [f"{each['id']}: {node['html'][:200]}" for each in result["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(chromium: Browser, live_site: str, theme: str, width: int) -> None:
    many_parts(review={**cast.POLICY["review"], "reason_required": ["reject"]})
    size = {"width": width, "height": 900}
    with at_the_desk(chromium, live_site, cast.alice(), viewport=size, color_scheme=theme) as page:
        page.goto("/queue/")
        assert found_by_axe(page) == []
        begin(page)
        assert found_by_axe(page) == []
        page.keyboard.press("a")
        ready(page)
        page.keyboard.press("r")
        assert found_by_axe(page) == []
        settle(page)
        page.goto("/queue/")
        assert found_by_axe(page) == []


def test_the_page_itself_never_scrolls_at_its_full_size(chromium: Browser, live_site: str) -> None:
    many_parts()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        for _ in range(2):
            height, window, width = page.evaluate(
                "[document.documentElement.scrollHeight, innerHeight, document.documentElement.scrollWidth]"
            )
            assert height <= window
            assert width <= 1440
            assert page.locator(".verdicts").is_visible()
            page.keyboard.press("a")
            ready(page)


def test_the_focus_lands_on_the_question_of_the_next_card(chromium: Browser, live_site: str) -> None:
    many_parts()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("a")
        assert page.evaluate("document.activeElement.id") == f"item-{card(page)}"
        assert page.locator("[data-says]").inner_text() == "Sent."
        assert page.locator("[data-says]").get_attribute("role") == "status"


def test_the_scan_is_zoomed_sharpened_and_inverted_by_keys_and_says_so(chromium: Browser, live_site: str) -> None:
    many_parts()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        view = page.locator("scan-view")
        for key in "+ci":
            page.keyboard.press(key)
        assert view.locator("output").inner_text() == "150\u202f%"
        assert view.locator("[aria-pressed=true]").count() == 2
        assert "inverted" in str(view.get_attribute("class"))
        for key in "-ci":
            page.keyboard.press(key)
        assert view.locator("output").inner_text() == "100\u202f%"
        assert view.locator("[aria-pressed=true]").count() == 0
