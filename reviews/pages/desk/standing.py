"""An item that is not in this person's hands: what became of it, in words, and what she can do now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from governance import clock
from governance.people.actors import Actor
from governance.refusals import NotFound
from reviews.models import Decision, Item, Seat
from reviews.queue.reviewers import reviewer

_WAITS: Final = {
    "awaiting_second": " A second person answers now.",
    "adjudication": " The answers differ: a third decides.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`sentence` says how the item stands; `can_take` that she may ask for it; `own` is her decision on it, if any."""

    item: Item
    sentence: str
    can_take: bool
    own: Decision | None
    can_undo: bool

    @property
    def can_correct(self) -> bool:
        """Whether her decision is final and the round closed, so that only a superseding decision changes it."""
        return self.own is not None and not self.can_undo and self.item.state == "closed"


def standing(actor: Actor, id: UUID) -> Standing:
    """How an item stands for somebody who has no claim on it. Raises NotFound when she may not know of it."""
    who = reviewer(actor)
    item = Item.objects.select_related("system", "queue").filter(pk=id).first()
    if item is None or not who.reviews(item.system_id):
        raise NotFound("There is nothing here.")
    now = clock.read()
    own = Decision.objects.filter(item=item, person=who.person, undone_at=None).order_by("-id").first()
    if own is not None:
        sentence = f"You decided this item at {own.decided_at:%H:%M} UTC.{_WAITS.get(item.state, '')}"
        return Standing(item, sentence, False, own, own.final_at > now)
    if item.state == "closed":
        return Standing(item, _closed(item), False, None, False)
    if item.routed_at is None:
        return Standing(item, "This item has no queue yet; that takes a moment.", False, None, False)
    return _open(item, who.person.pk, now)


def _open(item: Item, me: UUID, now: datetime) -> Standing:
    seats = list(Seat.objects.select_related("claimed_by").filter(item=item, closed_at=None).order_by("number"))
    mine = [seat for seat in seats if seat.claimed_by_id == me and seat.claim_expires_at is not None]
    if any(seat.claim_expires_at > now for seat in mine if seat.claim_expires_at):
        return Standing(item, "This item is kept ready for you.", True, None, False)
    taken = [s for s in seats if s.claimed_by_id and s.claim_expires_at and s.claim_expires_at > now]
    if seats and len(taken) == len(seats):
        who, until = taken[0].claimed_by, taken[0].claim_expires_at
        return Standing(item, f"{who} has this item until {until:%H:%M} UTC.", False, None, False)
    if mine:
        ended = mine[0].claim_expires_at
        sentence = f"Your claim ended at {ended:%H:%M} UTC, and nobody has taken the item since."
        return Standing(item, sentence, True, None, False)
    return Standing(item, "Nobody has this item in hand.", True, None, False)


def _closed(item: Item) -> str:
    last = Decision.objects.select_related("person").filter(item=item, undone_at=None).order_by("-id").first()
    if last is None:
        return "This item is closed."
    return f"{last.person} decided this item at {last.decided_at:%H:%M} UTC."
