"""What a person takes back in time is never told, and what was told can no longer be taken back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from governance.evidence.record import record
from governance.models import Entry, Output, System
from governance.refusals import Conflict
from reviews.delivery import outbox
from reviews.delivery.sending import deliver_due
from reviews.models import Decision, Delivery
from tests import cast
from tests.reviews.desk import arrive


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


def test_nothing_is_sent_before_a_decision_is_final(system, endpoint, producer):
    decided(system, 0.6)
    assert deliver_due().attempts == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.7)")
    assert deliver_due().taken == 1


def test_an_undone_decision_is_never_told_and_the_log_says_that_it_was_not(system, endpoint, producer):
    decision = decided(system, 0.2)
    assert outbox.cancel(decision, by=cast.acting(cast.alice())) == 1
    undo(decision)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.3)")
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
