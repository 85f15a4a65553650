"""How a queue stands, for its lead: its most urgent items with whoever has them, and who is on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.models import Person
from reviews.models import Queue
from reviews.routing import assigning
from reviews.routing.sharing import Colleague

MOST: Final = 25

_ITEMS: Final = """
SELECT i.id, o.id, o.external_id, i.created_at, i.due_at, i.rung, i.reminded_at, i.state, i.is_blind,
       array_agg(DISTINCT a.name) FILTER (WHERE a.name IS NOT NULL),
       array_agg(DISTINCT c.name) FILTER (WHERE c.name IS NOT NULL AND s.claim_expires_at > statement_timestamp()),
       max(s.held_until) FILTER (WHERE s.held_until > statement_timestamp())
FROM (SELECT item_id, min(urgent_at) AS urgent_at FROM (
          SELECT item_id, urgent_at FROM reviews_seat WHERE queue_id = %(queue)s AND closed_at IS NULL
          ORDER BY urgent_at, id LIMIT %(seats)s) f
      GROUP BY item_id ORDER BY 2 LIMIT %(most)s) u
JOIN reviews_item i ON i.id = u.item_id
JOIN governance_output o ON o.id = i.output_id
JOIN reviews_seat s ON s.item_id = i.id AND s.closed_at IS NULL
LEFT JOIN governance_person a ON a.id = s.assigned_to_id
LEFT JOIN governance_person c ON c.id = s.claimed_by_id
GROUP BY i.id, o.id, u.urgent_at ORDER BY u.urgent_at, i.id
"""
_COUNTS: Final = """
SELECT statement_timestamp(), count(*), count(*) FILTER (WHERE due_at < statement_timestamp()), min(created_at),
       min(due_at)
FROM (SELECT created_at, due_at FROM reviews_item WHERE queue_id = %(queue)s AND state <> 'closed'
      ORDER BY due_at LIMIT 1000) o
"""
_TODAY: Final = """
SELECT d.person_id, count(*) FROM reviews_decision d JOIN reviews_item i ON i.id = d.item_id
WHERE d.system_id = %(system)s AND i.queue_id = %(queue)s AND d.undone_at IS NULL
  AND d.decided_at > statement_timestamp() - interval '8 h' AND d.person_id = ANY(%(people)s)
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """An item of a queue and who has it: `given` to whom, in whose `hands`, put off until when."""

    item: UUID
    output: UUID
    external_id: str
    created_at: datetime
    due_at: datetime
    rung: int
    reminded_at: datetime | None
    state: str
    is_blind: bool
    given: list[str] | None
    hands: list[str] | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class OnDuty:
    """A person who works in a queue: what she has been given there, how much she takes, what she decided in 8 h."""

    person: Person
    presence: str
    held: int
    most: int | None
    decided: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What is open in a queue, up to a thousand items: how many, how many late, the oldest and the next due."""

    waiting: int
    late: int
    oldest: datetime | None
    due: datetime | None


def standing(queue: Queue) -> tuple[datetime, list[Standing], list[OnDuty], Counts]:
    """PostgreSQL's time, the 25 most urgent items, everybody who reviews in the system, and the counts."""
    asked: dict[str, Any] = {"queue": queue.pk, "most": MOST, "seats": 4 * MOST, "system": queue.system_id}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, asked)
        now, *counts = cursor.fetchone()
        cursor.execute(_ITEMS, asked)
        items = [Standing(*row) for row in cursor.fetchall()]
        team = [her for her in assigning.colleagues(now) if her.systems is None or queue.system_id in her.systems]
        cursor.execute(_TODAY, {**asked, "people": [her.id for her in team]})
        decided = dict(cursor.fetchall())
    people = Person.objects.in_bulk([her.id for her in team])
    on = [_on_duty(people[her.id], her, queue, decided.get(her.id, 0)) for her in team]
    on.sort(key=lambda each: (each.presence != "there", each.person.name))
    return now, items, on, Counts(*counts)


def _on_duty(person: Person, her: Colleague, queue: Queue, decided: int) -> OnDuty:
    return OnDuty(person, her.presence, her.held.get(queue.pk, 0), her.most.get(queue.pk), decided)
