"""Known answers: errors that two people confirmed come back as new items, and only their reviewer knows of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from governance.models import Entry, KnownAnswer, Output, System
from governance.people.actors import CONSOLE
from governance.tuning import samples, sensitivity
from reviews import intake, queue
from reviews.decisions import decide, history, undo
from reviews.models import Decision, Delivery, Item
from reviews.overview import alone
from reviews.quality import disguises, known_answers
from reviews.routing.waiting import route_waiting
from tests import cast

pytestmark = pytest.mark.django_db
REVIEW = {**cast.POLICY["review"], "undo_seconds": 0, "known_answers": 1.0}
PAIRED = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}


def send(system: System, name: str, *, confidence: float = 0.5, digit: int = 7) -> Output:
    body = {"system": system.slug, "external_id": name, "input": {}, "output": {"digit": digit}, "model": "reader",
            "confidence": confidence, "model_version": "1"}  # fmt: skip
    (taken,) = intake.accept([intake.read(json.dumps(body).encode())], system=system, actor=CONSOLE)
    assert isinstance(taken, intake.Taken)
    route()
    return Output.objects.get(pk=taken.id)


def route() -> None:
    while route_waiting():
        pass


def judge(someone: Any, item: Item, *, digit: int | None) -> Any:
    """`someone` says that the AI's 7 is a `digit`, or (None) that it is right."""
    actor = cast.acting(someone)
    claim = queue.claim_item(actor, item.pk)
    held: dict[str, Any] = {"item": item.pk, "token": claim.token}
    if claim.is_blind:
        return decide(actor, **held, output={"digit": 7 if digit is None else digit})
    if digit is None:
        return decide(actor, **held, verdict="approve")
    return decide(actor, **held, verdict="override", output={"digit": digit})


def an_error(system: System) -> Output:
    """An output that Alice and Bob have both found wrong."""
    output = send(system, "msg-481516")
    item = Item.objects.get(output=output)
    for someone in (cast.alice(), cast.bob()):
        judge(someone, item, digit=3)
    output.refresh_from_db()
    assert output.label is False
    return output


@pytest.fixture
def system() -> System:
    return cast.system(review=REVIEW, routing=PAIRED)


@pytest.fixture
def known(system: System) -> KnownAnswer:
    an_error(system)
    assert known_answers.seed_due() == 1  # the error's own item drew it
    route()
    return KnownAnswer.objects.get()


def item_of(known: KnownAnswer) -> Item:
    return Item.objects.get(output=known.output_id)


def test_a_confirmed_error_comes_back_once_for_each_item_that_drew_it(system: System, known: KnownAnswer) -> None:
    assert known_answers.seed_due() == 0
    send(system, "msg-481517")
    assert known_answers.seed_due() == 1
    assert set(KnownAnswer.objects.values_list("original__external_id", flat=True)) == {"msg-481516"}


def test_nothing_is_replayed_that_only_one_person_called_wrong() -> None:
    system = cast.system(review=REVIEW)
    judge(cast.alice(), Item.objects.get(output=send(system, "msg-1")), digit=3)
    assert known_answers.seed_due() == 0


def test_without_a_rate_there_are_none() -> None:
    system = cast.system(review={**REVIEW, "known_answers": 0}, routing=PAIRED)
    an_error(system)
    assert known_answers.seed_due() == 0


def test_it_looks_like_any_item(system: System, known: KnownAnswer) -> None:
    genuine = Item.objects.get(output=send(system, "msg-481599"))
    replay = item_of(known)
    for name in ("reviewers", "state", "is_blind", "priority", "queue_id", "round"):
        assert getattr(replay, name) == getattr(genuine, name)
    mine, theirs = (Output.objects.get(pk=item.output_id) for item in (replay, genuine))
    for name in ("rule", "lane", "status", "threshold", "propensity", "model", "key", "contract_version"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert mine.external_id != "msg-481516"
    assert len(mine.external_id) == len("msg-481516")
    assert mine.external_id.startswith("msg-48")
    types = [
        list(Entry.objects.filter(subject__in=[item.pk, item.output_id]).order_by("at").values_list("type", flat=True))
        for item in (replay, genuine)
    ]
    assert types[0] == types[1] == ["judged", "routed"]
    leaves = [json.loads(bytes(Entry.objects.get(subject=output.pk, rev=1).leaf)) for output in (mine, theirs)]
    assert leaves[0]["detail"] == leaves[1]["detail"]


def test_its_entry_says_what_it_is_and_the_decision_says_so_too(system: System, known: KnownAnswer) -> None:
    seeded = json.loads(bytes(Entry.objects.get(subject=known.pk).leaf))
    assert seeded["type"] == "known_answer_seeded"
    assert seeded["detail"]["original"] == str(known.original_id)
    judge(cast.carol(), item_of(known), digit=3)
    decided = json.loads(bytes(Entry.objects.get(subject=known.output_id, type="decided").leaf))
    assert decided["decision"]["purpose"] == "known_answer"


def test_those_who_judged_the_error_are_not_offered_it_again(system: System, known: KnownAnswer) -> None:
    assert queue.claim_next(cast.acting(cast.alice())) is None
    assert queue.claim_next(cast.acting(cast.bob())) is None
    claim = queue.claim_next(cast.acting(cast.carol()))
    assert claim is not None
    assert claim.output == known.output_id


def test_what_people_say_of_it_measures_them_and_labels_nothing(system: System, known: KnownAnswer) -> None:
    dave = cast.person("dave", "reviewer")
    judge(cast.carol(), item_of(known), digit=3)
    assert sensitivity.measured(system).seeded == 0
    judge(dave, item_of(known), digit=3)
    assert sensitivity.measured(system) == sensitivity.Sensitivity(found=1, seeded=1, assisted=1, assisted_found=1)
    output = Output.objects.get(pk=known.output_id)
    assert (output.label, output.status) == (None, "overridden")


def test_an_error_that_nobody_finds_counts_as_missed(system: System, known: KnownAnswer) -> None:
    for someone in (cast.carol(), cast.person("dave", "reviewer")):
        judge(someone, item_of(known), digit=None)
    assert sensitivity.measured(system) == sensitivity.Sensitivity(found=0, seeded=1, assisted=1)


def test_a_decision_taken_back_measures_nothing() -> None:
    system = cast.system(review={**REVIEW, "undo_seconds": 60}, routing=PAIRED)
    output = send(system, "msg-481516")
    for someone in (cast.alice(), cast.bob()):
        judge(someone, Item.objects.get(output=output), digit=3)
    cast.put_in_force(system, cast.policy(review={**REVIEW, "undo_seconds": 60}))  # one reviewer is enough from now on
    known_answers.seed_due()
    route()
    known = KnownAnswer.objects.get()
    last = judge(cast.carol(), item_of(known), digit=3)
    known.refresh_from_db()
    assert known.found is True
    assert sensitivity.measured(system).seeded == 0  # it can still be taken back
    undo(cast.acting(cast.carol()), last.decision)
    known.refresh_from_db()
    assert (known.found, known.decision) == (None, None)


def test_it_changes_no_count_and_is_never_delivered(system: System, known: KnownAnswer) -> None:
    before = samples.sample(samples.scope(system), in_force=900_000), alone([system])  # type: ignore[arg-type]
    for someone in (cast.carol(), cast.person("dave", "reviewer")):
        judge(someone, item_of(known), digit=3)
    after = samples.sample(samples.scope(system), in_force=900_000), alone([system])  # type: ignore[arg-type]
    assert before[0].bands == after[0].bands
    assert before[0].outputs == after[0].outputs == 1
    assert before[1] == after[1]
    assert not Delivery.objects.filter(output=known.output_id).exists()


def test_no_producer_finds_it_in_a_list_by_its_id_or_in_the_decisions(
    system: System, known: KnownAnswer, client: Client
) -> None:
    key = cast.bearer(cast.key_for(system, ["outputs:read", "decisions:read", "evidence:read"]))
    listed = client.get("/api/v1/outputs/", headers=key).json()["results"]
    assert [line["external_id"] for line in listed] == ["msg-481516"]
    assert client.get(f"/api/v1/outputs/{known.output_id}/", headers=key).status_code == 404
    assert client.get(f"/api/v1/outputs/{known.output_id}/trace/", headers=key).status_code == 404
    judge(cast.carol(), item_of(known), digit=3)
    decisions = client.get("/api/v1/decisions/", headers=key).json()["results"]
    assert {line["external_id"] for line in decisions} == {"msg-481516"}


def test_its_reviewer_finds_it_in_her_history_and_others_do_not(system: System, known: KnownAnswer) -> None:
    dave = cast.person("dave", "reviewer")
    for someone in (cast.carol(), dave):
        judge(someone, item_of(known), digit=3)

    def seen(someone: Any) -> set[Any]:
        return set(history.seen_by(cast.acting(someone)).values_list("output_id", flat=True))

    assert known.output_id in seen(dave)
    assert known.output_id not in seen(cast.dana())
    assert known.output_id not in seen(cast.ruth())
    assert cast.signed_in(dave).get(f"/outputs/{known.output_id}/").status_code == 200


def test_a_producer_that_sends_its_id_gets_it(system: System, known: KnownAnswer) -> None:
    name = Output.objects.get(pk=known.output_id).external_id
    genuine = send(system, name)
    assert genuine.pk != known.output_id
    replay = Output.objects.get(pk=known.output_id)
    assert replay.external_id != name
    assert Entry.objects.filter(subject=known.pk, type="known_answer_renamed").exists()
    bodies = [
        intake.read(json.dumps({"system": "digits", "external_id": id, "input": {}, "output": {"digit": 7}}).encode())
        for id in ("msg-other", replay.external_id)
    ]
    taken = intake.accept(bodies, system=system, actor=CONSOLE)
    assert all(isinstance(result, intake.Taken) and result.is_new for result in taken)


def test_an_audited_error_comes_back_as_an_audit_and_is_confirmed_like_one() -> None:
    system = cast.system(review=REVIEW, audit={"rate": 0.5})
    names = (f"msg-{number}" for number in range(100, 200))
    output = next(found for name in names if (found := send(system, name, confidence=0.97)).is_audit)
    item = Item.objects.get(output=output)
    judge(cast.alice(), item, digit=3)
    judge(cast.bob(), item, digit=3)
    while known_answers.seed_due():
        route()
    known = KnownAnswer.objects.order_by("id").first()
    assert known is not None
    replay, copy = item_of(known), Output.objects.get(pk=known.output_id)
    assert (copy.is_audit, copy.status, replay.is_blind) == (True, "released", True)
    judge(cast.carol(), replay, digit=3)
    assert item_of(known).state == "awaiting_second"
    judge(cast.person("dave", "reviewer"), replay, digit=3)
    copy.refresh_from_db()
    known.refresh_from_db()
    assert (known.found, copy.status, copy.label) == (True, "released", None)
    assert not Decision.objects.filter(output=copy).exclude(purpose="known_answer").exists()


@pytest.mark.parametrize("like", ["msg-8812", "0192d3a4-5b6c-7d8e-9f00-a1b2c3d4e5f6", "plain", "7", "a" * 200])
def test_a_disguise_has_the_form_of_the_ids_of_the_day(like: str) -> None:
    made = {disguises.disguise(like) for _ in range(50)}
    assert like not in made or like == "7"
    assert all(0 < len(name) <= 200 for name in made)
    if like == "msg-8812":
        assert all(name.startswith("msg-") and len(name) == 8 for name in made)
    if "-7d8e-" in like:
        assert all([len(part) for part in name.split("-")] == [8, 4, 4, 4, 12] for name in made)
