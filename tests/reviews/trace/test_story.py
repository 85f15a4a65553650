"""The causal trace: everything that led to an output's end, and nothing that this reader must not know yet."""

import json

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import Entry, Output, System
from governance.policies import halting
from reviews import decisions, queue
from reviews.delivery import endpoints
from reviews.models import Decision, Item
from reviews.trace import as_json, story, viewer_of
from tests import cast
from tests.governance.evidence.sealing import put_in_place
from tests.reviews.trace.arriving import arrive

SECRET = "kim.surname@example.org"


@pytest.fixture
def system(db) -> System:
    return cast.system(review={**cast.POLICY["review"], "undo_seconds": 8})


def claimed(system: System, who, item: Item):
    claim = queue.claim_item(cast.acting(who, system), item.pk)
    assert claim is not None
    return claim


def decide(system: System, who, item: Item, verdict: str = "approve", **more):
    claim = claimed(system, who, item)
    return decisions.decide(cast.acting(who, system), item=item.pk, token=claim.token, verdict=verdict, **more)


def told(output: Output, person=None, **more) -> list[str]:
    output = Output.objects.select_related("system", "policy", "content").get(pk=output.pk)
    return [step.kind for step in story(output, viewer_of(person, output.system_id, **more))]


def test_the_story_begins_with_the_people_behind_the_policy_and_ends_with_the_producer(system):
    endpoints.create(system, url="https://example.com/hook", events=["output.resolved"], by=cast.acting(cast.eng()))
    item = arrive(system)
    decide(system, cast.alice(), item)
    assert told(item.output, cast.ruth()) == [
        "proposed", "approved", "activated", "arrived", "contract", "judged", "routed", "claimed", "decided", "telling",
    ]  # fmt: skip


def test_every_step_names_its_entry_and_whether_it_is_sealed(system):
    item = arrive(system)
    output = Output.objects.select_related("system", "policy", "content").get(pk=item.output_id)
    put_in_place(Entry.objects.get(type="routed"))
    for step in story(output, viewer_of(cast.ruth(), system.pk)):
        entry = Entry.objects.get(pk=step.proof.entry)
        assert step.proof.hash == bytes(entry.leaf_hash).hex()
        assert step.proof.is_sealed == (entry.type == "routed")


def test_a_producer_hears_of_a_decision_only_when_it_is_final(system):
    item = arrive(system)
    decide(system, cast.alice(), item)
    assert "decided" not in told(item.output)
    item.output.decisions.update(final_at=item.created_at)
    assert "decided" in told(item.output)


def test_an_undone_decision_stays_in_the_house_and_never_reaches_the_producer(system):
    item = arrive(system)
    made = decide(system, cast.alice(), item)
    decisions.undo(cast.acting(cast.alice(), system), made.decision)
    assert not {"decided", "undone"} & set(told(item.output))
    assert {"decided", "undone"} <= set(told(item.output, cast.ruth()))


def test_the_first_of_two_reviewers_is_not_heard_by_anybody_who_could_judge_too(db):
    two = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    system = cast.system(routing=two)
    item = arrive(system)
    decide(system, cast.alice(), item)
    assert "decided" not in told(item.output, cast.bob())
    assert "decided" not in told(item.output, cast.carol())
    assert "decided" not in told(item.output)
    assert "decided" in told(item.output, cast.alice())
    assert "decided" in told(item.output, cast.ruth())
    decide(system, cast.bob(), item)
    assert told(item.output, cast.bob()).count("decided") == 2


def test_a_producer_without_the_right_never_learns_that_its_output_was_audited(db):
    system = cast.system(audit={"rate": 1, "hold": False})
    item = arrive(system, confidence=0.95)
    decide(system, cast.alice(), item, None, output={"digit": 3})
    plain = told(item.output, sees_audits=False)
    assert plain == ["proposed", "approved", "activated", "arrived", "contract", "judged"]
    assert "routed" in told(item.output, sees_audits=True)


def test_a_producer_reads_no_names_and_no_comments(system):
    item = arrive(system)
    decide(
        system, cast.alice(), item, "override", output={"digit": 3}, reasons=["wrong-label"], comment="Kim told me so."
    )
    item.output.decisions.update(final_at=item.created_at)
    output = Output.objects.select_related("system", "policy", "content").get(pk=item.output_id)
    said = json.dumps(as_json(output, story(output, viewer_of(None, system.pk))), default=str)
    assert "Alice" not in said
    assert "Kim" not in said
    assert "A person overrides it (wrong-label)." in said
    inside = json.dumps(as_json(output, story(output, viewer_of(cast.carol(), system.pk))), default=str)
    assert "Alice overrides it" in inside
    assert "Kim told me so." in inside


def test_personal_values_of_conditions_are_masked_for_those_without_the_right(db):
    rule = {"id": "known", "when": {"field": "input.email", "op": "exists", "value": True}, "then": "review"}
    system = cast.system(rules=[rule])
    item = arrive(system, input={"email": SECRET})
    output = Output.objects.select_related("system", "policy", "content").get(pk=item.output_id)
    for person, sees in ((cast.alice(), True), (cast.dana(), False), (cast.eng(), False), (None, True)):
        said = json.dumps(as_json(output, story(output, viewer_of(person, system.pk))), default=str)
        assert (SECRET in said) == sees, person


def test_the_number_of_queries_does_not_grow_with_the_story(system):
    item = arrive(system)
    output = Output.objects.select_related("system", "policy", "content").get(pk=item.output_id)
    viewer = viewer_of(cast.dana(), system.pk)
    with CaptureQueriesContext(connection) as short:
        story(output, viewer)
    for _ in range(5):
        made = decide(system, cast.alice(), item)
        decisions.undo(cast.acting(cast.alice(), system), made.decision)
        queue.release(cast.acting(cast.alice(), system), item.pk, claimed(system, cast.alice(), item).token)
    with CaptureQueriesContext(connection) as long:
        steps = story(output, viewer)
    assert len(steps) > 20
    assert len(long) <= len(short) <= 10


def test_the_api_tells_the_story_to_a_key_of_the_system_and_to_no_other(system):
    item = arrive(system)
    address = f"/api/v1/outputs/{item.output_id}/trace/"
    answer = Client().get(address, headers=cast.bearer(cast.key_for(system)))
    assert answer.status_code == 200
    body = answer.json()
    assert body["contract"]["version"] == "1.0.0"
    assert [step["kind"] for step in body["policy"]["steps"]] == ["proposed", "approved", "activated"]
    assert body["routing"][0]["facts"]["queue"] == "general"
    assert all(len(entry["leaf_hash"]) == 64 for entry in body["entries"])
    stranger = cast.key_for(cast.system("letters"))
    assert Client().get(address, headers=cast.bearer(stranger)).status_code == 404
    assert Client().get(address).status_code == 401
    assert Client().get(address, headers=cast.bearer(cast.key_for(system, ["outputs:write"]))).status_code == 403


def test_whoever_may_have_to_judge_it_blind_finds_no_trace_of_it(db):
    system = cast.system(audit={"rate": 1, "hold": True})
    item = arrive(system, confidence=0.95)
    address = f"/api/v1/outputs/{item.output_id}/trace/"
    of_alice = cast.key_for(system, ["outputs:read", "reviews:write"], person=cast.alice())
    assert Client().get(address, headers=cast.bearer(of_alice)).status_code == 404
    of_ruth = cast.key_for(system, ["outputs:read"], person=cast.ruth())
    assert Client().get(address, headers=cast.bearer(of_ruth)).status_code == 200


def test_under_a_halt_a_producer_does_not_learn_from_the_story_what_is_held_back(system):
    item = arrive(system)
    halting.halt(system, by=cast.acting(cast.carol(), system), because="It pays twice.")
    decide(system, cast.alice(), item)
    Decision.objects.update(final_at=Now())
    assert "decided" not in told(item.output)
    assert "decided" in told(item.output, cast.ruth())
    halting.lift(system, by=cast.acting(cast.erik(), system), because="Mended.")
    assert "decided" in told(item.output)
