"""What waits, queue by queue: bounded counts, so that a queue of a million costs what one of two hundred does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.people.actors import Actor
from reviews.queue.reviewers import reviewer
from reviews.queue.statements import _MY, _OFFERED, compact

MOST: Final = 200
MOST_REMINDED: Final = 20

_WAITING: Final = compact(f"""
WITH my AS MATERIALIZED ({_MY})
SELECT q.id, y.slug, y.name, q.slug, q.mode, w.count, w.oldest, w.due, statement_timestamp()
FROM my JOIN reviews_queue q ON q.id = my.id JOIN governance_system y ON y.id = q.system_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT f.item_id) AS count, min(f.created_at) AS oldest, min(f.due_at) AS due
    FROM (
        SELECT s.item_id, i.created_at, i.due_at
        FROM reviews_seat s JOIN reviews_item i ON i.id = s.item_id
        WHERE s.queue_id = my.id AND {_OFFERED}
        ORDER BY s.urgent_at, s.id LIMIT %(most)s
    ) f
) w
ORDER BY y.slug, q.slug
""")  # noqa: S608  only constants
# The same for somebody who looks on: every open seat counts, whoever may take it.
_ALL: Final = """
SELECT q.id, y.slug, y.name, q.slug, q.mode, w.count, w.oldest, w.due, statement_timestamp()
FROM reviews_queue q JOIN governance_system y ON y.id = q.system_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT f.item_id) AS count, min(f.created_at) AS oldest, min(f.due_at) AS due
    FROM (
        SELECT s.item_id, i.created_at, i.due_at
        FROM reviews_seat s JOIN reviews_item i ON i.id = s.item_id
        WHERE s.queue_id = q.id AND s.closed_at IS NULL
        ORDER BY s.urgent_at, s.id LIMIT %(most)s
    ) f
) w
WHERE %(systems)s::uuid[] IS NULL OR q.system_id = ANY(%(systems)s::uuid[])
ORDER BY y.slug, q.slug
"""
_MINE: Final = """
SELECT s.item_id, y.slug, q.slug, s.is_soft, s.claim_expires_at, i.due_at, i.is_blind
FROM reviews_seat s
JOIN reviews_item i ON i.id = s.item_id
JOIN reviews_queue q ON q.id = s.queue_id
JOIN governance_system y ON y.id = s.system_id
WHERE s.claimed_by_id = %s AND s.closed_at IS NULL AND s.claim_expires_at > statement_timestamp()
ORDER BY s.is_soft, s.claim_expires_at
"""

_HELD: Final = """
SELECT s.item_id, y.slug, q.slug, s.held_until, i.due_at
FROM reviews_seat s
JOIN reviews_item i ON i.id = s.item_id
JOIN reviews_queue q ON q.id = s.queue_id
JOIN governance_system y ON y.id = s.system_id
WHERE s.held_by_id = %s AND s.closed_at IS NULL AND s.held_until > statement_timestamp()
  AND (%s::uuid[] IS NULL OR s.system_id = ANY(%s::uuid[]))
ORDER BY s.held_until LIMIT %s
"""
# Nothing is sent that could be lost: who has it, and that it was time to say so, are facts of the rows.
_REMINDED: Final = """
SELECT s.item_id, y.slug, q.slug, i.due_at, i.reminded_at,
       coalesce(s.claimed_by_id = %(me)s AND s.claim_expires_at > statement_timestamp(), false)
FROM reviews_seat s
JOIN reviews_item i ON i.id = s.item_id
JOIN reviews_queue q ON q.id = s.queue_id
JOIN governance_system y ON y.id = s.system_id
WHERE s.closed_at IS NULL AND i.state <> 'closed' AND i.reminded_at IS NOT NULL
  AND (s.claimed_by_id = %(me)s AND s.claim_expires_at > statement_timestamp()
       OR s.assigned_to_id = %(me)s
       OR s.held_by_id = %(me)s AND s.held_until > statement_timestamp())
  AND (%(systems)s::uuid[] IS NULL OR s.system_id = ANY(%(systems)s::uuid[]))
ORDER BY i.due_at, s.id LIMIT %(most)s
"""
_REMINDED_LEADS: Final = """
SELECT q.id, y.slug, q.slug, count(*), min(i.due_at)
FROM reviews_item i JOIN reviews_queue q ON q.id = i.queue_id JOIN governance_system y ON y.id = i.system_id
WHERE i.state <> 'closed' AND i.reminded_at IS NOT NULL
  AND (%(leads)s::uuid[] IS NULL OR i.system_id = ANY(%(leads)s::uuid[]))
GROUP BY q.id, y.slug, q.slug ORDER BY min(i.due_at) LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue and what of it a person may take. `oldest` and `due` are of its most urgent items; counts stop at 200."""

    queue: UUID
    system: str
    system_name: str
    slug: str
    mode: str
    count: int
    is_capped: bool
    oldest: datetime | None
    due: datetime | None
    now: datetime

    @property
    def is_late(self) -> bool:
        return self.due is not None and self.due < self.now


@dataclass(frozen=True, slots=True)
class InHand:
    """An item that a person has claimed; a soft one is only kept ready for her."""

    item: UUID
    system: str
    queue: str
    is_soft: bool
    expires_at: datetime
    due_at: datetime
    is_blind: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An item that a person has put off: nobody is offered it before `until`, unless it is taken back."""

    item: UUID
    system: str
    queue: str
    until: datetime
    due_at: datetime

    @property
    def is_late(self) -> bool:
        """Whether it will be due while it is held."""
        return self.due_at < self.until


@dataclass(frozen=True, slots=True)
class Reminded:
    """A late item of which whoever has it was reminded."""

    item: UUID
    system: str
    queue: str
    due_at: datetime
    at: datetime
    is_in_hand: bool


@dataclass(frozen=True, slots=True)
class LateQueue:
    """How many open items of a queue reminders were given of, and since when the oldest is due."""

    queue: UUID
    system: str
    slug: str
    count: int
    due_at: datetime


def what_waits(actor: Actor) -> list[Waiting]:
    """Every queue this person reviews in, with what she may take of it now. Raises NotAllowed."""
    who = reviewer(actor)
    # An item for two people has two seats, of which she may take one.
    asked = {"me": who.person.pk, "systems": who.systems, "leads": who.leads, "most": 2 * MOST + 1}
    return [_waiting(row) for row in _rows(_WAITING, asked)]


def all_waiting(systems: set[UUID] | None) -> list[Waiting]:
    """Every queue of these systems (None: all) with everything open in it, for whoever may see the queue only."""
    return [
        _waiting(row)
        for row in _rows(_ALL, {"systems": None if systems is None else list(systems), "most": 2 * MOST + 1})
    ]


def in_hand(actor: Actor) -> list[InHand]:
    """What this person has claimed, the one in hand first. Raises NotAllowed."""
    return [InHand(*row) for row in _rows(_MINE, [reviewer(actor).person.pk])]


def put_off(actor: Actor) -> list[Held]:
    """What this person holds, what comes back first first; at most 200. Raises NotAllowed."""
    who = reviewer(actor)
    return [Held(*row) for row in _rows(_HELD, [who.person.pk, who.systems, who.systems, MOST])]


def reminded(actor: Actor) -> list[Reminded]:
    """What this person has in hand, was given, or holds, and was reminded of since it is late, the longest late first;
    at most 20. Raises NotAllowed."""
    who = reviewer(actor)
    asked = {"me": who.person.pk, "systems": who.systems, "most": MOST_REMINDED}
    return [Reminded(*row) for row in _rows(_REMINDED, asked)]


def reminded_leads(actor: Actor) -> list[LateQueue]:
    """The queues she leads in which somebody was reminded of what is still open; at most 20. Raises NotAllowed."""
    who = reviewer(actor)
    if who.leads is not None and not who.leads:
        return []
    return [LateQueue(*row) for row in _rows(_REMINDED_LEADS, {"leads": who.leads, "most": MOST_REMINDED})]


def _waiting(row: tuple[Any, ...]) -> Waiting:
    queue, system, name, slug, mode, count, oldest, due, now = row
    return Waiting(queue, system, name, slug, mode, min(count, MOST), count > MOST, oldest, due, now)


def _rows(statement: str, asked: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
