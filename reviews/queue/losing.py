"""Why a claim is lost or an item cannot be taken, in a sentence that says what happened."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from governance import clock
from governance.models import ApiKey, Skill
from governance.refusals import Conflict, NotAllowed, NotFound, Refused
from reviews.models import Decision, Item, Seat
from reviews.queue.reviewers import Reviewer

_NOTHING = "There is nothing here."


def lost(who: Reviewer, item: UUID, token: UUID | None) -> Refused:
    """The refusal for somebody whose claim does not hold any more."""
    found = _seen(who, item)
    if isinstance(found, Refused):
        return found
    own = Decision.objects.filter(item=found, person=who.person, undone_at=None).order_by("-id").first()
    if own is not None:
        return Conflict(f"You decided this item at {hour(own.decided_at)} already.")
    if found.state == "closed":
        return Conflict(_closed(found))
    now = clock.read()
    seats = list(Seat.objects.select_related("claimed_by").filter(item=found, closed_at=None))
    for seat in seats:
        if token is not None and seat.claim_token == token and seat.claimed_by_id == who.person.pk:
            return Conflict(
                f"Your claim ran out at {hour(seat.claim_expires_at)} and nobody has taken the item since: "
                "open it again to go on."
            )
    if any(
        seat.claimed_by_id == who.person.pk and seat.claim_expires_at and seat.claim_expires_at > now for seat in seats
    ):
        return Conflict("You have taken this item anew since this form was opened, so nothing was decided by it.")
    held = [seat for seat in seats if _is_held_by_another(seat, who, now)]
    if held:
        return Conflict(f"This item is no longer in your hands: {_in_hands(held[0])}")
    return Conflict("This item is no longer in your hands. It waits in its queue.")


def why_not(who: Reviewer, item: UUID) -> Refused:
    """The refusal for somebody who opens an item that she cannot take."""
    found = _seen(who, item)
    if isinstance(found, Refused):
        return found
    if found.state == "closed":
        return Conflict(_closed(found))
    if found.routed_at is None:
        return Conflict("This item has no queue yet; that takes a moment.")
    interest = _interest(who, found)
    if interest is not None:
        return interest
    seats = list(Seat.objects.select_related("claimed_by").filter(item=found, closed_at=None))
    free = [seat for seat in seats if not _is_held_by_another(seat, who, clock.read())]
    if not free:
        return Conflict(_in_hands(seats[0]) if seats else "Nobody has to judge this item at the moment.")
    if all(seat.is_for_lead for seat in free) and not (who.leads is None or found.system_id in who.leads):
        return NotAllowed("This item waits for a lead.")
    known = Skill.objects.filter(person=who.person, system=found.system_id).exclude(expires_at__lte=clock.read())
    has = set(known.values_list("name", flat=True))
    lacking = sorted(set(free[0].skills) - has)
    if lacking:
        return NotAllowed(f"This item takes somebody who knows {' and '.join(lacking)}.")
    if free[0].assigned_to_id != who.person.pk and found.queue and (free[0].assigned_to_id or _assigns(found)):
        return NotAllowed("This queue gives its items to people, and this one was not given to you.")
    return Conflict("Somebody else was first. Open it again to see who.")


def _interest(who: Reviewer, found: Item) -> Refused | None:
    """Why this person in particular may not judge it."""
    if Decision.objects.filter(item=found, person=who.person, undone_at=None).exists():
        return NotAllowed("You have decided this item; somebody else gives the second opinion.")
    sender = found.output.key
    if sender is not None and ApiKey.objects.filter(pk=sender, person=who.person).exists():
        return NotAllowed("A key that acts for you sent this output, so somebody else reviews it.")
    if Seat.objects.filter(item=found, barred__contains=[who.person.pk]).exists():
        return NotAllowed("It is about you, or you judged it before, so somebody else reviews it.")
    return None


def _assigns(item: Item) -> bool:
    return item.queue is not None and (item.queue.mode == "assign" or item.queue.paused_at is not None)


def hour(moment: datetime | None) -> str:
    """A moment as sentences name it: `14:02:07 UTC`."""
    return f"{moment:%H:%M:%S} UTC" if moment else "an unknown time"


def _seen(who: Reviewer, item: UUID) -> Item | Refused:
    found = Item.objects.select_related("output").filter(pk=item).first()
    if found is None or not who.reviews(found.system_id):
        return NotFound(_NOTHING)
    return found


def _closed(item: Item) -> str:
    last = Decision.objects.select_related("person").filter(item=item, undone_at=None).order_by("-id").first()
    if item.output.resolved_by == "fallback":
        ended = "let it go out" if item.output.status == "released" else "rejected it"
        return f"Nobody decided this item in time, so the policy {ended} at {hour(item.closed_at)}."
    if last is None:
        return f"This item was closed at {hour(item.closed_at)}."
    return f"{last.person} decided this item at {hour(last.decided_at)}."


def _in_hands(seat: Seat) -> str:
    return f"{seat.claimed_by} has it until {hour(seat.claim_expires_at)}."


def _is_held_by_another(seat: Seat, who: Reviewer, now: datetime) -> bool:
    return (
        seat.claimed_by_id not in (None, who.person.pk)
        and seat.claim_expires_at is not None
        and seat.claim_expires_at > now
    )
