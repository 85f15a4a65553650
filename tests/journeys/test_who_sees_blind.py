"""What waits for her own answer a person finds at no door until she gave it; and no producer learns of an audit."""

import json
import re
from typing import Any

import pytest

from governance.models import Entry, Output
from reviews.models import Decision, Item
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.visitors import API, Visitor, claim_and_decide, doors, producer, signed_in, with_key
from tests.reviews.intake.sent import raw

pytestmark = [pytest.mark.django_db, pytest.mark.journey]
FINAL_AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("roles", [("reviewer",), ("lead",), ("reviewer", "owner"), ("reviewer", "auditor", "admin")])
def test_a_blind_item_hides_its_output_from_whoever_may_have_to_judge_it(hold: bool, roles: tuple[str, ...]) -> None:
    system = cast.system(audit={"rate": 1, "hold": hold}, review=FINAL_AT_ONCE)
    sent = producer(system).post(f"{API}outputs/", raw("msg-blind", explanation="planted-why", output={"digit": 7}))
    id = sent.json()["id"]
    route_waiting()
    output, item = Output.objects.get(), Item.objects.get()
    who = cast.person("rita")
    for role in roles:
        who = cast.person("rita", role)
    ways = [signed_in(who), with_key(system, person=who)]
    ours = {f"/review/{item.pk}/"}
    for visitor in ways:
        for door in doors(output):
            said = visitor.read(door)
            assert "planted-why" not in said, door
            if door not in ours:
                assert id not in said, door
                assert "msg-blind" not in said, door
        assert visitor.get(f"/outputs/{id}/").status_code in (302, 404)
        assert visitor.get(f"{API}outputs/{id}/").status_code == 404
        assert visitor.get(f"{API}outputs/{id}/trace/").status_code == 404
    assert_nothing_in_the_tables(ways[0], output)
    card = ways[1].post(f"{API}reviews/{item.pk}/claim/").json()
    hidden = ("output", "confidence", "alternatives", "explanation", "rule", "threshold")
    assert {name: card["item"][name] for name in hidden} == dict.fromkeys(hidden)
    page = ways[0].read(f"/review/{item.pk}/")
    assert "planted-why" not in page
    assert "threshold" not in page.replace("trial-threshold", "")
    done = ways[1].post(
        f"{API}reviews/{item.pk}/decide/", {"claim_token": card["claim"]["token"], "output": {"digit": 7}}
    )
    assert done.status_code == 200
    for visitor in ways:
        assert visitor.get(f"{API}outputs/{id}/").status_code == 200, "now she may read all of it"
        assert "planted-why" in visitor.read(f"{API}outputs/{id}/")
    assert "planted-why" in ways[0].read(f"/outputs/{id}/")


def assert_nothing_in_the_tables(visitor: Visitor, output: Output) -> None:
    """The admin's tables, where one of her roles opens them, tell her that an entry is there, and no more."""
    for entry in Entry.objects.filter(subject=output.pk):
        read = visitor.read(f"/admin/governance/entry/{entry.pk}/change/")
        assert not [told for told in ("planted-why", "950000", "threshold:default", '"lane"') if told in read]


def test_the_first_of_two_answers_is_at_no_door_for_whoever_could_give_the_second() -> None:
    routing = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    system = cast.system(routing=routing, review=FINAL_AT_ONCE)
    producer(system).post(f"{API}outputs/", raw(confidence=0.5))
    route_waiting()
    output, item = Output.objects.get(), Item.objects.get()
    said = {"verdict": "override", "output": {"digit": 4}, "comment": "planted-first"}
    claim_and_decide(cast.alice(), item, **said)
    decision = str(Decision.objects.get().pk)
    cast.person("both", "auditor")
    for who in (cast.bob(), cast.carol(), cast.person("both", "reviewer")):
        for visitor in (signed_in(who), with_key(system, person=who)):
            for door in doors(output):
                read = visitor.read(door)
                assert "planted-first" not in read, door
                assert decision not in read, door
    assert "planted-first" in signed_in(cast.ruth()).read(f"/outputs/{output.pk}/")


# Audits


@pytest.mark.parametrize("is_engineers", [False, True])
def test_a_key_that_may_not_read_evidence_cannot_tell_an_audit_from_a_plain_release(is_engineers: bool) -> None:
    """Whole answers are compared, member by member, at every door of a producer; the scope alone, in the hands of
    somebody whose role does not include it, opens no more."""
    system = cast.system(audit={"rate": 0.5}, review=FINAL_AT_ONCE)
    scopes = ("outputs:write", "outputs:read", "decisions:read", "policies:read", "webhooks:write")
    engineer = with_key(system, *scopes, "evidence:read", person=cast.eng())
    plain = engineer if is_engineers else with_key(system, *scopes)
    for number in range(24):
        assert plain.post(f"{API}outputs/", raw(f"n{number:02}")).status_code == 201
    route_waiting()
    for item in Item.objects.all():
        claim_and_decide(cast.alice(), item, output={"digit": 7})
    is_audit = {str(output.pk): output.is_audit for output in Output.objects.all()}
    assert 2 < sum(is_audit.values()) < 22
    listed = plain.get(f"{API}outputs/").json()["results"]
    tell_nothing(listed, is_audit)
    tell_nothing([plain.get(line["links"]["self"]).json() for line in listed], is_audit)
    tell_nothing([plain.post(f"{API}outputs/", raw(line["external_id"])).json() for line in listed], is_audit)
    tell_nothing([plain.get(line["links"]["trace"]).json() for line in listed], is_audit, id_in="output")
    for format in ("json", "jsonl", "csv"):
        assert not any(id in plain.read(f"{API}decisions/?format={format}") for id in is_audit)
    seen = producer(system).get(f"{API}outputs/").json()["results"]
    assert {line["id"]: line["verdict"]["audit"] for line in seen} == is_audit, "else there would be nothing to tell"


def tell_nothing(answers: list[dict[str, Any]], is_audit: dict[str, bool], *, id_in: str = "id") -> None:
    """Audited and plain answers are the same but for ids, times and hashes, which are drawn alike."""
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    for answer in answers:
        kinds[is_audit[answer[id_in]]].add(without_names(answer))
    assert kinds[True] == kinds[False], kinds
    assert len(kinds[True]) == 1


_NAMES = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:.]+Z|\bn\d\d\b")


def without_names(answer: Any) -> str:
    """The whole answer, with a dot for every id, hash and time: these differ between any two outputs."""
    return _NAMES.sub(".", json.dumps(answer, sort_keys=True))
