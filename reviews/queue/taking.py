"""Taking items: the next one, or a given one; and keeping it in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from governance import clock
from governance.evidence.leaf import time_text
from governance.evidence.record import Draft, Subject, draft, write
from governance.people.actors import Actor
from reviews.queue import losing, marks, statements
from reviews.queue.claims import Claim
from reviews.queue.reviewers import Reviewer, reviewer
from reviews.queue.trips import one_trip

_LOWEST: Final = UUID(int=0)


def claim_next(actor: Actor, *, queue: str | None = None, ahead: bool = False) -> Claim | None:
    """The most urgent item that this person may take, now in her hands; None when there is none for her.

    What she has in hand already (in the queue of that slug, when one is named) comes back instead, and a soft claim
    becomes the one in hand. `ahead` makes a soft claim of 60 seconds on the next card instead. Raises NotAllowed.
    """
    who = reviewer(actor)
    claim = _next(who, queue, ahead, marks.believed()) or _next(who, queue, ahead, ([], [], []), waits=True)
    if claim is None or ahead or not claim.is_soft:
        return claim
    # Who loses her card between the two statements has shown or decided it in another tab.
    return shown(who, claim) or claim_next(actor, queue=queue)


def shown(who: Reviewer, claim: Claim) -> Claim | None:
    """The soft claim as the one in hand from now on, a whole lease long; None when it does not hold any more."""
    held = replace(claim, is_soft=False, is_new=True, expires_at=claim.now + timedelta(seconds=settings.LEASE_SECONDS))
    entry = _entry(who, held, entry=clock.new_id())
    asked: dict[str, Any] = {
        "seat": claim.seat, "token": claim.token, "me": who.person.pk, "until": held.expires_at, "entry": entry.id,
        "at": entry.at, "type": entry.type, "kind": entry.kind, "rev": entry.rev, "system": entry.system,
        "leaf": entry.leaf,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statements.SHOW, asked)
        return held if cursor.fetchone() else None


def claim_item(actor: Actor, item: UUID) -> Claim:
    """A given item, now in this person's hands: the claim she has on it, or a new one.

    What else she had in hand in that queue becomes her soft claim. Raises Conflict when it is closed or in other hands,
    NotAllowed when it is not for her, NotFound when she may not know of it.
    """
    who = reviewer(actor)
    with transaction.atomic():
        claim = _claimed(who, statements.GIVEN, {**_asked(who), "item": item})
        if claim is None:
            raise losing.why_not(who, item)
        if claim.is_new:
            set_aside(who, claim.seat)
    return claim


def claim_held(actor: Actor, item: UUID) -> Claim | None:
    """The claim, in hand or soft, that this person has on an item; None when she has none. Changes nothing."""
    who = reviewer(actor)
    with connection.cursor() as cursor:
        cursor.execute(statements.HELD, {"me": who.person.pk, "item": item})
        row = cursor.fetchone()
    claim = Claim(*row) if row else None
    return claim if claim is not None and who.reviews(claim.system) else None


def set_aside(who: Reviewer, kept: UUID) -> None:
    """Makes the seat the one in hand: what was in hand in its queue turns soft, what was soft goes back."""
    with connection.cursor() as cursor:
        cursor.execute(statements.ASIDE, {"me": who.person.pk, "kept": kept})


def _next(
    who: Reviewer, slug: str | None, ahead: bool, believed: tuple[list[Any], list[Any], list[Any]], *,
    waits: bool = False,
) -> Claim | None:  # fmt: skip
    asked = {
        "me": who.person.pk, "systems": who.systems, "leads": who.leads, "slug": slug, "ahead": ahead,
        "seconds": float(settings.SOFT_CLAIM_SECONDS), "waits": waits, "alone": not connection.in_atomic_block,
        "mark_queues": believed[0], "mark_times": believed[1], "mark_seats": believed[2], "due": marks.due(),
        "lowest": _LOWEST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statements.NEXT, asked)
        row = cursor.fetchone()
    if row is None:
        return None
    *card, urgent_at, seat = row
    claim = Claim(*card)
    if not claim.due_at:
        # The turn was waited for, and its item routed meanwhile: the card was read before that. The claim holds.
        return claim_held(who.actor, claim.item)
    if claim.is_new:
        marks.claimed_from(claim.queue, (urgent_at, seat) if seat else None)
    return claim


def _asked(who: Reviewer) -> dict[str, Any]:
    return {
        "me": who.person.pk, "systems": who.systems, "leads": who.leads, "ahead": False, "entry": clock.new_id(),
        "seconds": float(settings.LEASE_SECONDS),
    }  # fmt: skip


def _claimed(who: Reviewer, statement: str, asked: Mapping[str, Any]) -> Claim | None:
    """The claim that a statement made or found, with its entry written when it is new and shown."""
    with connection.cursor() as turn, connection.cursor() as cursor:
        with one_trip():
            turn.execute(statements.IN_TURN, [str(who.person.pk)])
            cursor.execute(statement, asked)
        row = cursor.fetchone()
    if row is None:
        return None
    claim = Claim(*row)
    if claim.is_new and not claim.is_soft:
        record_claim(who, claim, entry=asked["entry"])
    return claim


def record_claim(who: Reviewer, claim: Claim, *, entry: UUID) -> None:
    """Writes the entry `claimed`, under the id that the seat names already."""
    write([_entry(who, claim, entry=entry)])


def _entry(who: Reviewer, claim: Claim, *, entry: UUID) -> Draft:
    return draft(
        "claimed", actor=who.actor_in(claim.system), entry=entry, at=claim.now,
        subject=Subject("seat", claim.seat, claim.system, claim.rev, claim.prev.hex() if claim.prev else None),
        causes=(bytes(claim.cause).hex(),), policy=claim.rules.part,
        detail={
            "item": str(claim.item), "output": str(claim.output), "round": claim.round, "seat": claim.number,
            "until": time_text(claim.expires_at),
        },
    )  # fmt: skip
