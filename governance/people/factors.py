"""The second factor: that somebody has one, lost it, or used a recovery code, is evidence; what it is made of is not.

`allauth.mfa` keeps the secrets; these verbs run in the transaction in which it changes them.
"""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models.functions import Now

from governance.evidence.record import record
from governance.models import Person
from governance.people.actors import Actor
from governance.refusals import Conflict


@transaction.atomic
def added(person: Person, *, by: Actor) -> None:
    """She has set up an authenticator app: from now on a password alone lets nobody in under her name."""
    _held(person)
    entry = record("factor_added", actor=by, kind="person", id=person.pk, detail={"factor": "totp"})
    Person.objects.filter(pk=person.pk).update(second_factor_at=Now(), entry_id=entry.id)


@transaction.atomic
def removed(person: Person, *, by: Actor) -> None:
    """Takes the factor and its recovery codes away: she did it herself, or an admin because her phone is gone.

    Raises Conflict when there is none.
    """
    if _held(person).second_factor_at is None:
        raise Conflict(f"{person} has no second factor.")
    Authenticator.objects.filter(user=person).delete()
    entry = record("factor_removed", actor=by, kind="person", id=person.pk, detail={"factor": "totp"})
    Person.objects.filter(pk=person.pk).update(second_factor_at=None, entry_id=entry.id)


@transaction.atomic
def codes_made(person: Person, *, by: Actor) -> None:
    """She has new recovery codes; those before open nothing any more."""
    _held(person)
    record("recovery_codes_made", actor=by, kind="person", id=person.pk)


@transaction.atomic
def code_used(person: Person, *, left: int, by: Actor) -> None:
    """A recovery code stood in for the app; `left` of them can still be used."""
    _held(person)
    record("recovery_code_used", actor=by, kind="person", id=person.pk, detail={"left": left})


@transaction.atomic
def signed_in(person: Person, *, by: Actor) -> None:
    """Somebody whose roles ask for a second factor has signed in; `by` says how she proved who she is."""
    _held(person)
    record("signed_in", actor=by, kind="person", id=person.pk)


def _held(person: Person) -> Person:
    return Person.objects.select_for_update().get(pk=person.pk)
