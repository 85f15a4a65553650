"""Who acts. An Actor is an argument of every verb, never a thread-local."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from governance.models import ApiKey, Person


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a policy or a machine, as the log names it: by pseudonym, roles and how it proved who it is."""

    kind: str  # person | policy | machine
    id: str
    roles: tuple[str, ...] = ()
    auth: str = "none"  # totp | webauthn | recovery_codes | password | key | console | none
    person: Person | None = None
    key: ApiKey | None = None

    @property
    def is_simulated(self) -> bool:
        return self.person is not None and self.person.is_simulated

    def as_json(self) -> dict[str, Any]:
        """The actor's part of a leaf."""
        actor: dict[str, Any] = {"kind": self.kind, "id": self.id, "roles": list(self.roles), "auth": self.auth}
        if self.is_simulated:
            actor["simulated"] = True
        return actor


def person(person: Person, *, system: UUID | None = None, auth: str = "password") -> Actor:
    """The actor that a signed-in person is, with the roles she has in `system` (or anywhere)."""
    roles = sorted({role.name for role in person.roles.all() if system is None or role.system_id in (None, system)})
    return Actor("person", str(person.pk), tuple(roles), auth, person=person)


def key(key: ApiKey) -> Actor:
    """The actor behind an API key: the person it acts for, else the producer itself."""
    if key.person is None:
        return Actor("machine", str(key.pk), ("producer",), "key", key=key)
    actor = person(key.person, system=key.system_id, auth="key")
    return Actor(actor.kind, actor.id, actor.roles, "key", person=key.person, key=key)


def policy(slug: str, number: int) -> Actor:
    """The policy version that decided by itself."""
    return Actor("policy", f"{slug}/{number}")


def machine(name: str, *, auth: str = "none") -> Actor:
    """A part of the program: `router`, `delivery`, or `console` for whoever has a shell on the host."""
    return Actor("machine", name, auth=auth)


CONSOLE = machine("console", auth="console")
