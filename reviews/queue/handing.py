"""Working together on an item: handing it over with a note, asking a colleague, answering her."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from governance import clock
from governance.evidence.record import Draft, hash_of, record
from governance.models import Payload, Person
from governance.people.actors import Actor
from governance.policies.canonical import canonical_bytes
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound, Problem
from reviews.models import Item, Note, Seat
from reviews.queue import losing
from reviews.queue.reviewers import Reviewer, reviewer
from reviews.routing import assigning
from reviews.routing.leading import works
from reviews.routing.sharing import WHY_NOT, Colleague, why_not

MOST_TEXT: Final = 1_000
MOST_NOTES: Final = 50
_WAITS: Final = frozenset({"paused", "off", "out", "full", "passed"})
_NOTHING: Final = "There is nothing here."

_HAND: Final = """
UPDATE reviews_seat SET claimed_by_id = NULL, claim_token = NULL, claim_expires_at = NULL, is_soft = false,
    held_until = NULL, held_by_id = NULL, assigned_to_id = %(to)s, assigned_at = clock_timestamp(), entry_id = %(entry)s
WHERE item_id = %(item)s AND claim_token = %(token)s AND claimed_by_id = %(me)s AND closed_at IS NULL
  AND claim_expires_at > clock_timestamp()
RETURNING id, system_id, number
"""
# Whoever was asked has heard what one reviewer thinks: she is no second, independent one.
_BAR: Final = """
UPDATE reviews_seat SET barred = array_append(barred, %(to)s)
WHERE item_id = %(item)s AND closed_at IS NULL AND NOT (%(to)s = ANY(barred))
  AND claimed_by_id IS DISTINCT FROM %(me)s
"""


@dataclass(frozen=True, slots=True)
class Read:
    """A note with its text, None when that was erased."""

    note: Note
    text: str | None


@transaction.atomic
def hand_over(actor: Actor, item: UUID, token: UUID, *, to: Person, note: str = "") -> None:
    """Gives the item in her hands to a colleague who may judge it, with a note. Raises Conflict when the claim is lost,
    NotAllowed when it is not for the colleague, Invalid, NotFound."""
    who, said = reviewer(actor), _text(note)
    found = Item.objects.select_related("queue").filter(pk=item).first()
    if found is None or not who.reviews(found.system_id):
        raise NotFound(_NOTHING)
    her = _colleague(found, to)
    seats = [work for work in works(found) if Seat.objects.filter(pk=work.seat, claim_token=token).exists()]
    if not seats:
        raise losing.lost(who, item, token)
    against = why_not(seats[0], her)
    if to.pk == who.person.pk or (against is not None and against not in _WAITS):
        raise NotAllowed(f"Not to {to}: {WHY_NOT.get(against or '', 'it is yours already')}.")
    entry = clock.new_id()
    asked = {"item": item, "token": token, "me": who.person.pk, "to": to.pk, "entry": entry}
    with connection.cursor() as cursor:
        cursor.execute(_HAND, asked)
        seat = cursor.fetchone()
    if seat is None:
        raise losing.lost(who, item, token)
    written = record(
        "handed_over", actor=who.actor_in(seat[1]), kind="seat", id=seat[0], system=seat[1], entry=entry,
        causes=[hash_of(found.entry_id)], detail={"item": str(item), "seat": seat[2], "to": str(to.pk)},
        payloads={"note": said.encode()} if said else None,
    )  # fmt: skip
    _keep(found, who, to, "handed_over", written)


@transaction.atomic
def ask(actor: Actor, item: UUID, *, to: Person, text: str) -> Note:
    """Asks a colleague about an item that waits. It blocks nothing; she is no independent reviewer of it any more.

    Raises Invalid for an empty question, NotAllowed for somebody who may not see it, Conflict, NotFound.
    """
    who, said = reviewer(actor), _text(text)
    found = _open(who, item)
    if not said:
        raise Invalid("Ask something.", errors=[Problem("/text", "required", "Ask something.")])
    if found.is_blind:
        raise NotAllowed("A blind item is answered alone.")
    her = _colleague(found, to)
    if to.pk == who.person.pk or (her.systems is not None and found.system_id not in her.systems):
        raise NotAllowed("Ask somebody else who reviews in this system.")
    if Seat.objects.filter(item=found, decided_by=to).exists() or Note.objects.filter(item=found).count() >= MOST_NOTES:
        raise Conflict("She has judged it already." if found.state != "open" else "This item has enough notes.")
    written = _record("asked", who, found, to, said)
    with connection.cursor() as cursor:
        cursor.execute(_BAR, {"item": item, "to": to.pk, "me": who.person.pk})
    return _keep(found, who, to, "asked", written)


@transaction.atomic
def answer(actor: Actor, question: UUID, *, text: str) -> Note:
    """Answers a question that was put to her. Raises Conflict when she did already, NotFound, Invalid."""
    who, said = reviewer(actor), _text(text)
    asked = Note.objects.select_related("item", "author").filter(pk=question, kind="asked", to=who.person).first()
    if asked is None:
        raise NotFound(_NOTHING)
    if not said:
        raise Invalid("Answer something.", errors=[Problem("/text", "required", "Answer something.")])
    written = _record("answered", who, asked.item, asked.author, said)
    if not Note.objects.filter(pk=asked.pk, settled_at=None).update(settled_at=written.at):
        raise Conflict("You have answered this already.")
    return _keep(asked.item, who, asked.author, "answered", written)


def notes_of(actor: Actor, item: UUID) -> list[Read]:
    """What was written about an item, oldest first: to or by her, all of it for a lead. Raises NotFound."""
    who = reviewer(actor)
    found = Item.objects.filter(pk=item).first()
    if found is None or not who.reviews(found.system_id):
        raise NotFound(_NOTHING)
    leads = who.leads is None or found.system_id in who.leads
    notes = [
        note for note in Note.objects.filter(item=item).select_related("author", "to").order_by("id")
        if leads or who.person.pk in (note.author_id, note.to_id)
    ]  # fmt: skip
    return _read(notes)


def written_to(actor: Actor) -> list[Read]:
    """What was written to her about items that are still open, newest first; at most 20."""
    who = reviewer(actor)
    notes = Note.objects.filter(to=who.person, settled_at=None).exclude(item__state="closed")
    rows = notes.select_related("item__system", "item__queue", "author", "to").order_by("-id")[:20]
    return _read([note for note in rows if who.reviews(note.item.system_id)])


def colleagues_of(actor: Actor, item: UUID) -> list[Person]:
    """Whom she could ask or hand it to: the others who review in its system, by name."""
    who = reviewer(actor)
    system = Item.objects.values_list("system_id", flat=True).filter(pk=item).first()
    others = [her.id for her in assigning.colleagues(clock.read()) if her.systems is None or system in her.systems]
    return list(Person.objects.filter(pk__in=others).exclude(pk=who.person.pk).order_by("name", "pk"))


def _open(who: Reviewer, item: UUID) -> Item:
    found = Item.objects.select_for_update(no_key=True).filter(pk=item).first()
    if found is None or not who.reviews(found.system_id):
        raise NotFound(_NOTHING)
    if found.state == "closed":
        raise Conflict("This item is closed.")
    return found


def _colleague(item: Item, to: Person) -> Colleague:
    her = next((c for c in assigning.colleagues(clock.read()) if c.id == to.pk), None)
    if her is None:
        raise NotAllowed(f"{to} reviews nothing.")
    her.has.discard(item.pk)
    if item.queue_id is not None:
        her.most = {item.queue_id: 1, **her.most}
    return her


def _record(type: str, who: Reviewer, item: Item, to: Person, said: str) -> Draft:
    return record(
        type, actor=who.actor_in(item.system_id), kind="item", id=item.pk, system=item.system_id,
        causes=[hash_of(item.entry_id)], detail={"to": str(to.pk)}, payloads={"note": said.encode()},
    )  # fmt: skip


def _keep(item: Item, who: Reviewer, to: Person, kind: str, entry: Draft) -> Note:
    return Note.objects.create(item=item, author=who.person, to=to, kind=kind, entry_id=entry.id)


def _read(notes: list[Note]) -> list[Read]:
    rows = Payload.objects.filter(entry__in=[note.entry_id for note in notes], name="note")
    texts = {entry: bytes(content).decode() for entry, content in rows.values_list("entry", "content")}
    return [Read(note, texts.get(note.entry_id)) for note in notes]


def _text(text: str) -> str:
    canonical_bytes(text)
    if len(text) > MOST_TEXT:
        said = f"A note has at most {MOST_TEXT} characters."
        raise Invalid(said, errors=[Problem("/note", "too-long", said)])
    return text.strip()
