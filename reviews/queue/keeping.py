"""What a reviewer does with a claim short of deciding: keep it, give it back, pass it on, put it off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from governance import clock
from governance.evidence.leaf import time_text
from governance.evidence.record import Draft, hash_of, record
from governance.people.actors import Actor
from governance.policies.canonical import canonical_bytes
from governance.refusals import Invalid, Problem
from reviews.models import Item, Seat, Skip
from reviews.queue import losing
from reviews.queue.claims import Claim
from reviews.queue.reviewers import Reviewer, reviewer
from reviews.queue.taking import claim_held, shown
from reviews.routing import queues
from reviews.routing.rulebook import rulebook

LONGEST_HOLD: Final = timedelta(days=7)
MOST_REASON: Final = 200

_MINE: Final = """
WHERE item_id = %(item)s AND claim_token = %(token)s AND claimed_by_id = %(me)s AND closed_at IS NULL
  AND claim_expires_at > clock_timestamp()
"""
_RENEW: Final = f"""
UPDATE reviews_seat SET claim_expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
{_MINE} AND NOT is_soft RETURNING claim_expires_at
"""  # noqa: S608  only constants
_GIVE_BACK: Final = f"""
UPDATE reviews_seat SET claimed_by_id = NULL, claim_token = NULL, claim_expires_at = NULL, is_soft = false,
    held_until = %(until)s::timestamptz, entry_id = %(entry)s,
    held_by_id = CASE WHEN %(until)s::timestamptz IS NULL THEN NULL ELSE claimed_by_id END
{_MINE} RETURNING id, system_id, queue_id, number
"""  # noqa: S608  only constants


def renew(actor: Actor, item: UUID, token: UUID) -> Claim:
    """The claim with a whole lease ahead of it; a soft one becomes the one in hand. Raises Conflict when it is lost."""
    who = reviewer(actor)
    claim = claim_held(actor, item)
    if claim is None or claim.token != token:
        raise losing.lost(who, item, token)
    if claim.is_soft:
        renewed = shown(who, claim)
    else:
        until = _one(_RENEW, {**_asked(who, item, token), "seconds": float(settings.LEASE_SECONDS)})
        renewed = replace(claim, expires_at=until[0]) if until else None
    if renewed is None:
        raise losing.lost(who, item, token)
    return renewed


@transaction.atomic
def release(actor: Actor, item: UUID, token: UUID) -> None:
    """Gives the item back to its queue. Raises Conflict when the claim is lost."""
    who = reviewer(actor)
    _give_back(who, item, token, "claim_released")


@transaction.atomic
def skip(actor: Actor, item: UUID, token: UUID, reason: str = "") -> None:
    """Passes the item on: it goes back to its queue and is not offered to this person again. Raises Conflict."""
    who, said = reviewer(actor), _reason(reason)
    seat, entry = _give_back(who, item, token, "skipped", said)
    Seat.objects.filter(pk=seat).update(assigned_to=None)
    Skip.objects.bulk_create(
        [Skip(item_id=item, person=who.person, reason=said, entry_id=entry.id)], ignore_conflicts=True
    )


@transaction.atomic
def hold(actor: Actor, item: UUID, token: UUID, *, until: datetime, reason: str = "") -> None:
    """Puts the item off: nobody is offered it before `until`, at most seven days ahead. Raises Conflict, Invalid."""
    who, said = reviewer(actor), _reason(reason)
    now = clock.read()
    if until.tzinfo is None or not now < until <= now + LONGEST_HOLD:
        raise _wrong("/until", "This is a time with its zone, later than now and at most seven days ahead.")
    _give_back(who, item, token, "held", said, until=until)


@transaction.atomic
def escalate(actor: Actor, item: UUID, token: UUID, reason: str = "") -> None:
    """Hands the item to the queue that its own `escalates_to`; where there is none, to the leads. Raises Conflict.

    All its open seats go there, and it is not offered to this person again unless she is a lead.
    """
    who, said = reviewer(actor), _reason(reason)
    row = Item.objects.select_related("queue", "output").select_for_update(of=("self",)).filter(pk=item).first()
    entry_id = clock.new_id()
    seat = _one(_GIVE_BACK, {**_asked(who, item, token), "until": None, "entry": entry_id})
    if row is None or row.queue is None or not seat:
        raise losing.lost(who, item, token)
    to = queues.above(row.queue, rulebook(row.output.policy_id))
    entry = _record(
        who, "escalated", kind="item", id=item, system=row.system_id, reason=said, entry=entry_id,
        cause=row.entry_id, detail={
            "seat": seat[3], "from": row.queue.slug, "to": to.slug if to else row.queue.slug, "for_lead": to is None,
        },
    )  # fmt: skip
    Item.objects.filter(pk=item).update(entry_id=entry.id, **({"queue": to} if to else {}))
    up: dict[str, Any] = {"queue": to} if to else {"is_for_lead": True}
    Seat.objects.filter(item=item, closed_at=None).update(assigned_to=None, **up)
    Skip.objects.bulk_create(
        [Skip(item_id=item, person=who.person, reason="escalated", entry_id=entry.id)], ignore_conflicts=True
    )


def _give_back(
    who: Reviewer, item: UUID, token: UUID, type: str, reason: str = "", *, until: datetime | None = None
) -> tuple[UUID, Draft]:
    """Ends the claim and writes why, on the seat's own chain; the seat and the entry."""
    entry = clock.new_id()
    seat = _one(_GIVE_BACK, {**_asked(who, item, token), "until": until, "entry": entry})
    if not seat:
        raise losing.lost(who, item, token)
    detail: dict[str, Any] = {"item": str(item), "seat": seat[3]}
    if until is not None:
        detail["until"] = time_text(until)
    # What a soft claim gives back was never shown, but an entry more does no harm and the log stays whole.
    cause = Item.objects.values_list("entry_id", flat=True).get(pk=item)
    return seat[0], _record(
        who, type, kind="seat", id=seat[0], system=seat[1], reason=reason, entry=entry, cause=cause, detail=detail
    )


def _record(
    who: Reviewer, type: str, *, kind: str, id: UUID, system: UUID, reason: str, entry: UUID, cause: UUID,
    detail: Mapping[str, Any],
) -> Draft:  # fmt: skip
    return record(
        type, actor=who.actor_in(system), kind=kind, id=id, system=system, entry=entry, causes=(hash_of(cause),),
        detail=detail, payloads={"reason": reason.encode()} if reason else None,
    )  # fmt: skip


def _asked(who: Reviewer, item: UUID, token: UUID) -> dict[str, Any]:
    return {"me": who.person.pk, "item": item, "token": token}


def _one(statement: str, asked: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _reason(text: str) -> str:
    canonical_bytes(text)
    if len(text) > MOST_REASON:
        raise _wrong("/reason", f"A reason has at most {MOST_REASON} characters.")
    return text.strip()


def _wrong(pointer: str, detail: str) -> Invalid:
    return Invalid(f"{pointer}: {detail}", errors=[Problem(pointer, "invalid", detail)])
