"""What goes wrong at a desk: lost claims, two tabs, a stale page, no network, hostile content. Never the wrong item."""

import json
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from governance.models import OutputContent
from reviews import decisions, queue
from reviews.models import Decision, Seat
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle, until
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
HOSTILE = (
    "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'><svg onload='window.hurt = 1'>"
    "<img src='https://evil.example/beacon.png'><a href='javascript:window.hurt = 1'>x</a>"
    "<form action='https://evil.example'><button data-key='a' name=verdict value=reject>Approve</button></form>"
    "\u202eevil\u200b<style>* { display: none }</style></section></main><h1>Forged</h1>"
)


def test_a_claim_that_another_has_decided_is_told_and_the_text_is_kept(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    bob = cast.acting(cast.bob())
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        lost = card(page)
        Seat.objects.filter(item=lost).update(claim_expires_at="2026-01-01T00:00:00Z")
        claim = queue.claim_item(bob, UUID(lost))
        decisions.decide(bob, item=claim.item, token=claim.token, verdict="approve")
        page.evaluate("document.querySelector('[data-part=reasons]').removeAttribute('data-closed')")
        page.locator("textarea[name=comment]").fill("I had written this.")
        page.locator(".verdicts [value=reject]").click()
        settle(page)
        problem = page.locator(".problem")
        assert "Bob decided this item at" in problem.inner_text()
        assert "Your text is kept below." in problem.inner_text()
        assert "I had written this." in problem.inner_text()
        assert card(page) != lost, "the next card is there, and its own"
        ready(page)
        page.keyboard.press("a")
        settle(page)
    assert Decision.objects.filter(item=lost).count() == 1
    assert Decision.objects.count() == 2


def test_two_tabs_never_decide_an_item_twice_nor_the_wrong_one(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 4)
    with at_the_desk(chromium, live_site, cast.alice()) as one:
        begin(one)
        shown = card(one)
        two = one.context.new_page()
        two.goto(f"/review/{shown}/")
        two.wait_for_timeout(500)
        two.keyboard.press("a")
        settle(two)
        one.bring_to_front()
        one.keyboard.press("r")
        settle(one)
        assert "You decided this item at" in one.locator(".problem").inner_text()
        two.close()
    assert [(str(decision.item_id), decision.verdict) for decision in Decision.objects.all()] == [(shown, "approve")]


def test_without_a_network_a_decision_waits_and_is_sent_later(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.route("**/review/**", lambda route: route.abort())
        page.keyboard.press("a")
        until(page, "document.querySelector('send-line').textContent.includes('Not sent yet, will be')")
        assert card(page) != first, "the next card does not wait for the network"
        assert Decision.objects.count() == 0
        page.unroute("**/review/**")
        settle(page)
        assert page.locator("send-line").inner_text() == ""
    assert [str(decision.item_id) for decision in Decision.objects.all()] == [first]


def test_leaving_gives_the_next_card_back(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 2)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        assert Seat.objects.filter(is_soft=True, claimed_by__isnull=False).count() == 1
        page.goto("/queue/")
        until(page, "true")
        for _ in range(50):
            if not Seat.objects.filter(is_soft=True, claimed_by__isnull=False).exists():
                break
            page.wait_for_timeout(50)
    assert Seat.objects.filter(claimed_by__isnull=False).count() == 1


def test_reloading_shows_the_card_that_was_on_the_screen(chromium: Browser, live_site: str) -> None:
    desk(cast.system(), 3)
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("a")
        settle(page)
        shown = card(page)
        page.reload()
        assert card(page) == shown
        assert shown in page.url


def test_hostile_output_is_text_and_nothing_else(chromium: Browser, live_site: str) -> None:
    system = cast.system(
        contract_parts={
            "input": {"type": "object"},
            "output": {"type": "object", "required": ["digit"], "properties": {"digit": {"type": "string"}, "why": {}}},
        }
    )
    context = {
        "explanation": HOSTILE, "attributes": {"channel": HOSTILE},
        "alternatives": [{"output": {"digit": HOSTILE}, "confidence": 0.1}],
    }  # fmt: skip
    desk(system, 2, digit=HOSTILE, context=context)
    content = {"letter": HOSTILE, "deep": {HOSTILE: [HOSTILE, {"x": HOSTILE}]}, "scan": [[HOSTILE]]}
    OutputContent.objects.update(input=json.dumps(content))
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        assert page.evaluate("window.hurt") is None
        assert page.locator("h1").count() == 1
        assert page.locator("main form[action*='evil'], main img, main style, main a[href^='javascript']").count() == 0
        assert page.locator(".control", has_text="U+202E").count() > 3
        page.keyboard.press("a")
        settle(page)
        assert page.evaluate("window.hurt") is None
        page.goto("/queue/")
        assert page.evaluate("window.hurt") is None
    assert [decision.verdict for decision in Decision.objects.all()] == ["approve"]
