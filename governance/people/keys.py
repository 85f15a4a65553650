"""API keys: made, shown once, kept as a hash, revoked."""

import hashlib
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import record
from governance.models import ApiKey, Person, System
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid

NEED_A_PERSON = frozenset({"reviews:write", "policies:write"})


def digest_of(secret: str) -> str:
    """The SHA-256 of a key, in hex: a key has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create(
    name: str, *, system: System, scopes: Sequence[str], by: Actor, person: Person | None = None
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can read again. Raises Invalid for a scope that is unknown or needs a
    person."""
    unknown = sorted(set(scopes) - set(ApiKey.SCOPES))
    if unknown or not scopes:
        raise Invalid(f"There is no scope {', '.join(unknown)}." if unknown else "A key needs at least one scope.")
    if person is None and NEED_A_PERSON & set(scopes):
        raise Invalid(f"{' and '.join(sorted(NEED_A_PERSON & set(scopes)))} acts for a person: name one.")
    secret = f"cs_{secrets.token_urlsafe(32)}"
    id = clock.new_id()
    entry = record(
        "key_created", actor=by, kind="key", id=id, system=system.pk,
        detail={"scopes": sorted(set(scopes)), "person": str(person.pk) if person else None, "system": system.slug},
        payloads={"name": name.encode()},
    )  # fmt: skip
    key = ApiKey.objects.create(
        id=id, name=name, system=system, person=person, prefix=secret[:9], digest=digest_of(secret),
        scopes=sorted(set(scopes)), entry_id=entry.id,
    )  # fmt: skip
    return key, secret


@transaction.atomic
def revoke(key: ApiKey, *, by: Actor) -> None:
    """Ends a key at once. Raises Conflict when it had ended already."""
    ApiKey.objects.select_for_update().get(pk=key.pk)
    entry = record("key_revoked", actor=by, kind="key", id=key.pk, system=key.system_id)
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now(), entry_id=entry.id):
        raise Conflict("That key was revoked already.")
