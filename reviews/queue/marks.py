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

from django.db import connection

BELIEVED_SECONDS: Final = 1.0
FROM_THE_HEAD: Final = 4
STRIDE: Final = 64

_FIRST: Final = """
SELECT s.urgent_at, s.id FROM reviews_seat s
WHERE s.queue_id = %s AND (s.urgent_at, s.id) >= (coalesce(%s::timestamptz, '-infinity'), %s::uuid)
  AND s.closed_at IS NULL
  AND (s.claim_expires_at IS NULL OR s.claim_expires_at <= statement_timestamp())
  AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())
ORDER BY s.urgent_at, s.id LIMIT 1
"""
_START: Final = UUID(int=0)

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


def claimed_from(queue: UUID) -> None:
    """Counts a claim, and looks where the next should begin when it is time to. At most a query for 64 claims."""
    now = time.monotonic()
    mark = _marks.get(queue)
    if mark is None or now - mark.since >= BELIEVED_SECONDS:
        mark = _marks[queue] = Mark(now)
    mark.claims += 1
    if mark.claims == FROM_THE_HEAD or (mark.claims > FROM_THE_HEAD and mark.claims % STRIDE == 0):
        mark.place = _first(queue, mark.place)


def forget() -> None:
    """Empties this process's memory of queues."""
    _marks.clear()


def _first(queue: UUID, place: Place | None) -> Place | None:
    moment, seat = place or (None, _START)
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [queue, moment, seat])
        found: Place | None = cursor.fetchone()
    return found
