"""Who gets what: the least loaded of those who may, among them the one with the fewest skills (so that those with rare
ones stay free for what needs them), then the one who has been idle longest. Pure.

The most urgent comes first. Nobody gets more than her capacity; what nobody may take now waits for the next look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

WHY_NOT: Final = {
    "system": "does not review in this system",
    "lead": "it waits for a lead",
    "conflict": "has an interest in it, or judged it before",
    "passed": "has passed it on",
    "skill": "lacks a skill that it takes",
    "paused": "has paused",
    "off": "has time off",
    "out": "is not in working hours",
    "full": "has no room for more",
}


@dataclass(slots=True)
class Work:
    """A seat that somebody is to get. `barred` are those with an interest, `passed` those who have passed it on."""

    seat: UUID
    item: UUID
    system: UUID
    queue: UUID
    skills: frozenset[str]
    is_for_lead: bool
    barred: Collection[UUID] = frozenset()
    passed: Collection[UUID] = frozenset()
    likes: UUID | None = None
    assigned_to: UUID | None = None


@dataclass(slots=True)
class Colleague:
    """Somebody who takes items. Systems: None means all. `presence` is `there`, `paused`, `off` or `out`.

    `held` counts what she has been given and not decided, by queue; `most` her capacity there. `idle_since` is when she
    last got or decided something.
    """

    id: UUID
    systems: Collection[UUID] | None
    leads: Collection[UUID] | None
    skills: Mapping[UUID, frozenset[str]]
    presence: str
    held: dict[UUID, int]
    most: Mapping[UUID, int]
    idle_since: datetime
    has: set[UUID] = field(default_factory=set)

    @property
    def load(self) -> int:
        return sum(self.held.values())

    @property
    def breadth(self) -> int:
        return sum(len(skills) for skills in self.skills.values())


def why_not(work: Work, her: Colleague) -> str | None:
    """The first thing that stands against giving her this seat (a key of `WHY_NOT`); None when nothing does."""
    against = (
        ("system", her.systems is not None and work.system not in her.systems),
        ("lead", work.is_for_lead and not (her.leads is None or work.system in her.leads)),
        ("conflict", her.id in work.barred or work.item in her.has),
        ("passed", her.id in work.passed),
        ("skill", not work.skills <= her.skills.get(work.system, frozenset())),
        (her.presence, her.presence != "there"),
        ("full", her.held.get(work.queue, 0) >= her.most.get(work.queue, 0)),
    )
    return next((name for name, holds in against if holds), None)


def share_out(work: Sequence[Work], people: Sequence[Colleague], now: datetime) -> list[tuple[Work, Colleague]]:
    """Who gets each seat, in the order of the seats; those that nobody may take now are left out.

    The loads of `people` are brought up to date on the way.
    """
    given: list[tuple[Work, Colleague]] = []
    for each in work:
        may = [her for her in people if why_not(each, her) is None and her.id != each.assigned_to]
        if not may:
            continue
        liked = [her for her in may if her.id == each.likes]
        her = liked[0] if liked else min(may, key=lambda p: (p.load, p.breadth, p.idle_since, p.id))
        _give(each, her, people, now)
        given.append((each, her))
    return given


def _give(work: Work, her: Colleague, people: Sequence[Colleague], now: datetime) -> None:
    her.held[work.queue] = her.held.get(work.queue, 0) + 1
    her.idle_since = now
    her.has.add(work.item)
    for before in people:
        if before.id == work.assigned_to:
            before.held[work.queue] -= 1
            before.has.discard(work.item)
