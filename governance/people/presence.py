"""Presence: when a person works. She says it herself, or a lead says it of her; each change is an entry in the log."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from governance import clock
from governance.evidence.leaf import time_text
from governance.evidence.record import Draft, record
from governance.models import Absence, Person, Presence
from governance.people import roles
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid, NotAllowed
from governance.worktime import Calendar

MOST_ABSENCES: Final = 50


@transaction.atomic
def set_hours(person: Person, calendar: Calendar | None, *, by: Actor) -> None:
    """Her weekly hours from now on; None: at any time. Raises NotAllowed."""
    _check(person, by)
    hours = [[list(span) for span in day] for day in calendar.hours] if calendar else None
    zone = calendar.zone if calendar else "UTC"
    entry = _record("hours_set", person, by, {"zone": zone, "hours": hours})
    Presence.objects.update_or_create(
        person=person, defaults={"zone": zone, "hours": hours, "entry_id": entry.id}
    )  # fmt: skip


@transaction.atomic
def pause(person: Person, *, by: Actor) -> None:
    """From now on she is given nothing new, until she resumes. Raises Conflict when she has paused already."""
    _check(person, by)
    if Presence.objects.filter(person=person, paused_at__isnull=False).exists():
        raise Conflict(f"{person} has paused already.")
    entry = _record("paused", person, by, {})
    Presence.objects.update_or_create(person=person, defaults={"paused_at": entry.at, "entry_id": entry.id})


@transaction.atomic
def resume(person: Person, *, by: Actor) -> None:
    """She takes new work again. Raises Conflict when she had not paused."""
    _check(person, by)
    if not Presence.objects.filter(person=person, paused_at__isnull=False).exists():
        raise Conflict(f"{person} has not paused.")
    entry = _record("resumed", person, by, {})
    Presence.objects.filter(person=person).update(paused_at=None, entry_id=entry.id)


@transaction.atomic
def take_off(person: Person, begins_at: datetime, ends_at: datetime, *, by: Actor) -> Absence:
    """Time off. Raises Invalid when it ends before it begins or is over, Conflict when too much is planned."""
    _check(person, by)
    now = clock.read()
    if not begins_at < ends_at or ends_at <= now:
        raise Invalid("Time off ends after it begins, and later than now.")
    if Absence.objects.filter(person=person, ends_at__gt=now).count() >= MOST_ABSENCES:
        raise Conflict(f"At most {MOST_ABSENCES} times off are planned.")
    id = clock.new_id()
    entry = _record(
        "time_off_planned", person, by, {"absence": str(id), "from": time_text(begins_at), "until": time_text(ends_at)}
    )
    return Absence.objects.create(id=id, person=person, begins_at=begins_at, ends_at=ends_at, entry_id=entry.id)


@transaction.atomic
def come_back(absence: Absence, *, by: Actor) -> None:
    """Takes back time off. Raises Conflict when that was done already."""
    _check(absence.person, by)
    gone, _ = Absence.objects.filter(pk=absence.pk).delete()
    if not gone:
        raise Conflict("That time off was taken back already.")
    _record("time_off_taken_back", absence.person, by, {"absence": str(absence.pk)})


def present(people: Collection[UUID], now: datetime) -> dict[UUID, str]:
    """Of these people, why each is there or not: `there`, `paused`, `off` (time off) or `out` (not her hours)."""
    rows = {row.person_id: row for row in Presence.objects.filter(person__in=people)}
    off = set(
        Absence.objects.filter(person__in=people, begins_at__lte=now, ends_at__gt=now).values_list("person", flat=True)
    )
    return {id: _word(rows.get(id), is_off=id in off, now=now) for id in people}


def _word(row: Presence | None, *, is_off: bool, now: datetime) -> str:
    if is_off:
        return "off"
    if row is None:
        return "there"
    if row.paused_at is not None:
        return "paused"
    return "there" if row.calendar is None or row.calendar.is_open(now) else "out"


def may_say(by: Person, of: Person) -> bool:
    """Whether the one may say when the other works: she herself, and whoever leads where she reviews."""
    if by.pk == of.pk:
        return True
    leads = roles.systems_for(by, "lead the queue")
    reviews = roles.systems_for(of, "review items")
    if leads == set() or reviews == set():
        return False
    return leads is None or reviews is None or bool(leads & reviews)


def _check(person: Person, by: Actor) -> None:
    if by.person is None or not may_say(by.person, person):
        raise NotAllowed("When somebody works she says herself, or a lead of hers.")
    Person.objects.select_for_update().get(pk=person.pk)


def _record(type: str, person: Person, by: Actor, detail: dict[str, object]) -> Draft:
    return record(type, actor=by, kind="person", id=person.pk, detail=detail)
