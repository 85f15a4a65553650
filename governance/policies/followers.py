"""What else a system file says, and a policy does, than governance knows of. Reviews registers itself here when the
program starts, and is called in the transaction of the step."""

from collections.abc import Callable, Iterable
from typing import Final

from governance.models import PolicyVersion, System
from governance.people.actors import Actor
from governance.policies.systemfile import SystemFile

AppliedFollower = Callable[[System, SystemFile, Actor], Iterable[str]]
"""Given the system, its file and who applied it; answers with a line for each thing it changed."""

RetimingFollower = Callable[[PolicyVersion], int]
"""Given a version, how many open items would be due, or take their next step, at another time once it is in force."""

_retiming: Final[list[RetimingFollower]] = []
_applied: Final[list[AppliedFollower]] = []


def on_applied(follower: AppliedFollower) -> None:
    """Registers what makes another part of a system file true (its webhooks); twice is once."""
    if follower not in _applied:
        _applied.append(follower)


def tell_applied(system: System, file: SystemFile, by: Actor) -> list[str]:
    """The lines of all that follow."""
    return [line for follower in _applied for line in follower(system, file, by)]


def on_retiming(follower: RetimingFollower) -> None:
    """Registers who knows what waits; twice is once."""
    if follower not in _retiming:
        _retiming.append(follower)


def would_retime(version: PolicyVersion) -> int:
    """How many open items the version would time anew if it were put in force now."""
    return sum(follower(version) for follower in _retiming)
