"""Erasing a person: her name and address go, her account ends; her pseudonym stays in every entry that she made."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction

from governance.evidence import erasing
from governance.evidence.erasing import Why
from governance.models import Person
from governance.people.actors import Actor
from governance.refusals import Conflict

ERASED_NAME = "Erased person"
_NOWHERE = "@invalid.invalid"


def is_erased(person: Person) -> bool:
    return person.email.endswith(_NOWHERE)


@transaction.atomic
def erase_person(person: Person, *, by: Actor, because: str, why: Why = "request") -> None:
    """Ends the account and forgets who it was. Raises Conflict when that was done already, Invalid without a reason."""
    locked = Person.objects.select_for_update().get(pk=person.pk)
    if is_erased(locked):
        raise Conflict("This person was erased already.")
    entry = erasing.erase([locked.pk], kind="person", id=locked.pk, system=None, by=by, why=why, because=because)
    EmailAddress.objects.filter(user=locked).delete()
    Authenticator.objects.filter(user=locked).delete()
    locked.set_unusable_password()
    locked.name, locked.email, locked.is_active = ERASED_NAME, f"erased-{locked.pk}{_NOWHERE}", False
    locked.entry_id, locked.second_factor_at = entry.id, None
    locked.save(update_fields=["name", "email", "password", "is_active", "second_factor_at", "entry"])
