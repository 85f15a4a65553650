"""Who may do what: one table of role × verb. Doors, docs and the route test are made from it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from governance.models import Person, Role, System
from governance.refusals import NotAllowed, NotFound

# verb: (the roles that may, the sentence for a person who may not)
VERBS: Final[dict[str, frozenset[str]]] = {
    "review items": frozenset({"reviewer", "lead"}),
    "adjudicate": frozenset({"lead"}),
    "lead the queue": frozenset({"lead"}),
    "see the queue": frozenset({"reviewer", "lead", "owner"}),
    "see history": frozenset({"reviewer", "lead", "owner", "approver", "auditor", "admin"}),
    "see everybody's decisions": frozenset({"lead", "owner", "approver", "auditor"}),
    "see outputs": frozenset({"reviewer", "lead", "owner", "approver", "auditor", "engineer"}),
    "see personal data": frozenset({"reviewer", "lead", "auditor"}),
    "see evidence": frozenset({"owner", "approver", "auditor", "admin"}),
    "take evidence away": frozenset({"auditor"}),
    "erase outputs": frozenset({"owner", "admin"}),
    "see the system": frozenset({"reviewer", "lead", "owner", "approver", "auditor", "engineer", "admin"}),
    "see tuning": frozenset({"lead", "owner", "approver", "auditor"}),
    "see incidents": frozenset({"lead", "owner", "approver", "auditor", "engineer"}),
    "open an incident": frozenset({"lead", "owner", "approver", "auditor", "engineer"}),
    "work on an incident": frozenset({"lead", "owner"}),
    "describe a system": frozenset({"owner", "admin"}),
    "propose a policy": frozenset({"owner"}),
    "replay a policy": frozenset({"owner", "approver", "lead"}),
    "discuss a policy": frozenset({"owner", "approver", "lead", "auditor"}),
    "sign a policy": frozenset({"approver", "owner"}),
    "activate a policy": frozenset({"approver", "owner"}),
    "restore a policy": frozenset({"approver", "owner", "lead"}),
    "halt a system": frozenset({"lead", "owner", "approver", "engineer", "admin"}),
    "lift a halt": frozenset({"approver"}),
    "pin an example": frozenset({"lead", "owner", "approver"}),
    "drop an example": frozenset({"lead", "approver"}),
    "admit a model": frozenset({"approver"}),
    "bar a model": frozenset({"lead", "owner", "approver"}),
    "supersede a decision": frozenset({"lead"}),
    "manage webhooks": frozenset({"engineer", "admin"}),
    "manage keys": frozenset({"engineer", "admin"}),
    "manage people": frozenset({"admin"}),
}

# Who may do the most harm with somebody else's password: a second factor is asked of them.
PRIVILEGED: Final = frozenset({"approver", "auditor", "admin"})


def with_roles(person: Person, held: Sequence[Role]) -> Person:
    """The person with these roles, which were read already, as if they had been prefetched."""
    known = Role.objects.filter(person=person)
    known._result_cache = list(held)
    person._prefetched_objects_cache = {"roles": known}  # type: ignore[attr-defined]
    return person


def roles_of(person: Person, system: System | UUID | None) -> frozenset[str]:
    """The roles a person has in a system, those she has everywhere included; with no system, all she has anywhere."""
    id = system.pk if isinstance(system, System) else system
    return frozenset(role.name for role in person.roles.all() if id is None or role.system_id in (None, id))


def may(person: Person, verb: str, system: System | UUID | None = None) -> bool:
    """Whether one of the person's roles allows the verb in the system (anywhere, when none is given)."""
    return person.is_active and bool(VERBS[verb] & roles_of(person, system))


def is_privileged(person: Person) -> bool:
    """Whether one of the person's roles asks for a second factor."""
    return bool(PRIVILEGED & roles_of(person, None))


def systems_for(person: Person, verb: str) -> set[UUID] | None:
    """The ids of the systems in which the person may do the verb; None means all."""
    grants = [role for role in person.roles.all() if role.name in VERBS[verb]]
    if any(role.system_id is None for role in grants):
        return None
    return {role.system_id for role in grants if role.system_id is not None}


def require(person: Person, verb: str, system: System) -> None:
    """Raises NotFound to whoever may not know of the system at all, NotAllowed to whoever may only not do this."""
    if may(person, verb, system):
        return
    if not roles_of(person, system):
        raise NotFound("There is nothing here.")
    raise NotAllowed(f"To {verb} you need to be {_either(sorted(VERBS[verb]))} of {system.name}.")


def _either(names: list[str]) -> str:
    with_article = [f"an {name}" if name[0] in "aeiou" else f"a {name}" for name in names]
    return with_article[0] if len(names) == 1 else f"{', '.join(with_article[:-1])} or {with_article[-1]}"
