"""Low-water marks: where in a queue looking for the next item begins.

A closed seat leaves an entry behind in the queue's index until vacuum may remove it, and while any snapshot is held
open anywhere it may not: each claim would walk over everything decided since. A busy queue is therefore entered at the
first seat that was free for somebody at the last look. A mark is believed for a second; the first claims of each
second, and every claim that finds nothing behind a mark, look from the head.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

BELIEVED_SECONDS: Final = 1.0
FROM_THE_HEAD: Final = 4
STRIDE: Final = 64

Place = tuple[datetime, UUID]


@dataclass(slots=True)
class Mark:
    """One queue as this process has seen it in the current second."""

    since: float
    claims: int = 0
    place: Place | None = None


_marks: dict[UUID, Mark] = {}


def believed() -> tuple[list[UUID], list[datetime], list[UUID]]:
    """The marks that hold at this moment, as three columns: queue, moment, seat."""
    now = time.monotonic()
    found = [(q, m.place) for q, m in tuple(_marks.items()) if m.place and now - m.since < BELIEVED_SECONDS]
    return [q for q, _ in found], [place[0] for _, place in found], [place[1] for _, place in found]


def due() -> list[UUID]:
    """The queues whose next claim brings along the first seat that is free for somebody: one claim of 64."""
    now = time.monotonic()
    return [q for q, m in tuple(_marks.items()) if now - m.since < BELIEVED_SECONDS and _is_due(m.claims + 1)]


def claimed_from(queue: UUID, first: Place | None = None) -> None:
    """Counts a claim; `first` is what it brought along of its queue."""
    now = time.monotonic()
    mark = _marks.get(queue)
    if mark is None or now - mark.since >= BELIEVED_SECONDS:
        mark = _marks[queue] = Mark(now)
    mark.claims += 1
    mark.place = first or mark.place


def forget() -> None:
    """Empties this process's memory of queues."""
    _marks.clear()


def _is_due(claims: int) -> bool:
    return claims == FROM_THE_HEAD or (claims > FROM_THE_HEAD and claims % STRIDE == 0)
