"""Taking a decision back while it is not final: the item is in the same hands again, and nobody was told."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from governance.evidence.record import hash_of, record
from governance.people.actors import Actor
from governance.refusals import Conflict, NotAllowed, NotFound, Refused
from reviews.decisions import rounds
from reviews.decisions.cases import LOCK, opinions
from reviews.delivery import outbox
from reviews.models import Decision, Item
from reviews.quality import known_answers
from reviews.queue import losing
from reviews.queue.claims import Claim
from reviews.queue.reviewers import Reviewer, reviewer
from reviews.queue.taking import claim_held, set_aside
from reviews.routing.rulebook import rulebook

# Once both have judged independently, each could learn what the other said: then there is no way back but to supersede.
_TAKE_BACK: Final = """
UPDATE reviews_decision d SET undone_at = clock_timestamp(), undone_entry_id = %(entry)s
WHERE d.id = %(decision)s AND d.person_id = %(me)s AND d.undone_at IS NULL AND d.final_at > clock_timestamp()
  AND NOT EXISTS (
      SELECT FROM reviews_decision x
      WHERE x.item_id = d.item_id AND x.id <> d.id AND x.undone_at IS NULL AND (d.seat < 3 OR x.seat > d.seat))
RETURNING d.undone_at
"""
_REOPEN: Final = """
UPDATE reviews_seat SET decided_by_id = NULL, decided_at = NULL, closed_at = NULL, claimed_by_id = %(me)s,
    claim_token = gen_random_uuid(), claim_expires_at = clock_timestamp() + make_interval(secs => %(seconds)s),
    is_soft = false, shown_at = clock_timestamp(), held_until = NULL, held_by_id = NULL,
    entry_id = %(entry)s
WHERE item_id = %(item)s AND number = %(number)s RETURNING id
"""
# The second look that only this decision had opened is not needed any more.
_CLOSE_OPENED: Final = """
UPDATE reviews_seat SET closed_at = clock_timestamp(), claimed_by_id = NULL, claim_token = NULL,
    claim_expires_at = NULL, entry_id = %(entry)s
WHERE item_id = %(item)s AND number > greatest(%(number)s, %(reviewers)s) AND closed_at IS NULL
"""
# The label goes where it was given with this decision; then the one before stands again, such as a re-check's.
_BACK: Final = """
UPDATE governance_output o
SET status = CASE WHEN o.decision = %(decision)s THEN 'in_review' ELSE o.status END,
    resolved_by = CASE WHEN o.decision = %(decision)s THEN NULL ELSE o.resolved_by END,
    final_at = CASE WHEN o.decision = %(decision)s THEN NULL ELSE o.final_at END,
    decision = nullif(o.decision, %(decision)s), correction = nullif(o.correction, %(decision)s),
    label = CASE WHEN o.labelled_at = d.decided_at THEN b.is_correct ELSE o.label END,
    labelled_at = CASE WHEN o.labelled_at = d.decided_at THEN b.decided_at ELSE o.labelled_at END,
    entry_id = %(entry)s
FROM reviews_decision d LEFT JOIN LATERAL (
    SELECT x.is_correct, x.decided_at FROM reviews_decision x JOIN reviews_item i ON i.id = x.item_id
    WHERE x.output_id = d.output_id AND x.item_id <> d.item_id AND x.undone_at IS NULL AND x.bulk IS NULL
      AND i.state = 'closed'
    ORDER BY x.round DESC, x.seat DESC LIMIT 1
) b ON true
WHERE o.id = %(output)s AND d.id = %(decision)s
"""


@transaction.atomic
def undo(actor: Actor, decision: UUID) -> Claim:
    """Takes back a decision of this person's and returns the claim she has on its item again.

    Raises Conflict when it is final, undone, or the other seat has decided since; NotAllowed for somebody else's.
    """
    who = reviewer(actor)
    made = _locked(who, decision)
    item: Item = made.item
    entry = record(
        "undone", actor=who.actor_in(made.system_id), kind="output", id=made.output_id, system=made.system_id,
        causes=(hash_of(made.entry_id),), policy=rulebook(made.policy_id).part,
        detail={"decision": str(made.pk), "item": str(item.pk), "seat": made.seat, "round": made.round},
    )  # fmt: skip
    asked: dict[str, Any] = {
        "decision": made.pk, "me": who.person.pk, "entry": entry.id, "item": item.pk, "output": made.output_id,
        "number": made.seat, "reviewers": item.reviewers, "seconds": float(settings.LEASE_SECONDS),
    }  # fmt: skip
    if not _one(_TAKE_BACK, asked):
        raise _too_late(made, who)
    seat = _one(_REOPEN, asked)
    if seat is None:
        raise Conflict("The seat of this decision is gone.")
    _run(_CLOSE_OPENED, asked)
    if item.state == "closed":
        _run(_BACK, asked)
        if item.purpose == "known_answer":
            known_answers.reopened(item, entry=entry.id)
    remaining = rounds.next_step(
        opinions(item.pk), reviewers=item.reviewers, confirms_wrong=False, contract=rulebook(made.policy_id).contract
    )
    Item.objects.filter(pk=item.pk).update(state=remaining.state, closed_at=None, entry_id=entry.id)
    outbox.cancel(made, by=who.actor, cause=entry)
    set_aside(who, seat[0])
    claim = claim_held(actor, item.pk)
    if claim is None:
        raise losing.lost(who, item.pk, None)
    return claim


def _locked(who: Reviewer, decision: UUID) -> Decision:
    """The decision, with its item locked. Raises NotFound, NotAllowed."""
    item = Decision.objects.filter(pk=decision).values_list("item_id", flat=True).first()
    if item is None:
        raise NotFound("There is nothing here.")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [item])
    made = Decision.objects.select_related("item").get(pk=decision)
    if not who.reviews(made.system_id):
        raise NotFound("There is nothing here.")
    if made.person_id != who.person.pk:
        if made.item.state != "closed":
            raise NotFound("There is nothing here.")
        raise NotAllowed("Only the person who decided can take it back.")
    return made


def _too_late(made: Decision, who: Reviewer) -> Refused:
    made.refresh_from_db()
    if made.undone_at is not None:
        return Conflict(f"You took this decision back at {losing.hour(made.undone_at)} already.")
    if Decision.objects.filter(item=made.item_id, undone_at=None).exclude(pk=made.pk).exists():
        return Conflict("Another reviewer has decided since, so this cannot be undone; supersede it instead.")
    return Conflict(f"This decision was final at {losing.hour(made.final_at)}; to correct it, supersede it.")


def _one(statement: str, asked: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _run(statement: str, asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
