"""What flows through a queue: how much waits, what came and went by the hour, and how long a new item will wait."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.worktime import Calendar
from reviews.routing.forecast import Wait, empties_in, expected_wait
from reviews.routing.rulebook import rulebook

MOST: Final = 1_000  # what is before an item is counted up to here
HOURS: Final = 12
BELIEVED_SECONDS: Final = 5.0

# The newest closings: their number and the time they took say how fast the queue goes now.
_PACE: Final = """
SELECT q.id, y.in_force_id, statement_timestamp(),
       (SELECT count(*) FROM (SELECT FROM reviews_seat s WHERE s.queue_id = q.id AND s.closed_at IS NULL
                              LIMIT %(most)s) w),
       d.done, d.since
FROM reviews_queue q JOIN governance_system y ON y.id = q.system_id
CROSS JOIN LATERAL (
    SELECT count(*) AS done, min(c.closed_at) AS since FROM (
        SELECT i.closed_at FROM reviews_item i
        WHERE i.queue_id = q.id AND i.state = 'closed' AND i.closed_at > statement_timestamp() - interval '24 h'
        ORDER BY i.closed_at DESC LIMIT 200) c
) d
WHERE q.system_id = %(system)s AND q.slug = %(slug)s
"""
_AHEAD: Final = """
SELECT count(*) FROM (
    SELECT FROM reviews_seat s JOIN (
        SELECT queue_id, urgent_at, id FROM reviews_seat
        WHERE item_id = %s AND closed_at IS NULL ORDER BY urgent_at, id LIMIT 1
    ) own ON own.queue_id = s.queue_id AND (s.urgent_at, s.id) < (own.urgent_at, own.id)
    WHERE s.closed_at IS NULL LIMIT %s) a
"""
_HOURLY: Final = """
SELECT h.at,
       (SELECT count(*) FROM reviews_item i WHERE i.queue_id = %(queue)s AND i.created_at >= h.at
          AND i.created_at < h.at + interval '1 h'),
       (SELECT count(*) FROM reviews_item i WHERE i.queue_id = %(queue)s AND i.state = 'closed'
          AND i.closed_at >= h.at AND i.closed_at < h.at + interval '1 h')
FROM generate_series(date_trunc('hour', statement_timestamp()) - make_interval(hours => %(hours)s - 1),
                     date_trunc('hour', statement_timestamp()), interval '1 h') AS h (at)
ORDER BY h.at
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a queue goes: what waits (up to 1,000), and the decisions of the time before `now`."""

    now: datetime
    waiting: int
    done: int
    within: timedelta
    calendar: Calendar | None

    def wait(self, ahead: int) -> Wait | None:
        """The wait of an item with so many before it; None when too little is known."""
        return expected_wait(ahead, done=self.done, within=self.within, now=self.now, calendar=self.calendar)


@dataclass(frozen=True, slots=True)
class Hour:
    """What came and went within the hour that begins `at`."""

    at: datetime
    came: int
    went: int


_paces: dict[tuple[UUID, str], tuple[float, Pace | None]] = {}


def pace(system: UUID, slug: str) -> Pace | None:
    """How the queue of this name goes, as of at most five seconds ago; None when nothing ever went there."""
    known = _paces.get((system, slug))
    if known is not None and time.monotonic() - known[0] < BELIEVED_SECONDS:
        return known[1]
    found = _pace(system, slug)
    _paces[system, slug] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Empties this process's memory of queues."""
    _paces.clear()


def place_of_new(system: UUID, slug: str | None) -> dict[str, Any]:
    """`position` and `expected_wait` (seconds) of an item that comes to a queue now, behind all that waits there."""
    found = pace(system, slug) if slug else None
    return told(found, found.waiting if found else 0)


def place_of(item: UUID, system: UUID, slug: str | None) -> dict[str, Any]:
    """The same of an item that waits: what is more urgent is before it."""
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [item, MOST])
        ahead = cursor.fetchone()[0]
    return told(pace(system, slug) if slug else None, ahead)


def told(of: Pace | None, ahead: int) -> dict[str, Any]:
    """A place in a queue as the API tells it; from 1,000 on the position is a floor."""
    wait = of.wait(ahead) if of else None
    seconds = {"p50": _seconds(wait.p50), "p90": _seconds(wait.p90)} if wait else None
    return {"position": ahead + 1, "expected_wait": seconds}


def hourly(queue: UUID) -> list[Hour]:
    """The last twelve hours of a queue, the present one last and not over."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURLY, {"queue": queue, "hours": HOURS})
        return [Hour(*row) for row in cursor.fetchall()]


def empty_in(of: Pace, hours: list[Hour]) -> timedelta | None:
    """When the queue is empty if the last two hours go on; None when it does not empty so."""
    last = hours[-2:]
    within = of.now - last[0].at
    if of.calendar:
        within = of.calendar.between(last[0].at, of.now)
    came, went = sum(hour.came for hour in last), sum(hour.went for hour in last)
    return empties_in(of.waiting, came=came, done=went, within=within, now=of.now, calendar=of.calendar)


def _pace(system: UUID, slug: str) -> Pace | None:
    with connection.cursor() as cursor:
        cursor.execute(_PACE, {"system": system, "slug": slug, "most": MOST})
        row = cursor.fetchone()
    if row is None:
        return None
    _, version, now, waiting, done, since = row
    calendar = rulebook(version).queue(slug).calendar
    within = timedelta(0)
    if since is not None:
        within = calendar.between(since, now) if calendar else now - since
    return Pace(now, waiting, max(done - 1, 0), within, calendar)


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())
