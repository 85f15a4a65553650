"""Who takes items: a person, where she may review and where she leads, as her actor says it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from governance.models import Person
from governance.people import roles
from governance.people.actors import Actor
from governance.refusals import NotAllowed


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person with the ids of the systems in which she reviews and of those in which she leads; None means all."""

    actor: Actor
    person: Person
    systems: list[UUID] | None
    leads: list[UUID] | None

    def actor_in(self, system: UUID) -> Actor:
        """Her actor with the roles that count in this system, as evidence names it."""
        return replace(self.actor, roles=tuple(sorted(roles.roles_of(self.person, system))))

    def reviews(self, system: UUID) -> bool:
        return self.systems is None or system in self.systems


def reviewer(actor: Actor) -> Reviewer:
    """The reviewer that an actor is. Raises NotAllowed for programs and for people who review nowhere."""
    if actor.person is None:
        raise NotAllowed("Only people review: this key acts for nobody.")
    found = Reviewer(
        actor,
        actor.person,
        _systems(actor, actor.person, "review items"),
        _systems(actor, actor.person, "adjudicate"),
    )
    if not actor.person.is_active or found.systems == []:
        raise NotAllowed("To review items you need to be a lead or a reviewer.")
    return found


def _systems(actor: Actor, person: Person, verb: str) -> list[UUID] | None:
    allowed = roles.systems_for(person, verb)
    if actor.key is None:
        return None if allowed is None else sorted(allowed)
    own = actor.key.system_id
    return [own] if allowed is None or own in allowed else []
