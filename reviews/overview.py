"""The house at a glance, for its home page: queues, systems, one person's week. Bounded counts, a query each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from governance.models import Certificate, Incident, Person, System

MOST: Final = 1_000
RECENT: Final = 1_000
MOST_DECISIONS: Final = 2_000

# Of each queue its most urgent thousand seats; of the last day's decisions the newest, and what real people took.
_QUEUES: Final = """
SELECT q.id, y.id, y.slug, q.slug, w.waiting, w.overdue, w.due, w.audits, w.disagree, w.oldest_disagree, w.seats,
       t.median, statement_timestamp()
FROM reviews_queue q JOIN governance_system y ON y.id = q.system_id
CROSS JOIN LATERAL (
    SELECT count(*) AS seats, count(DISTINCT f.item_id) AS waiting, min(f.due_at) AS due,
           count(DISTINCT f.item_id) FILTER (WHERE f.due_at < statement_timestamp()) AS overdue,
           count(DISTINCT f.item_id) FILTER (WHERE f.purpose = 'audit' AND f.number < 3) AS audits,
           count(DISTINCT f.item_id) FILTER (WHERE f.number = 3) AS disagree,
           min(f.created_at) FILTER (WHERE f.number = 3) AS oldest_disagree
    FROM (SELECT s.item_id, s.number, i.due_at, i.created_at, i.purpose
          FROM reviews_seat s JOIN reviews_item i ON i.id = s.item_id
          WHERE s.queue_id = q.id AND s.closed_at IS NULL
          ORDER BY s.urgent_at, s.id LIMIT %(most)s) AS f) AS w
CROSS JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d.took_ms) AS median
    FROM (SELECT item_id, person_id, took_ms, undone_at FROM reviews_decision
          WHERE system_id = q.system_id AND id >= %(since)s ORDER BY id DESC LIMIT %(decisions)s) AS d
    JOIN reviews_item i ON i.id = d.item_id JOIN governance_person p ON p.id = d.person_id
    WHERE i.queue_id = q.id AND d.took_ms IS NOT NULL AND d.undone_at IS NULL AND NOT p.is_simulated) AS t
WHERE %(systems)s::uuid[] IS NULL OR q.system_id = ANY(%(systems)s::uuid[])
ORDER BY y.slug, q.slug
"""
_SYSTEMS: Final = """
SELECT y.id, count(o.lane), count(o.lane) FILTER (WHERE o.lane = 'release'),
       (array_agg(o.model ORDER BY o.id DESC))[1], (array_agg(o.model_version ORDER BY o.id DESC))[1]
FROM unnest(%(systems)s::uuid[]) AS y(id)
LEFT JOIN LATERAL (SELECT id, lane, model, model_version FROM governance_output
                   WHERE system_id = y.id AND NOT is_known_answer ORDER BY id DESC LIMIT %(recent)s) AS o ON true
GROUP BY y.id
"""
# Two people agreed when their round closed without a third; what is not closed is nobody's to know.
_WEEK: Final = """
SELECT count(*), count(*) FILTER (WHERE d.verdict = 'override' AND NOT d.is_correct),
       count(*) FILTER (WHERE d.is_paired), count(*) FILTER (WHERE d.is_paired AND NOT d.is_settled),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY d.took_ms)
FROM (SELECT d.verdict, d.is_correct, d.took_ms,
             i.state = 'closed' AND d.seat < 3 AND EXISTS (
                 SELECT FROM reviews_decision x WHERE x.item_id = d.item_id AND x.seat = 3 - d.seat
                 AND x.undone_at IS NULL) AS is_paired,
             EXISTS (SELECT FROM reviews_decision x WHERE x.item_id = d.item_id AND x.seat = 3
                     AND x.undone_at IS NULL) AS is_settled
      FROM reviews_decision d JOIN reviews_item i ON i.id = d.item_id
      WHERE d.person_id = %(me)s AND d.id >= %(since)s AND d.undone_at IS NULL
      ORDER BY d.id DESC LIMIT %(decisions)s) AS d
"""
_DEAD: Final = """
SELECT count(*), count(DISTINCT endpoint_id) FROM (
    SELECT d.endpoint_id FROM reviews_delivery d
    JOIN reviews_endpoint e ON e.id = d.endpoint_id
    WHERE d.dead_at IS NOT NULL AND e.removed_at IS NULL
      AND (%(systems)s::uuid[] IS NULL OR e.system_id = ANY(%(systems)s::uuid[])) LIMIT %(most)s) AS dead
"""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue as it stands. Counts are of items among its most urgent thousand seats; `median` is in seconds, of real
    people in the last 24 hours, None where nobody's time is known."""

    system_id: UUID
    system: str
    slug: str
    waiting: int
    overdue: int
    due: datetime | None
    audits: int
    disagreements: int
    oldest_disagreement: datetime | None
    median: float | None
    is_capped: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Alone:
    """Of a system's latest outputs, how many there are and how many went out alone; which model answered last."""

    outputs: int
    alone: int
    model: tuple[str, str] | None

    @property
    def share(self) -> int | None:
        """In millionths; None before the first output."""
        return self.alone * 1_000_000 // self.outputs if self.outputs else None


@dataclass(frozen=True, slots=True)
class Week:
    """One person's decisions since a moment. `paired` were judged by a second person too, `agreed` of them alike;
    `median` is in seconds."""

    decided: int
    changed: int
    paired: int
    agreed: int
    median: float | None


def queues(systems: Collection[UUID] | None) -> list[QueueLine]:
    """Every queue of these systems (None: of all). One query."""
    since = _first_id(timedelta(days=1))
    asked = {"systems": _list(systems), "most": MOST + 1, "decisions": MOST_DECISIONS, "since": since}
    return [_queue(row) for row in _rows(_QUEUES, asked)]


def _queue(row: tuple[Any, ...]) -> QueueLine:
    _, system_id, system, slug, waiting, overdue, due, audits, disagree, oldest, seats, median, now = row
    return QueueLine(
        system_id, system, slug, min(waiting, MOST), min(overdue, MOST), due, audits, disagree, oldest,
        None if median is None else median / 1000, seats > MOST, now,
    )  # fmt: skip


def alone(systems: Collection[System]) -> dict[UUID, Alone]:
    """What went out alone of the latest thousand outputs of each system. One query."""
    asked = {"systems": [system.pk for system in systems], "recent": RECENT}
    return {
        id: Alone(outputs, released, (model, version) if model is not None else None)
        for id, outputs, released, model, version in _rows(_SYSTEMS, asked)
    }


def certificates(systems: Collection[System]) -> dict[UUID, Certificate]:
    """The last finished look at the default threshold of each system that has one, with `is_alarmed`: whether audits
    have alarmed since. One query."""
    alarms = Incident.objects.of_audits().since(OuterRef("taken_at")).filter(system=OuterRef("system"))
    looks = Certificate.objects.finished().filter(system__in=systems, segment="")
    found = looks.annotate(is_alarmed=Exists(alarms)).defer("document")
    return {each.system_id: each for each in found.order_by("system", "-id").distinct("system")}


def week(person: Person, *, since: datetime) -> Week:
    """What this person decided since then. One query."""
    asked = {"me": person.pk, "since": first_id_of(since), "decisions": MOST_DECISIONS}
    ((decided, changed, paired, agreed, median),) = _rows(_WEEK, asked)
    return Week(decided, changed, paired, agreed, None if median is None else median / 1000)


def dead_letters(systems: Collection[UUID] | None) -> tuple[int, int]:
    """How many deliveries of these systems were given up, to a thousand, and of how many endpoints. One query."""
    ((dead, endpoints),) = _rows(_DEAD, {"systems": _list(systems), "most": MOST})
    return dead, endpoints


def first_id_of(moment: datetime) -> UUID:
    """The smallest version 7 id of that millisecond (RFC 9562, section 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _first_id(ago: timedelta) -> UUID:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return first_id_of(cursor.fetchone()[0] - ago)


def _list(systems: Collection[UUID] | None) -> list[UUID] | None:
    return None if systems is None else list(systems)


def _rows(statement: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
