"""Keeping a search of the history under a name, and forgetting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.http import urlencode

from governance.models import Person
from governance.refusals import Conflict, Invalid
from reviews.models import SavedSearch

MOST: Final = 30
LONGEST: Final = 2000


def of(person: Person) -> QuerySet[SavedSearch]:
    """Her searches by name."""
    return SavedSearch.objects.filter(person=person).order_by("name")


@transaction.atomic
def save(person: Person, name: str, asked: Mapping[str, str]) -> SavedSearch:
    """Keeps the search; one of the same name gets the new filters. Raises Invalid without a name or filters, Conflict
    when she keeps too many."""
    name, query = " ".join(name.split()).replace("\0", "")[:80], urlencode(asked)
    if not name:
        raise Invalid("Give the search a name.")
    if not query or len(query) > LONGEST:
        raise Invalid(
            "There is nothing to keep: set a filter first." if not query else "This search is too long to keep."
        )
    Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    others = SavedSearch.objects.filter(person=person).exclude(name=name).count()
    if others >= MOST:
        raise Conflict(f"You keep {MOST} searches. Forget one first.")
    kept, _ = SavedSearch.objects.update_or_create(
        person=person, name=name, defaults={"query": query, "saved_at": Now()}, create_defaults={"query": query}
    )
    return kept


def forget(person: Person, id: int) -> None:
    """Takes one of her searches away; nothing happens when it is gone."""
    SavedSearch.objects.filter(person=person, pk=id).delete()
