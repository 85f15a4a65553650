"""A policy put in force times what waits already anew, and each item's log says so.

Found by looking, not by being told: an open item names the version whose service level it is timed by, and the work to
do is where that is not the one in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from governance.evidence.leaf import time_text
from governance.evidence.record import Draft, Subject, draft, write
from governance.models import PolicyVersion
from governance.people.actors import machine
from reviews.routing.rulebook import Rulebook, rulebook
from reviews.routing.timing import rung_under
from reviews.routing.urgency import urgent_at

TIMER: Final = machine("router")
BATCH: Final = 500
MOST_COUNTED: Final = 10_000

_OPEN: Final = "i.system_id = s.id AND i.state <> 'closed' AND i.routed_at IS NOT NULL AND i.timed_by_id"
# Two ranges and the nulls, since an index finds no "differs from".
_FIND: Final = f"""
SELECT f.id FROM governance_system s CROSS JOIN LATERAL (
    (SELECT i.id FROM reviews_item i WHERE {_OPEN} < s.in_force_id LIMIT %(limit)s)
    UNION ALL (SELECT i.id FROM reviews_item i WHERE {_OPEN} > s.in_force_id LIMIT %(limit)s)
    UNION ALL (SELECT i.id FROM reviews_item i WHERE {_OPEN} IS NULL LIMIT %(limit)s)
) f WHERE s.in_force_id IS NOT NULL LIMIT %(limit)s
"""  # noqa: S608  only constants
_LOCK: Final = """
SELECT id FROM reviews_item WHERE id = ANY(%s) AND state <> 'closed' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
_MISTIMED: Final = """
SELECT i.id, i.system_id, q.slug, i.created_at, i.due_at, i.priority, i.rung, i.next_step_at, i.timed_by_id,
       s.in_force_id, n.rev, n.leaf_hash, clock_timestamp()
FROM reviews_item i
JOIN governance_system s ON s.id = i.system_id
JOIN reviews_queue q ON q.id = i.queue_id
LEFT JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = i.id ORDER BY x.rev DESC LIMIT 1
) n ON true
WHERE i.id = ANY(%s) AND s.in_force_id IS NOT NULL AND i.timed_by_id IS DISTINCT FROM s.in_force_id
"""
_TIMED_OTHERWISE: Final = """
SELECT i.id, i.system_id, q.slug, i.created_at, i.due_at, i.priority, i.rung, i.next_step_at, i.timed_by_id,
       %(version)s::uuid, NULL, NULL, clock_timestamp()
FROM reviews_item i JOIN reviews_queue q ON q.id = i.queue_id
WHERE i.system_id = %(system)s AND i.state <> 'closed' AND i.routed_at IS NOT NULL
  AND i.timed_by_id IS DISTINCT FROM %(version)s::uuid
LIMIT %(most)s
"""
_RETIME: Final = """
UPDATE reviews_item i
SET due_at = r.due, rung = r.rung, next_step_at = r.step, timed_by_id = r.version,
    entry_id = coalesce(r.entry, i.entry_id)
FROM unnest(%s::uuid[], %s::timestamptz[], %s::int[], %s::timestamptz[], %s::uuid[], %s::uuid[])
    AS r (id, due, rung, step, version, entry)
WHERE i.id = r.id
"""
_REORDER: Final = """
UPDATE reviews_seat s SET urgent_at = r.urgent
FROM unnest(%s::uuid[], %s::timestamptz[]) AS r (id, urgent) WHERE s.item_id = r.id AND s.closed_at IS NULL
"""


@dataclass(slots=True)
class Mistimed:
    """An open item that another policy version times than the one in force. `prev` is a leaf hash."""

    id: UUID
    system: UUID
    queue: str
    created_at: datetime
    due_at: datetime
    priority: int
    rung: int
    step_at: datetime | None
    was: UUID | None
    version: UUID
    rev: int | None
    prev: bytes | None
    now: datetime


@dataclass(slots=True)
class Retimed:
    """The same under the policy in force; `entry` is None where nothing changes for the item."""

    item: Mistimed
    due_at: datetime
    rung: int
    step_at: datetime | None
    entry: Draft | None


def retime_waiting(limit: int = BATCH) -> int:
    """Times at most `limit` open items by the policy in force; how many it looked at. One transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FIND, {"limit": limit})
        cursor.execute(_LOCK, [[row[0] for row in cursor.fetchall()]])
        return len(retime([row[0] for row in cursor.fetchall()]))


def would_retime(version: PolicyVersion) -> int:
    """How many open items would be due, or take their next step, at another time under this version; of the first
    10,000. Changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMED_OTHERWISE, {"version": version.pk, "system": version.system_id, "most": MOST_COUNTED})
        items = [Mistimed(*row) for row in cursor.fetchall()]
    rules = rulebook(version.pk)
    timed = ((item, _times(item, rules)) for item in items)
    return sum(due != item.due_at or step != item.step_at for item, (due, _, step) in timed)


def retime(items: Sequence[UUID]) -> set[UUID]:
    """Times those of these items by the policy in force that another version times; which ones. The caller has locked
    them."""
    if not items:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_MISTIMED, [list(items)])
        done = [_retimed(Mistimed(*row)) for row in cursor.fetchall()]
        write([each.entry for each in done if each.entry])
        cursor.execute(
            _RETIME,
            [
                [r.item.id for r in done], [r.due_at for r in done], [r.rung for r in done], [r.step_at for r in done],
                [r.item.version for r in done], [r.entry.id if r.entry else None for r in done],
            ],
        )  # fmt: skip
        moved = [r for r in done if r.due_at != r.item.due_at]
        urgent = [urgent_at(r.item.created_at, r.due_at, r.item.priority) for r in moved]
        cursor.execute(_REORDER, [[r.item.id for r in moved], urgent])
    return {each.item.id for each in done}


def _retimed(item: Mistimed) -> Retimed:
    rules = rulebook(item.version)
    due, rung, step = _times(item, rules)
    changes = due != item.due_at or step != item.step_at
    return Retimed(item, due, rung, step, _entry(item, rules, due, step) if changes else None)


def _times(item: Mistimed, rules: Rulebook) -> tuple[datetime, int, datetime | None]:
    due = rules.due_at(item.queue, item.created_at)
    rung = 0 if due > item.now else _rung(item, rules)
    return due, rung, rules.step_at(item.queue, due, rung)


def _rung(item: Mistimed, rules: Rulebook) -> int:
    before = rulebook(item.was).sla.on_breach
    return item.rung if before == rules.sla.on_breach else rung_under(rules.sla, before[: item.rung])


def _entry(item: Mistimed, rules: Rulebook, due: datetime, step: datetime | None) -> Draft:
    return draft(
        "retimed", actor=TIMER, at=item.now, policy=rules.part, causes=_cause(rules),
        subject=Subject("item", item.id, item.system, item.rev or 0, item.prev.hex() if item.prev else None),
        detail={
            "from": time_text(item.due_at), "due_at": time_text(due), "next_step_at": time_text(step) if step else None,
        },
    )  # fmt: skip


def _cause(rules: Rulebook) -> Sequence[str]:
    activation = (rules.part or {}).get("entry")
    return [str(activation)] if activation else []
