"""Who sees whose measures: the reviewer at once, those who lead her a week later, or as soon as she shows them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from governance import clock
from governance.evidence.record import record
from governance.models import Person
from governance.people import roles
from governance.people.actors import Actor
from governance.refusals import NotAllowed, NotFound
from reviews.models import Shown
from reviews.quality.measures import Measures, measured

LEAD: Final = "lead the queue"
REVIEW: Final = "review items"
AHEAD: Final = timedelta(days=7)
_NOTHING: Final = "There is nothing here."


@dataclass(frozen=True, slots=True)
class Led:
    """Somebody whom a lead leads, and up to when her measures may be seen."""

    person: Person
    until: datetime


def own(actor: Actor, *, system: UUID | None = None) -> tuple[Measures, datetime]:
    """Her own measures as of now, and up to when her leads may see them. Raises NotAllowed, NotFound."""
    person = _person(actor)
    systems = _within(actor, REVIEW, person, system)
    now = clock.read()
    return measured(person, until=now, systems=systems), shown_until(person.pk, now)


def of(actor: Actor, person: UUID, *, system: UUID | None = None) -> Measures:
    """Somebody's measures, in the systems in which the actor leads, up to when she may see them. Raises NotFound."""
    lead = _person(actor)
    systems = _within(actor, LEAD, lead, system)
    found = Person.objects.prefetch_related("roles").filter(pk=person).first()
    if found is None or not _reviews_in(found, systems):
        raise NotFound(_NOTHING)
    return measured(found, until=shown_until(found.pk, clock.read()), systems=systems)


def led(actor: Actor) -> list[Led]:
    """Everybody who reviews where the actor leads, by name. Raises NotFound when she leads nowhere."""
    systems = _within(actor, LEAD, _person(actor), None)
    now = clock.read()
    shown = dict(Shown.objects.values_list("person", "until"))
    people = Person.objects.filter(is_active=True).prefetch_related("roles").order_by("name", "pk")
    return [
        Led(person, max(shown.get(person.pk, now - AHEAD), now - AHEAD))
        for person in people
        if _reviews_in(person, systems)
    ]


@transaction.atomic
def show(actor: Actor) -> datetime:
    """Shows her measures to her leads as they are at this moment; which that is. Raises NotAllowed, NotFound."""
    person = _person(actor)
    _within(actor, REVIEW, person, None)
    Person.objects.select_for_update().get(pk=person.pk)
    entry = record("measures_shown", actor=actor, kind="person", id=person.pk)
    Shown.objects.update_or_create(person=person, defaults={"until": entry.at, "entry_id": entry.id})
    return entry.at


def shown_until(person: UUID, now: datetime) -> datetime:
    """Up to when the measures of this person are her leads' to see."""
    said = Shown.objects.filter(person=person).values_list("until", flat=True).first()
    return max(said or now - AHEAD, now - AHEAD)


def _within(actor: Actor, verb: str, person: Person, system: UUID | None) -> Collection[UUID] | None:
    """The systems in which she may: the key's alone, where she came with one; the one asked for, where there is one."""
    allowed = roles.systems_for(person, verb) if person.is_active else set()
    for only in (actor.key.system_id if actor.key else None, system):
        if only is not None:
            allowed = {only} if allowed is None or only in allowed else set()
    if allowed is not None and not allowed:
        raise NotFound(_NOTHING)
    return allowed


def _reviews_in(person: Person, systems: Collection[UUID] | None) -> bool:
    hers = roles.systems_for(person, REVIEW)
    if hers is not None and not hers:
        return False
    return hers is None or systems is None or bool(hers & set(systems))


def _person(actor: Actor) -> Person:
    if actor.person is None:
        raise NotAllowed("Only people have measures: this key acts for nobody.")
    return actor.person
