"""What becomes of an item that is late: step by step, each once, and at last without a person."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.utils import IntegrityError
from django.test import Client

from governance.evidence.record import record
from governance.models import Entry, System
from governance.policies import halting, lifecycle
from governance.refusals import Conflict, NotAllowed
from reviews import queue
from reviews.decisions import decide, supersede
from reviews.delivery import endpoints
from reviews.models import Decision, Delivery, Endpoint, Item
from reviews.routing import retiming
from reviews.routing.retiming import retime_waiting
from tests import cast
from tests.reviews.desk import arrive, desk, seat
from tests.reviews.routing.late import ABOVE, CLIMB, climb, ends, ladder, late, output, pass_time

pytestmark = pytest.mark.django_db


def subscribed(system) -> None:
    endpoints.create(system, url="https://hooks.example.org/", events=Endpoint.EVENTS, by=cast.acting(cast.eng()))


def leaf_of(item: Item) -> dict:
    return json.loads(bytes(Entry.objects.get(pk=Item.objects.get(pk=item.pk).entry_id).leaf))


def test_nothing_climbs_before_it_is_due():
    item = desk(cast.system(sla=ladder(*CLIMB)))[0]
    assert climb() == 0
    assert Item.objects.get(pk=item.pk).rung == 0


def test_an_item_climbs_one_step_after_the_other_each_with_its_entry():
    item = late(cast.system(sla=ladder(*CLIMB), routing=ABOVE), hours=10)
    seen = []
    while climb():
        seen.append(leaf_of(item)["type"])
    assert seen == ["reminded", "raised", "escalated", "resolved"]
    now = Item.objects.select_related("queue").get(pk=item.pk)
    assert (now.rung, now.next_step_at, now.state, now.queue.slug) == (4, None, "closed", "seniors")
    assert now.reminded_at is not None


def test_a_step_waits_for_its_own_time():
    item = late(cast.system(sla=ladder(*CLIMB)), hours=1.5)
    assert [climb(), climb(), climb()] == [1, 1, 0]
    now = Item.objects.get(pk=item.pk)
    assert (now.rung, now.priority, now.next_step_at) == (2, 100, item.due_at + timedelta(hours=2))


def test_what_is_raised_is_taken_first_and_no_longer_put_off():
    system = cast.system(sla=ladder({"after": "PT0H", "do": "raise"}))
    item = late(system)
    alice = cast.acting(cast.alice())
    claim = queue.claim_item(alice, item.pk)
    queue.hold(alice, item.pk, claim.token, until=claim.now + timedelta(days=1))
    arrive(system, 3)
    climb()
    assert queue.claim_next(cast.acting(cast.bob())).item == item.pk


def test_what_is_escalated_goes_to_the_queue_above_else_to_the_leads():
    up = {"after": "PT0H", "do": "escalate"}
    above = late(cast.system("above", sla=ladder(up), routing=ABOVE))
    alone = late(cast.system("alone", sla=ladder(up)))
    climb()
    assert (seat(above).queue.slug, seat(above).is_for_lead) == ("seniors", False)
    assert (seat(alone).queue.slug, seat(alone).is_for_lead) == ("general", True)
    assert leaf_of(alone)["detail"]["for_lead"] is True


@pytest.mark.parametrize(
    ("how", "status", "verdict"), [("reject", "rejected", "reject"), ("release", "released", "release")]
)
def test_the_last_step_ends_the_item_as_its_policy_says_and_nobody_is_said_to_have_judged(how, status, verdict):
    item = late(cast.system(sla=ends(how)))
    climb()
    ended, now = output(item), Item.objects.get(pk=item.pk)
    assert (ended.status, ended.resolved_by, ended.label, ended.labelled_at) == (status, "fallback", None, None)
    assert (now.state, seat(item).closed_at) == ("closed", now.closed_at)
    leaf = leaf_of(item)
    assert (leaf["type"], leaf["actor"]["kind"], leaf["actor"]["id"]) == ("resolved", "policy", "digits/1")
    assert (leaf["decision"]["by"], leaf["decision"]["verdict"], leaf["decision"]["correct"]) == (
        "fallback",
        verdict,
        None,
    )
    assert str(ended.decision) == leaf["id"]
    assert not Decision.objects.exists()


AGAINST = {
    "high-risk": ({}, {}),
    "breached": ({}, {"is_breached": True}),
    "judging-error": ({}, {"rule": "judging-error", "threshold": None}),
    "held-audit": ({}, {"purpose": "audit", "held": True}),
    "second-review": ({"routing": {"default": {"queue": "general", "reviewers": 2}}}, {}),
    "no-policy": ({}, {"policy_id": None}),
    "unapproved-policy": ({}, {"rule": "unapproved-policy", "threshold": None}),
    "unknown-model": ({}, {"rule": "unknown-model", "threshold": None}),
}


@pytest.mark.parametrize("against", AGAINST)
def test_what_may_not_go_out_because_it_is_late_is_rejected(against):
    blocks, columns = AGAINST[against]
    system = cast.system(**{"sla": ends("release"), **blocks})
    item = desk(system, **columns)[0]
    if against == "no-policy":  # routed by the product's defaults, timed by the policy since
        retime_waiting()
    if against == "high-risk":  # raised behind the back of the verb that would refuse it
        entry = record("raised_by_test", actor=cast.CONSOLE, kind="system", id=system.pk)
        System.objects.filter(pk=system.pk).update(risk_tier="high", entry_id=entry.id)
    pass_time(item, timedelta(days=2))
    climb()
    assert (output(item).status, leaf_of(item)["detail"]["refused"]) == ("rejected", against)


def test_the_answer_of_the_first_of_two_people_does_not_count_when_nobody_gave_the_second():
    system = cast.system(sla=ends("release"), routing={"default": {"queue": "general", "reviewers": 2}})
    alice = cast.acting(cast.alice())
    item = desk(system)[0]
    claim = queue.claim_next(alice)
    decide(alice, item=item.pk, token=claim.token, verdict="approve")
    pass_time(item, timedelta(hours=5))
    climb()
    assert (output(item).status, output(item).label) == ("rejected", None)


def test_an_audit_that_was_not_held_stays_open_for_a_late_verdict():
    item = late(cast.system(sla=ends("reject")), purpose="audit")
    assert climb() == 1
    now = Item.objects.get(pk=item.pk)
    assert (now.state, now.next_step_at, output(item).status, output(item).resolved_by) == (
        "open",
        None,
        "released",
        "policy",
    )
    assert climb() == 0


def test_whoever_has_it_in_hand_is_told_that_it_was_too_late():
    item = late()
    alice = cast.acting(cast.alice())
    claim = queue.claim_item(alice, item.pk)
    climb()
    with pytest.raises(Conflict, match="Nobody decided this item in time, so the policy rejected it"):
        decide(alice, item=item.pk, token=claim.token, verdict="approve")
    assert queue.claim_next(alice) is None


def test_the_producer_is_told_of_the_fallback():
    system = cast.system(sla=ends("reject"))
    subscribed(system)
    climbed = late(system)
    climb()
    told = Delivery.objects.get()
    assert (told.event, told.output_id, told.decision) == ("output.resolved", climbed.output_id, None)
    secret = cast.key_for(system)
    answer = Client().get(f"/api/v1/outputs/{climbed.output_id}/", headers=cast.bearer(secret)).json()
    assert (answer["status"], answer["resolution"]["by"], answer["resolution"]["output"]) == (
        "rejected",
        "fallback",
        None,
    )


def test_a_lead_supersedes_a_fallback_and_the_producer_is_told_again():
    system = cast.system(sla=ends("reject"))
    subscribed(system)
    item = late(system)
    climb()
    fallback = output(item).decision
    with pytest.raises(NotAllowed):
        supersede(cast.acting(cast.alice()), fallback, verdict="approve")
    supersede(cast.acting(cast.carol()), fallback, verdict="approve")
    now = output(item)
    assert (now.status, now.resolved_by, now.revision, now.label) == ("approved", "person", 2, True)
    with pytest.raises(Conflict):
        supersede(cast.acting(cast.carol()), fallback, verdict="reject")
    assert list(Delivery.objects.order_by("id").values_list("event", flat=True)) == [
        "output.resolved",
        "decision.superseded",
    ]
    answer = Client().get(f"/api/v1/outputs/{item.output_id}/", headers=cast.bearer(cast.key_for(system))).json()
    assert [(r["revision"], r["status"], r["by"]) for r in answer["revisions"]] == [(1, "rejected", "fallback")]


def test_superseding_the_fallback_of_an_item_for_two_asks_a_second_person():
    system = cast.system(sla=ends("reject"), routing={"default": {"queue": "general", "reviewers": 2}})
    item = late(system)
    climb()
    carol, alice = cast.acting(cast.carol()), cast.acting(cast.alice())
    made = supersede(carol, output(item).decision, verdict="approve")
    assert (made.item_state, output(item).status) == ("awaiting_second", "rejected")
    claim = queue.claim_next(alice)
    decide(alice, item=claim.item, token=claim.token, verdict="approve")
    assert (output(item).status, output(item).revision) == ("approved", 2)


def test_a_policy_put_in_force_times_what_waits_anew_and_says_so():
    system = cast.system(sla=ladder(*CLIMB))
    item = desk(system)[0]
    cast.put_in_force(system, cast.policy(sla=ladder(*CLIMB, due_in="PT1H")))
    assert retime_waiting() == 1
    now = Item.objects.get(pk=item.pk)
    assert now.due_at == item.created_at + timedelta(hours=1)
    assert now.next_step_at == now.due_at
    assert seat(item).urgent_at < item.due_at - timedelta(hours=3)
    leaf = leaf_of(item)
    assert (leaf["type"], leaf["policy"]["version"]) == ("retimed", 2)
    assert retime_waiting() == 0


def test_a_proposal_says_how_many_open_items_it_would_time_anew_and_its_activation_how_many_it_did(client):
    system = cast.system(sla=ladder(*CLIMB))
    desk(system, 3)
    told = {}
    for name, sla in {"sooner": ladder(*CLIMB, due_in="PT1H"), "as before": ladder(*CLIMB)}.items():
        document = cast.policy(sla=sla, threshold={"default": 0.95 if name == "as before" else 0.9})
        version = lifecycle.propose(system, document, by=cast.acting(cast.dana())).version
        told[name] = retiming.would_retime(version)
        if name == "sooner":
            sooner = version
    assert told == {"sooner": 3, "as before": 0}
    where = f"/systems/digits/proposals/{sooner.number}/"
    browser = cast.signed_in(cast.erik())
    assert "Open items timed anew</dt><dd>3" in browser.get(where).content.decode()
    assert browser.get(f"/api/v1/systems/digits/policies/{sooner.number}/").json()["retimes"] == 3
    lifecycle.approve(sooner, by=cast.acting(cast.erik()), digest=sooner.digest)
    page = browser.post(where, {"do": "activate"}, follow=True).content.decode()
    assert "3 open items are timed anew by it." in page
    activated = json.loads(bytes(Entry.objects.get(type="activated", subject=sooner.pk).leaf))
    assert activated["detail"]["retimes"] == 3
    assert retime_waiting() == 3


def test_while_a_halt_stands_the_fallback_releases_nothing_and_afterwards_it_does_again():
    system = cast.system(sla=ends("release"))
    held, later = desk(system, 2)
    pass_time(held, timedelta(days=2))
    halting.halt(system, by=cast.acting(cast.dana()), because="It pays twice.")
    climb()
    assert (output(held).status, leaf_of(held)["detail"]["refused"]) == ("rejected", "halted")
    halting.lift(system, by=cast.acting(cast.erik()), because="It is mended.")
    pass_time(later, timedelta(days=2))
    climb()
    assert output(later).status == "released"
    assert "refused" not in leaf_of(later)["detail"] or leaf_of(later)["detail"]["refused"] is None


def test_a_policy_that_changes_nothing_about_time_leaves_no_entry():
    system = cast.system(sla=ladder(*CLIMB))
    item = desk(system)[0]
    cast.put_in_force(system, cast.policy(sla=ladder(*CLIMB), threshold={"default": 0.95}))
    assert (retime_waiting(), retime_waiting()) == (1, 0)
    assert Entry.objects.filter(subject=item.pk).count() == 1


def test_a_late_item_is_not_ended_by_a_policy_that_is_no_longer_in_force():
    system = cast.system(sla=ends("reject"))
    item = late(system)
    cast.put_in_force(system, cast.policy(sla=ladder(due_in="P2D")))
    while climb():
        pass
    assert Item.objects.get(pk=item.pk).state == "open"


def test_what_was_climbed_already_is_not_climbed_again_under_another_policy():
    system = cast.system(sla=ladder(*CLIMB[:3]))
    item = late(system, hours=2.5)
    while climb():
        pass
    cast.put_in_force(system, cast.policy(sla=ladder(*CLIMB[:3], {"after": "PT3H", "do": "resolve", "as": "reject"})))
    retime_waiting()
    assert climb() == 0
    assert Item.objects.get(pk=item.pk).rung == 3


def test_no_due_time_changes_without_an_entry():
    item = desk(cast.system())[0]
    with pytest.raises(IntegrityError, match="No state without evidence"):
        Item.objects.filter(pk=item.pk).update(due_at=F("due_at") + timedelta(hours=1))
