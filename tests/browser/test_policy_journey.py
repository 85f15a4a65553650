"""A loosening from its first draft to its roll-back, by the people whom it takes, each in her own browser."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect

from governance.models import Entry, Incident, Output, Person, PolicyDraft, PolicyVersion, System
from governance.monitoring import guards
from reviews import intake
from reviews.intake.judges import is_in_canary
from reviews.intake.judging import Dice
from reviews.models import Item
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.browser.bench import at_the_desk
from tests.journeys.program import Program
from tests.reviews.intake.sent import body

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TENTH = 100_000
PATIENCE = 30_000  # milliseconds that a busy machine may take for a page
HERE = "/systems/form-digits"
STEPS = (
    "proposed", "replayed", "replay_attached", "approved", "shadow_set", "canary_set", "activated", "incident_opened",
    "restored",
)  # fmt: skip


def begun() -> System:
    """The system under 0.98; everything that goes out alone is audited, so that an error is seen once it is made."""
    return cast.system("form-digits", threshold={"default": 0.98}, audit={"rate": 1, "hold": False},
                       review={"undo_seconds": 0})  # fmt: skip


def send(system: System, names: list[str], confidence: float) -> dict[str, Output]:
    bodies = [body(name, system=system.slug, confidence=confidence) for name in names]
    results = intake.accept(bodies, system=system, actor=cast.CONSOLE)
    assert all(isinstance(one, intake.Taken) for one in results), results
    while route_waiting():
        pass
    return {output.external_id: output for output in Output.objects.filter(external_id__in=names)}


def names(system: System, count: int, *, in_canary: bool) -> list[str]:
    """Ids that fall into the canary's tenth, or out of it."""
    dice, found, number = Dice.newest(settings.DRAW_KEYS), list[str](), 0
    while len(found) < count:
        name, number = f"box-{number}", number + 1
        if is_in_canary(dice, str(system.pk), name, TENTH) is in_canary:
            found.append(name)
    return found


def misread(system: System, outputs: list[Output]) -> None:
    """Alice, and Bob after her, read another digit in each, without having seen what the AI said."""
    for person in (cast.alice(), cast.bob()):
        reader = Program(system, person=person)
        for item in Item.objects.filter(output__in=outputs):
            claim = reader.post(f"reviews/{item.pk}/claim/", {}).json()["claim"]["token"]
            answer = reader.post(f"reviews/{item.pk}/decide/", {"claim_token": claim, "output": {"digit": 1}})
            assert answer.status_code == 200, answer.content
        while route_waiting():
            pass


def with_password(person: Person) -> Person:
    person.set_password(cast.PASSWORD)
    person.save(update_fields=["password"])
    return person


def press(page: Page, name: str) -> None:
    """Presses a button; where that asks for a fresh sign-in, signs in and presses it again."""
    button = page.get_by_role("button", name=name, exact=True)
    with page.expect_navigation():
        button.click()
    if "/account/reauthenticate/" in page.url:
        page.locator("input[name=password]").fill(cast.PASSWORD)
        with page.expect_navigation():
            page.get_by_role("button", name="Go on").click()
        with page.expect_navigation():
            button.click()


def says(page: Page, text: str) -> None:
    expect(page.locator("h1")).to_contain_text(text, timeout=PATIENCE)


def test_a_loosening_is_proposed_replayed_signed_tried_put_in_force_and_rolled_back(
    chromium: Browser, live_site: str
) -> None:
    system = begun()
    send(system, [f"past-{n}" for n in range(20)], 0.95)
    with at_the_desk(chromium, live_site, with_password(cast.dana())) as page:
        page.goto(f"{HERE}/policy/draft/")
        page.get_by_label("All else goes out alone from (%)").fill("90")
        page.get_by_label("Why", exact=True).fill("The reader has become better.")
        press(page, "Propose it")
        page.wait_for_url(f"**{HERE}/proposals/2/")
        says(page, "could let more go out alone")
        press(page, "Replay it")
        expect(page.get_by_text("was replayed")).to_be_visible(timeout=PATIENCE)
        says(page, "Policy 2 would let 1 000 more answers in 1 000 go out alone.")
        expect(page.get_by_text("You proposed it, so somebody else has to decide on it.")).to_be_visible(
            timeout=PATIENCE
        )
        assert not page.get_by_role("button", name="Approve").count()
    with at_the_desk(chromium, live_site, with_password(cast.erik())) as page:
        page.goto(f"{HERE}/proposals/2/")
        press(page, "Approve")
        expect(page.get_by_text("You have signed policy 2.")).to_be_visible(timeout=PATIENCE)
        press(page, "In the shadow")
        expect(page.get_by_text("runs in the shadow of the one in force").first).to_be_visible(timeout=PATIENCE)
        shadowed = send(system, ["in-the-shadow"], 0.95)["in-the-shadow"]
        assert (shadowed.lane, shadowed.policy.number) == ("review", 1)  # type: ignore[union-attr]
        page.goto(f"{HERE}/trial/")
        says(page, "runs in the shadow of policy 1")
        page.get_by_label("Share it judges, in percent").fill("10")
        press(page, "Let it judge this share")
        says(page, "judges 10")
        its, others = (names(system, 3, in_canary=side) for side in (True, False))
        lanes = {name: output.lane for name, output in send(system, [*its, *others], 0.95).items()}
        assert lanes == dict.fromkeys(its, "release") | dict.fromkeys(others, "review")
        page.goto(f"{HERE}/trial/")
        press(page, "Put it in force")
        says(page, "No version of Form digits is on trial")
        page.goto(f"{HERE}/policy/")
        expect(page.locator("main")).to_contain_text("90", timeout=PATIENCE)
    everywhere = send(system, [f"errs-{n}" for n in range(12)], 0.95)
    assert {output.lane for output in everywhere.values()} == {"release"}
    assert guards.check() == []
    misread(system, list(everywhere.values()))
    (incident,) = guards.check()
    assert Incident.objects.get(pk=incident.pk).facts["guard"] == "error"
    assert PolicyVersion.objects.get(number=1, system=system).state == "in_force"
    assert send(system, ["after"], 0.95)["after"].lane == "review"
    evidence_is_told(chromium, live_site, system, incident)


def evidence_is_told(chromium: Browser, site: str, system: System, incident: Incident) -> None:
    """Owner and auditor read what became of it: the incident, the policy in force, the entry of every step."""
    with at_the_desk(chromium, site, cast.dana()) as page:
        page.goto(f"/incidents/{incident.pk}/")
        says(page, "Policy 1 is in force again")
        page.goto(f"{HERE}/policy/")
        expect(page.locator("main")).to_contain_text("98", timeout=PATIENCE)
    steps: dict[str, Any] = {}
    for entry in Entry.objects.filter(system=system.pk, type__in=STEPS).order_by("id"):
        steps[entry.type] = entry.pk
    assert set(steps) == set(STEPS)
    assert re.search(r'"kind":"machine"|"id":"guard"', bytes(Entry.objects.get(pk=steps["restored"]).leaf).decode())
    with at_the_desk(chromium, site, cast.ruth()) as page:
        for step, entry in steps.items():
            page.goto(f"/evidence/{entry}/")
            expect(page.locator("main")).to_contain_text(step, timeout=PATIENCE)


def test_a_nested_condition_is_built_with_the_keyboard_alone(chromium: Browser, live_site: str) -> None:
    system = begun()
    with at_the_desk(chromium, live_site, with_password(cast.dana())) as page:
        page.goto(f"{HERE}/policy/draft/")
        for button, focus in (
            ("rule-add", "rule-0-id"), ("rule-0-ask", "rule-0-1-field"), ("rule-0-1-wrap", "rule-0-1-joined"),
        ):  # fmt: skip
            page.locator(f"#{button}").focus()
            page.keyboard.press("Enter")
            expect(page.locator(f"#{focus}")).to_be_focused(timeout=PATIENCE)
        page.keyboard.press("ArrowDown")
        expect(page.locator("#rule-0-1-joined")).to_have_value("none", timeout=PATIENCE)
        page.locator("#rule-0-1-ask").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#rule-0-1-1-field")).to_be_focused(timeout=PATIENCE)
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type("model")
        page.locator("#rule-0-1-1-op").select_option("eq")
        page.locator("#rule-0-1-1-value").fill("old-reader")
        page.keyboard.press("Enter")
        expect(page.locator("#rule-0 > summary")).to_contain_text("and the model is not old-reader", timeout=PATIENCE)
        expect(page.get_by_label("The same draft")).to_contain_text('"old-reader"', timeout=PATIENCE)
    asked = json.loads(PolicyDraft.objects.get(system=system).document)["rules"][0]["when"]["all"]
    half, model = (
        {"field": "confidence", "op": "lt", "value": 0.5},
        {"field": "model", "op": "eq", "value": "old-reader"},
    )
    assert asked == [half, {"not": {"any": [half, model]}}]


def test_who_was_signed_out_meanwhile_keeps_what_she_typed_and_goes_on(chromium: Browser, live_site: str) -> None:
    system = begun()
    with at_the_desk(chromium, live_site, with_password(cast.dana())) as page:
        page.goto(f"{HERE}/policy/draft/")
        page.locator("#rule-add").click()
        page.locator("#rule-0-id").fill("old-readers")
        Session.objects.all().delete()
        page.locator("#rule-0-ask").click()
        expect(page.locator("#refused")).to_contain_text("You are signed out", timeout=PATIENCE)
        expect(page.locator("#rule-0-id")).to_have_value("old-readers")
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Sign in beside this page").click()
        beside = opened.value
        beside.locator("input[name=login]").fill(cast.dana().email)
        beside.locator("input[name=password]").fill(cast.PASSWORD)
        with beside.expect_navigation():
            beside.get_by_role("button", name="Sign in").click()
        page.locator("#rule-0-ask").click()
        expect(page.locator("#rule-0-1-field")).to_be_focused(timeout=PATIENCE)
        expect(page.locator("#rule-0-id")).to_have_value("old-readers")
    assert json.loads(PolicyDraft.objects.get(system=system).document)["rules"][0]["id"] == "old-readers"
