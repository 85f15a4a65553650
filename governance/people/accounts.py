"""Accounts: a person arrives, gets and loses roles and skills, leaves. Each step is an entry in the log."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from governance import clock
from governance.evidence.leaf import time_text
from governance.evidence.record import record
from governance.models import Person, Role, Skill, System
from governance.models.people import ROLE_NAMES
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid, NotAllowed


@transaction.atomic
def create(
    email: str, *, name: str, by: Actor, password: str | None = None,
    roles: Iterable[tuple[str, System | None]] = (), is_simulated: bool = False,
) -> Person:  # fmt: skip
    """A new person with her roles. Raises Conflict when the address is taken, Invalid for an unknown role."""
    if Person.objects.filter(email__iexact=email).exists():
        raise Conflict(f"{email} has an account already.")
    id = clock.new_id()
    entry = record(
        "person_created", actor=by, kind="person", id=id,
        payloads={"email": email.encode(), "name": name.encode()}, detail={"simulated": is_simulated},
    )  # fmt: skip
    person = Person.objects.create_user(email, password, id=id, name=name, is_simulated=is_simulated, entry_id=entry.id)
    for role, system in roles:
        grant_role(person, role, system=system, by=by)
    return person


@transaction.atomic
def grant_role(person: Person, name: str, *, system: System | None, by: Actor) -> Role:
    """Gives the person a role in one system, or in all when `system` is None. Giving it twice changes nothing.

    Raises Invalid for an unknown role, NotAllowed to whoever would give it to herself.
    """
    if by.person is not None and by.person.pk == person.pk:
        raise NotAllowed("Nobody gives herself a role: another administrator has to.")
    return _give(person, name, system=system, by=by)


def own(system: System, *, by: Actor) -> None:
    """Makes the person who has just registered the system its owner."""
    if by.person is not None:
        _give(by.person, "owner", system=system, by=by)


def _give(person: Person, name: str, *, system: System | None, by: Actor) -> Role:
    if name not in ROLE_NAMES:
        raise Invalid(f"There is no role {name}. The roles are {', '.join(ROLE_NAMES)}.")
    held = Role.objects.filter(person=person, name=name, system=system).first()
    if held:
        return held
    Person.objects.select_for_update().get(pk=person.pk)
    entry = record(
        "role_granted", actor=by, kind="person", id=person.pk, system=system.pk if system else None,
        detail={"role": name, "system": system.slug if system else None},
    )  # fmt: skip
    return Role.objects.create(person=person, name=name, system=system, entry_id=entry.id)


@transaction.atomic
def revoke_role(role: Role, *, by: Actor) -> None:
    """Takes a role away. Raises Conflict when it was gone already."""
    Person.objects.select_for_update().get(pk=role.person_id)
    gone, _ = Role.objects.filter(pk=role.pk).delete()
    if not gone:
        raise Conflict("That role was taken away already.")
    record(
        "role_revoked", actor=by, kind="person", id=role.person_id, system=role.system_id,
        detail={"role": role.name, "system": role.system.slug if role.system else None},
    )  # fmt: skip


@transaction.atomic
def grant_skill(
    person: Person, name: str, *, system: System, by: Actor, expires_at: datetime | None = None
) -> Skill:  # fmt: skip
    """Vouches that the person is qualified for `name` in the system, until then. The same twice changes nothing."""
    Person.objects.select_for_update().get(pk=person.pk)
    held = Skill.objects.filter(person=person, name=name, system=system).first()
    if held and held.expires_at == expires_at:
        return held
    entry = record(
        "skill_granted", actor=by, kind="person", id=person.pk, system=system.pk,
        detail={"skill": name, "system": system.slug, "expires_at": time_text(expires_at) if expires_at else None},
    )  # fmt: skip
    skill, _ = Skill.objects.update_or_create(
        person=person, name=name, system=system, defaults={"expires_at": expires_at, "entry_id": entry.id}
    )
    return skill


@transaction.atomic
def revoke_skill(skill: Skill, *, by: Actor) -> None:
    """Takes a skill away. Raises Conflict when it was gone already."""
    Person.objects.select_for_update().get(pk=skill.person_id)
    gone, _ = Skill.objects.filter(pk=skill.pk).delete()
    if not gone:
        raise Conflict("That skill was taken away already.")
    record(
        "skill_revoked", actor=by, kind="person", id=skill.person_id, system=skill.system_id,
        detail={"skill": skill.name, "system": skill.system.slug},
    )  # fmt: skip


@transaction.atomic
def deactivate(person: Person, *, by: Actor) -> None:
    """Ends the person's access. Raises Conflict when it had ended already."""
    locked = Person.objects.select_for_update().get(pk=person.pk)
    if not locked.is_active:
        raise Conflict(f"{locked} has no access any more.")
    entry = record("person_deactivated", actor=by, kind="person", id=person.pk)
    Person.objects.filter(pk=person.pk).update(is_active=False, entry_id=entry.id)


@transaction.atomic
def set_keys(person: Person, keys: Mapping[str, str], *, uses_single_keys: bool, by: Actor) -> None:
    """The person's own keys of the workbench, by what they do, and whether single keys do anything at all."""
    entry = record(
        "keys_chosen", actor=by, kind="person", id=person.pk, detail={"keys": dict(keys), "single": uses_single_keys}
    )
    Person.objects.filter(pk=person.pk).update(
        desk_keys=dict(keys), uses_single_keys=uses_single_keys, entry_id=entry.id
    )


@transaction.atomic
def choose_mails(person: Person, *, unwanted: Iterable[str], by: Actor) -> None:
    """Of which kinds of notices the person wants no e-mail."""
    kinds = sorted(set(unwanted))
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    entry = record("mails_chosen", actor=by, kind="person", id=person.pk, detail={"unwanted": kinds})
    Person.objects.filter(pk=person.pk).update(unwanted_mails=kinds, entry_id=entry.id)


@transaction.atomic
def set_password(person: Person, password: str, *, by: Actor) -> None:
    """Gives the person a new password; who did it is evidence, the password is not."""
    locked = Person.objects.select_for_update().get(pk=person.pk)
    locked.set_password(password)
    locked.entry_id = record("password_set", actor=by, kind="person", id=person.pk).id
    locked.save(update_fields=["password", "entry"])
    person.password = locked.password
