"""Deciding and taking it back: one decision an item, with its evidence, and a window in which it can be undone."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.db.models import F
from django.db.models.functions import Now
from django.db.utils import InternalError
from uuid_utils.compat import uuid7

from governance.evidence.leaf import commit
from governance.models import Entry, Output, Payload
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from reviews import queue
from reviews.decisions import decide, undo
from reviews.models import Decision, Delivery, Item, Seat
from reviews.queue import marks
from tests import cast
from tests.reviews.desk import arrive, check_constraints, desk, seat

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def claimed(actor=None, **columns):
    desk(cast.system(), **columns)
    actor = actor or cast.acting(cast.alice())
    return actor, queue.claim_next(actor)


def taken(actor, claim, *args, **said):
    decided = decide(actor, item=claim.item, token=claim.token, *args, **said)  # noqa: B026  reads as it is said
    check_constraints()
    return decided


@pytest.mark.parametrize(
    ("said", "status", "label"),
    [
        ({"verdict": "approve"}, "approved", True),
        ({"verdict": "override", "output": {"digit": 3}, "reasons": ["wrong-label"]}, "overridden", False),
        ({"verdict": "reject", "reasons": ["unreadable"]}, "rejected", False),
    ],
)
def test_a_verdict_resolves_the_output_and_labels_it(said, status, label):
    alice, claim = claimed()
    decided = taken(alice, claim, **said)
    output = Output.objects.get(pk=claim.output)
    assert (decided.item_state, output.status, output.resolved_by) == ("closed", status, "person")
    assert (output.decision, output.final_at, output.label) == (decided.decision, decided.final_at, label)
    assert output.labelled_at is not None
    made = Decision.objects.get(pk=decided.decision)
    assert made.final_at - made.decided_at == timedelta(seconds=8)
    item = Item.objects.get(pk=claim.item)
    assert (item.state, item.closed_at) == ("closed", made.decided_at)


def test_the_decision_says_what_both_said_and_can_be_found_by_it():
    alice, claim = claimed()
    decided = taken(
        alice,
        claim,
        verdict="override",
        output={"digit": 3},
        reasons=["wrong-label"],
        comment="A faint loop.",
        took_ms=1500,
    )
    made = Decision.objects.get(pk=decided.decision)
    assert (made.ai_said, made.person_said, made.took_ms, made.is_correct) == ("7", "3", 1500, False)
    assert (made.rule, made.confidence, made.model_version, made.purpose) == (
        "threshold:default",
        620_000,
        "1",
        "review",
    )
    for words in ("faint loop", "wrong label", "3"):
        assert Decision.objects.filter(pk=made.pk, search=words).exists()


def test_the_entry_has_the_decision_and_commits_to_the_words():
    alice, claim = claimed()
    decided = taken(
        alice, claim, verdict="override", output={"digit": 3}, reasons=["wrong-label"], comment="A faint loop."
    )
    made = Decision.objects.get(pk=decided.decision)
    entry = Entry.objects.get(pk=made.entry_id)
    leaf = json.loads(bytes(entry.leaf))
    assert leaf["decision"] == {
        "verdict": "override", "reasons": ["wrong-label"], "correct": False, "blind": False, "seat": 1, "round": 1,
        "purpose": "review", "by": "person",
    }  # fmt: skip
    judged, claim_entry = Entry.objects.get(subject=claim.output, rev=1), Entry.objects.get(subject=claim.seat)
    assert leaf["causes"] == [bytes(judged.leaf_hash).hex(), bytes(claim_entry.leaf_hash).hex()]
    assert (leaf["subject"]["rev"], leaf["subject"]["prev"]) == (2, bytes(judged.leaf_hash).hex())
    assert leaf["policy"]["version"] == 1
    assert b"faint" not in bytes(entry.leaf)
    kept = {payload.name: payload for payload in Payload.objects.filter(entry=entry)}
    assert bytes(kept["output"].content) == b'{"digit":3}'
    for committed in leaf["commitments"]:
        payload = kept[committed["name"]]
        assert committed["digest"] == commit(bytes(payload.salt), payload.name, bytes(payload.content))


def test_deciding_twice_is_refused_with_the_time_of_the_first():
    alice, claim = claimed()
    taken(alice, claim, verdict="approve")
    with pytest.raises(Conflict, match=r"You decided this item at \d\d:\d\d:\d\d UTC already"):
        decide(alice, item=claim.item, token=claim.token, verdict="reject", reasons=["unreadable"])
    assert Decision.objects.count() == 1


def test_an_expired_claim_decides_nothing():
    alice, claim = claimed()
    Seat.objects.filter(pk=claim.seat).update(claim_expires_at=F("claim_expires_at") - timedelta(hours=1))
    with pytest.raises(Conflict, match="ran out"):
        decide(alice, item=claim.item, token=claim.token, verdict="approve")
    assert Output.objects.get(pk=claim.output).status == "in_review"


def test_a_token_is_its_holders_alone():
    alice, claim = claimed()
    for who, token, said in (
        (cast.acting(cast.bob()), claim.token, "no longer in your hands"),
        (alice, uuid7(), "taken this item anew"),
    ):
        with pytest.raises(Conflict, match=said):
            decide(who, item=claim.item, token=token, verdict="approve")
    outsider = cast.acting(cast.person("frank", "reviewer", system=cast.system("other")))
    with pytest.raises(NotFound):
        decide(outsider, item=claim.item, token=claim.token, verdict="approve")


def test_a_refused_answer_changes_nothing_and_keeps_the_claim():
    alice, claim = claimed()
    with pytest.raises(Invalid) as refused:
        decide(alice, item=claim.item, token=claim.token, verdict="override", output={"digit": 12})
    assert [problem.pointer for problem in refused.value.errors] == ["/output/digit"]
    assert seat(Item.objects.get(pk=claim.item)).claim_token == claim.token
    taken(alice, claim, verdict="approve")


def test_a_soft_claim_that_is_decided_was_seen():
    desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice, ahead=True)
    taken(alice, claim, verdict="approve")
    assert [e.type for e in Entry.objects.filter(subject=claim.seat)] == ["claimed"]


def test_an_undone_decision_puts_the_item_back_into_the_same_hands():
    alice, claim = claimed()
    decided = taken(alice, claim, verdict="override", output={"digit": 3})
    again = undo(alice, decided.decision)
    check_constraints()
    output = Output.objects.get(pk=claim.output)
    assert (output.status, output.decision, output.final_at, output.label) == ("in_review", None, None, None)
    assert (again.item, again.seat, again.token != claim.token) == (claim.item, claim.seat, True)
    assert queue.claim_next(alice).token == again.token
    types = list(Entry.objects.filter(subject=claim.output).order_by("rev").values_list("type", flat=True))
    assert types == ["judged", "decided", "undone"]
    made = Decision.objects.get(pk=decided.decision)
    assert made.undone_at is not None
    taken(alice, again, verdict="approve")
    assert Output.objects.get(pk=claim.output).status == "approved"


def test_undoing_while_the_next_card_is_in_hand_keeps_that_card_soft():
    desk(cast.system(), 3)
    alice = cast.acting(cast.alice())
    first = queue.claim_next(alice)
    decided = taken(alice, first, verdict="approve")
    second = queue.claim_next(alice)
    ahead = queue.claim_next(alice, ahead=True)
    undo(alice, decided.decision)
    held = Seat.objects.filter(claimed_by=alice.person, claim_expires_at__gt=Now())
    assert {(s.pk, s.is_soft) for s in held} == {(first.seat, False), (second.seat, True)}
    assert queue.claim_next(cast.acting(cast.bob())).seat == ahead.seat


def test_what_is_final_is_not_undone():
    alice, claim = claimed()
    decided = taken(alice, claim, verdict="approve")
    Decision.objects.filter(pk=decided.decision).update(final_at=F("decided_at"))
    with pytest.raises(Conflict, match=r"final at .* supersede"):
        undo(alice, decided.decision)
    assert Output.objects.get(pk=claim.output).status == "approved"


def test_a_decision_is_undone_once_and_by_whoever_took_it():
    alice, claim = claimed()
    decided = taken(alice, claim, verdict="approve")
    with pytest.raises(NotAllowed):
        undo(cast.acting(cast.bob()), decided.decision)
    with pytest.raises(NotFound):
        undo(cast.acting(cast.person("frank", "reviewer", system=cast.system("other"))), decided.decision)
    with pytest.raises(NotFound):
        undo(alice, uuid7())
    undo(alice, decided.decision)
    with pytest.raises(Conflict, match="took this decision back at"):
        undo(alice, decided.decision)


def test_a_policy_without_an_undo_window_is_final_at_once():
    desk(cast.system(review={"undo_seconds": 0}))
    alice = cast.acting(cast.alice())
    decided = taken(alice, queue.claim_next(alice), verdict="approve")
    with pytest.raises(Conflict, match="final"):
        undo(alice, decided.decision)


def test_the_label_is_the_policys_business_only_where_a_person_judged():
    alice, claim = claimed(purpose="known_answer")
    taken(alice, claim, verdict="approve")
    assert Output.objects.get(pk=claim.output).label is None
    assert not Delivery.objects.exists()


def test_nothing_that_was_decided_can_be_rewritten():
    alice, claim = claimed()
    decided = taken(alice, claim, verdict="approve")
    with pytest.raises((IntegrityError, InternalError, Exception), match="refused"):
        Decision.objects.filter(pk=decided.decision).update(verdict="reject")


def test_a_broken_or_erased_output_is_still_decided():
    system = cast.system()
    item = arrive(system)[0]
    Output.objects.get(pk=item.output_id).content.delete()
    from reviews.routing.waiting import route_waiting

    route_waiting()
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    assert taken(alice, claim, verdict="reject", reasons=["unreadable"]).item_state == "closed"


def test_a_blind_answer_is_stored_whatever_verdict_it_becomes():
    alice, claim = claimed(blind=True)
    decided = taken(alice, claim, output={"digit": 7})
    made = Decision.objects.get(pk=decided.decision)
    assert (made.verdict, made.is_blind, made.is_correct) == ("approve", True, True)
    assert bytes(Payload.objects.get(entry=made.entry_id).content) == b'{"digit":7}'
    assert json.loads(bytes(Entry.objects.get(pk=made.entry_id).leaf))["decision"]["blind"] is True
