"""What a person takes back in time is never told, and what was told can no longer be taken back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from uuid_utils.compat import uuid7

from governance.evidence.record import record
from governance.models import Entry, Output, System
from governance.people.actors import CONSOLE
from governance.refusals import Conflict
from reviews import decisions, queue
from reviews.delivery import endpoints, outbox
from reviews.delivery.sending import deliver_due
from reviews.models import Decision, Delivery
from tests import cast
from tests.reviews.desk import arrive, desk


def decided(
    system: System, seconds: float = 8.0, *, supersedes: Decision | None = None, purpose: str = "review"
) -> Decision:
    """A decision that becomes final in so many seconds, announced as the deciding verb does it."""
    item = supersedes.item if supersedes else arrive(system)[0]
    alice, output = cast.alice(), Output.objects.get(pk=item.output_id)
    entry = record("decided", actor=cast.acting(alice, system), kind="output", id=output.pk, system=system.pk)
    decision = Decision.objects.create(
        id=uuid7(), item=item, output=output, system=system, person=alice, purpose=purpose, verdict="approve",
        final_at=timezone.now() + timedelta(seconds=seconds), rule="threshold:default", model_version="1",
        supersedes=supersedes, entry_id=entry.id, undone_at=None,
    )  # fmt: skip
    event = "decision.superseded" if supersedes else "output.resolved"
    outbox.announce(output, event, decision=decision, cause=entry, at=decision.final_at)
    return decision


def undo(decision: Decision) -> None:
    entry = record("undone", actor=cast.acting(cast.alice()), kind="output", id=decision.output_id)
    Decision.objects.filter(pk=decision.pk).update(undone_at=entry.at, undone_entry_id=entry.id)


def let_the_undo_window_pass() -> None:
    Delivery.objects.waiting().update(due_at=Now(), next_attempt_at=Now())
    Decision.objects.update(final_at=Now())
    Output.objects.filter(resolved_by="person").update(final_at=Now())


def test_nothing_is_sent_before_a_decision_is_final(system, endpoint, producer):
    decided(system, 30)
    assert deliver_due().attempts == 0
    Delivery.objects.update(due_at=Now(), next_attempt_at=Now())
    assert deliver_due().attempts == 0  # the decision's own moment counts, whatever the outbox says
    let_the_undo_window_pass()
    assert deliver_due().taken == 1


def test_an_undone_decision_is_never_told_and_the_log_says_that_it_was_not(system, endpoint, producer):
    decision = decided(system, 30)
    assert outbox.cancel(decision, by=cast.acting(cast.alice())) == 1
    undo(decision)
    let_the_undo_window_pass()
    assert deliver_due().attempts == 0
    delivery = Delivery.objects.get(decision=decision.pk)
    assert delivery.state == "cancelled"
    assert Entry.objects.get(pk=delivery.entry_id).type == "delivery_cancelled"


def test_even_an_undo_that_forgot_the_outbox_is_not_told(system, endpoint, producer):
    decision = decided(system, -1)
    undo(decision)
    assert deliver_due().attempts == 0
    assert Delivery.objects.get(decision=decision.pk).state == "cancelled"
    assert producer.received == []


def test_what_the_producer_was_told_cannot_be_taken_back(system, endpoint, producer):
    decision = decided(system, -1)
    deliver_due()
    with pytest.raises(Conflict, match="told already"):
        outbox.cancel(decision)


def test_a_superseded_decision_is_not_told_any_more_but_its_successor_is(system, endpoint, producer):
    first = decided(system, -1)
    second = decided(system, -1, supersedes=first)
    deliver_due()
    assert [request.id for request in producer.received] == [str(Delivery.objects.get(decision=second.pk).pk)]
    assert Delivery.objects.get(decision=first.pk).state == "cancelled"


def test_a_known_answer_is_nobodys_output_and_never_told(system, endpoint, producer):
    decided(system, -1, purpose="known_answer")
    assert not Delivery.objects.exists()


def claimed_and_decided(system: System, **answer: Any) -> decisions.Decided:
    """A decision by the real verbs on an output that has just come in."""
    (item,) = desk(system)
    alice = cast.acting(cast.alice(), system)
    claim = queue.claim_item(alice, item.pk)
    return decisions.decide(alice, item=item.pk, token=claim.token, **answer)


def test_once_the_undo_window_has_passed_the_producer_is_told_the_corrected_output(db, producer):
    system = cast.system(review={**cast.POLICY["review"], "undo_seconds": 0})
    endpoints.create(system, url=producer.url, events=["output.resolved"], by=CONSOLE)
    made = claimed_and_decided(system, verdict="override", output={"digit": 3}, reasons=["wrong-label"])
    assert deliver_due().taken == 1
    said = json.loads(producer.received[0].body)["data"]
    assert said["status"] == "overridden"
    assert said["resolution"]["output"] == {"digit": 3}
    assert said["resolution"]["decision"] == str(made.decision)
    delivery = Delivery.objects.get()
    leaf = json.loads(bytes(Entry.objects.get(pk=delivery.entry_id).leaf))
    assert leaf["causes"] == [bytes(Entry.objects.get(type="decided").leaf_hash).hex()]


def test_undoing_takes_the_message_back_and_deciding_again_sends_the_new_one_only(db, producer):
    system = cast.system()
    endpoints.create(system, url=producer.url, events=["output.resolved"], by=CONSOLE)
    made = claimed_and_decided(system, verdict="approve")
    alice = cast.acting(cast.alice(), system)
    claim = decisions.undo(alice, made.decision)
    again = decisions.decide(alice, item=claim.item, token=claim.token, verdict="reject", reasons=["unreadable"])
    states = dict(Delivery.objects.values_list("decision", "cancelled_at"))
    assert states[made.decision] is not None
    assert states[again.decision] is None
    let_the_undo_window_pass()
    assert deliver_due().taken == 1
    assert json.loads(producer.received[0].body)["data"]["resolution"]["status"] == "rejected"
    assert deliver_due().attempts == 0


def test_a_superseding_decision_tells_the_producer_the_next_revision(db, producer):
    system = cast.system(review={**cast.POLICY["review"], "undo_seconds": 0})
    endpoints.create(system, url=producer.url, events=["output.resolved", "decision.superseded"], by=CONSOLE)
    made = claimed_and_decided(system, verdict="approve")
    deliver_due()
    decisions.supersede(
        cast.acting(cast.alice(), system),
        made.decision,
        verdict="override",
        output={"digit": 1},
        reasons=["wrong-label"],
    )
    deliver_due()
    first, second = (json.loads(request.body) for request in producer.received)
    assert (first["type"], second["type"]) == ("output.resolved", "decision.superseded")
    assert second["data"]["resolution"]["output"] == {"digit": 1}
    assert [revision["status"] for revision in second["data"]["revisions"]] == ["approved"]
