"""Who else acts when a policy comes into force or a system file is applied. Reviews registers itself here when the
program starts, since governance does not know of it; each is called in the transaction of the step."""

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from governance.models import PolicyVersion, System
from governance.people.actors import Actor
from governance.policies.systemfile import SystemFile

InForceFollower = Callable[[PolicyVersion, UUID], None]
"""Given the version that is now in force and the id of the entry that says so."""
AppliedFollower = Callable[[System, SystemFile, Actor], Iterable[str]]
"""Given the system, its file and who applied it; answers with a line for each thing it changed."""

_in_force: Final[list[InForceFollower]] = []
_applied: Final[list[AppliedFollower]] = []


def on_in_force(follower: InForceFollower) -> None:
    """Registers what follows a policy's coming into force; twice is once."""
    if follower not in _in_force:
        _in_force.append(follower)


def on_applied(follower: AppliedFollower) -> None:
    """Registers what else a system file says (its webhooks); twice is once."""
    if follower not in _applied:
        _applied.append(follower)


def tell_in_force(version: PolicyVersion, entry: UUID) -> None:
    for follower in _in_force:
        follower(version, entry)


def tell_applied(system: System, file: SystemFile, by: Actor) -> list[str]:
    return [line for follower in _applied for line in follower(system, file, by)]
