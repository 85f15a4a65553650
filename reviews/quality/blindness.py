"""Who must not see an output yet: whoever could be asked to judge it blind, until it is judged."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.models import Output, Person
from governance.people import roles
from reviews.models import Item, Seat

VERB = "review items"


def not_hidden_from(outputs: QuerySet[Output], person: Person | None) -> QuerySet[Output]:
    """The outputs without those that wait in a blind item in which this person may sit and has not decided yet.

    Nothing is hidden from a producer, which has no seat: `person` is None then.
    """
    if person is None:
        return outputs
    systems = roles.systems_for(person, VERB)
    if systems is not None and not systems:
        return outputs
    may_sit = Q() if systems is None else Q(system_id__in=systems)
    return outputs.exclude(may_sit & Exists(_undecided_by(person).filter(output_id=OuterRef("pk"))))


def seen_by(person: Person | None, outputs: Collection[UUID]) -> set[UUID]:
    """Which of these outputs are not hidden from her."""
    return set(not_hidden_from(Output.objects.filter(pk__in=outputs), person).values_list("pk", flat=True))


def _undecided_by(person: Person) -> QuerySet[Item]:
    """Open blind items that this person has not decided. One with two seats stays blind for the other one."""
    decided = Seat.objects.filter(item_id=OuterRef("pk"), decided_by=person)
    return Item.objects.filter(~Exists(decided), is_blind=True).exclude(state="closed")
