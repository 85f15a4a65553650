"""Home, history, why and evidence in a browser: both themes, a phone, the keyboard, no script at all, and on paper."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from governance.models import Entry, Output
from tests import cast
from tests.browser.bench import at_the_desk
from tests.reviews.pages.deciding import decide, system
from tests.reviews.pages.test_why import arrive, item_of

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def told() -> Output:
    """A small history: approved, overridden, rejected, one still open; the overridden one."""
    of = system()
    outputs = [arrive(of, digit=digit) for digit in (4, 7, 1, 3)]
    decide(cast.alice(), item_of(outputs[0]))
    decide(cast.bob(), item_of(outputs[1]), "override", output={"digit": 1}, comment="A one.")
    decide(cast.bob(), item_of(outputs[2]), "reject", reasons=["unreadable"])
    return outputs[1]


def addresses(output: Output) -> list[str]:
    entry = Entry.objects.get(subject=output.pk, type="judged")
    filtered = "/history/?system=digits&verdict=override&blind=no"
    return ["/", "/history/", filtered, f"/outputs/{output.pk}/", "/evidence/", f"/evidence/{entry.pk}/"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shape", [{}, PHONE], ids=["desk", "phone"])
def test_the_pages_are_accessible_and_fit(chromium: Browser, live_site: str, theme: str, shape: dict) -> None:
    urls = addresses(told())
    with at_the_desk(chromium, live_site, cast.ruth(), color_scheme=theme, **shape) as page:
        for url in urls:
            page.goto(url)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{url}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url


def test_home_of_a_reviewer_is_accessible_and_leads_to_her_next_item(chromium: Browser, live_site: str) -> None:
    told()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        page.goto("/")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        page.get_by_role("button", name="Review the next one").click()
        page.wait_for_url("**/review/*/")


def test_history_is_read_by_keys(chromium: Browser, live_site: str) -> None:
    told()
    with at_the_desk(chromium, live_site, cast.ruth()) as page:
        page.goto("/history/")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/outputs/*/")
        assert "Bob answered 1 where the AI said 7." in page.inner_text("h1")


def test_everything_works_without_scripts(chromium: Browser, live_site: str) -> None:
    output = told()
    with at_the_desk(chromium, live_site, cast.ruth(), java_script_enabled=False) as page:
        page.goto("/history/")
        page.locator("select[name=verdict]").select_option("override")
        page.get_by_role("button", name="Find").click()
        assert page.locator("tbody tr[id^=decision]").count() == 1
        page.get_by_text("More filters").click()
        page.get_by_label("Outcome changed").select_option("no")
        page.get_by_role("button", name="Find").click()
        assert page.locator("tbody tr[id^=decision]").count() == 0
        page.get_by_role("link", name=re.compile("Take away: Outcome changed")).click()
        page.locator("tbody tr[id^=decision] a").first.click()
        assert page.url.endswith(f"/outputs/{output.pk}/")


def test_the_why_page_is_printed_on_two_pages_with_whole_digests(chromium: Browser, live_site: str) -> None:
    output = told()
    with at_the_desk(chromium, live_site, cast.ruth()) as page:
        page.goto(f"/outputs/{output.pk}/")
        paper = page.pdf(format="A4")
        page.emulate_media(media="print")
        whole = bytes(Entry.objects.get(subject=output.pk, type="judged").leaf_hash).hex()
        assert page.locator(".facts .whole", has_text=whole).first.bounding_box()["width"] > 50
    counts = [int(count) for count in re.findall(rb"/Count (\d+)", paper)]
    assert counts
    assert max(counts) <= 2
