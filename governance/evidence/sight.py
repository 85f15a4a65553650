"""Who may read which entries of the log."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from governance.models import Entry, Person, System
from governance.people import roles

# What a reviewer could learn from these entries before she has answered herself.
_OF_JUDGING: Final = ("output", "item", "seat")


def seen(systems: set[UUID] | None, person: Person | None) -> QuerySet[Entry]:
    """The entries of these systems (None: all, and those of no system). Who reviews in a system too does not read there
    what others judge: on the output's own page she finds what she may know. Without a person a producer reads."""
    entries = Entry.objects.all()
    entries = entries if systems is None else entries.filter(system__in=systems)
    reviews_in = roles.systems_for(person, "review items") if person else set()
    if reviews_in is None:
        return entries.exclude(subject_kind__in=_OF_JUDGING)
    return entries.exclude(Q(system__in=reviews_in, subject_kind__in=_OF_JUDGING)) if reviews_in else entries


def sees_all(systems: set[UUID] | None, person: Person | None) -> bool:
    """Whether somebody may read every entry, as copying the log whole takes."""
    return systems is None and person is not None and roles.systems_for(person, "review items") == set()


def takes_from(person: Person) -> set[UUID] | None:
    """The systems whose evidence somebody may take away, None for the whole log: none in which she reviews, since a
    bundle holds what others judge there."""
    may, reviews_in = (roles.systems_for(person, verb) for verb in ("take evidence away", "review items"))
    if reviews_in is None or not reviews_in:
        return may if reviews_in is not None else set()
    every = set(System.objects.values_list("pk", flat=True)) if may is None else may
    return every - reviews_in
