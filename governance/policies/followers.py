"""What else a system file says than governance knows of. Reviews registers itself here when the program starts, and is
called in the transaction of the step."""

from collections.abc import Callable, Iterable
from typing import Final

from governance.models import System
from governance.people.actors import Actor
from governance.policies.systemfile import SystemFile

AppliedFollower = Callable[[System, SystemFile, Actor], Iterable[str]]
"""Given the system, its file and who applied it; answers with a line for each thing it changed."""

_applied: Final[list[AppliedFollower]] = []


def on_applied(follower: AppliedFollower) -> None:
    """Registers what makes another part of a system file true (its webhooks); twice is once."""
    if follower not in _applied:
        _applied.append(follower)


def tell_applied(system: System, file: SystemFile, by: Actor) -> list[str]:
    """The lines of all that follow."""
    return [line for follower in _applied for line in follower(system, file, by)]
