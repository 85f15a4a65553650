"""The ladder that an item climbs once it is late: remind, raise, escalate, and last the fallback that its policy names.

What is due is a predicate on the item (`next_step_at`, by PostgreSQL's clock) and the step is taken under the item's
lock: a schedule that did not run is made up for by the next one, and two at once take each step once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from governance.evidence.leaf import time_text
from governance.evidence.record import Draft, Subject, draft, write
from governance.people.actors import machine
from governance.policies.policy import Breach
from reviews.decisions import fallback
from reviews.models import Queue
from reviews.routing import queues, reminders, retiming
from reviews.routing.rulebook import Rulebook, rulebook
from reviews.routing.urgency import MOST_PRIORITY, urgent_at

LADDER: Final = machine("ladder")
BATCH: Final = 200

# Taken first and alone, so that what is read of them afterwards is no older than the lock.
_LOCK: Final = """
SELECT id FROM reviews_item
WHERE next_step_at <= statement_timestamp() AND state <> 'closed'
ORDER BY next_step_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_LATE: Final = """
SELECT i.id, i.system_id, i.queue_id, i.created_at, i.due_at, i.priority, i.rung, i.timed_by_id, n.rev, n.leaf_hash,
       e.leaf_hash, clock_timestamp()
FROM reviews_item i
JOIN governance_entry e ON e.id = i.entry_id
LEFT JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = i.id ORDER BY x.rev DESC LIMIT 1
) n ON true
WHERE i.id = ANY(%s)
ORDER BY i.next_step_at, i.id
"""
_CLIMB: Final = """
UPDATE reviews_item i
SET rung = r.rung, next_step_at = r.next, priority = r.priority, queue_id = r.queue, entry_id = r.entry,
    reminded_at = CASE WHEN r.reminds THEN clock_timestamp() ELSE i.reminded_at END
FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[], %s::int[], %s::uuid[], %s::uuid[], %s::boolean[])
    AS r (id, rung, next, priority, queue, entry, reminds)
WHERE i.id = r.id AND i.rung = r.rung - 1
"""
# Nothing that is raised or escalated stays put off: a hold was until later, and it is later than allowed.
_LIFT: Final = """
UPDATE reviews_seat s
SET queue_id = r.queue, assigned_to_id = CASE WHEN s.queue_id = r.queue THEN s.assigned_to_id END,
    urgent_at = least(s.urgent_at, r.urgent), is_for_lead = s.is_for_lead OR r.for_lead,
    held_until = NULL, held_by_id = NULL
FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::boolean[]) AS r (id, queue, urgent, for_lead)
WHERE s.item_id = r.id AND s.closed_at IS NULL
"""


@dataclass(slots=True)
class Late:
    """An item whose next step is due. `prev` and `cause` are leaf hashes: of the last entry about it, of its state."""

    id: UUID
    system: UUID
    queue: UUID
    created_at: datetime
    due_at: datetime
    priority: int
    rung: int
    timed_by: UUID | None
    rev: int | None
    prev: bytes | None
    cause: bytes
    now: datetime

    @property
    def rules(self) -> Rulebook:
        """The policy version whose service level it is timed by."""
        return rulebook(self.timed_by)

    @property
    def step(self) -> Breach:
        return self.rules.sla.on_breach[self.rung]


@dataclass(slots=True)
class Climbed:
    """A late item after its step."""

    late: Late
    entry: Draft
    to: Queue
    for_lead: bool = False

    @property
    def next(self) -> datetime | None:
        """When the step after this one is due, in the time of the queue it waits in now."""
        return self.late.rules.step_at(self.to.slug, self.late.due_at, self.late.rung + 1)

    @property
    def priority(self) -> int:
        return MOST_PRIORITY if self.late.step.do == "raise" else self.late.priority


def climb_due(limit: int = BATCH) -> int:
    """Takes the next step of at most `limit` items whose step is due, the longest overdue first; how many it took.

    One transaction. Zero means that no step is due, or that others are at it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [limit])
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        # Nothing is done to an item by a policy that is no longer in force: it is timed anew, and looked at again.
        again = retiming.retime(ids)
        cursor.execute(_LATE, [[id for id in ids if id not in again]])
        late = [Late(*row) for row in cursor.fetchall()]
        ending = [item for item in late if item.step.do == "resolve"]
        fallback.resolve([(item.id, item.rules, item.step) for item in ending])
        _climb([item for item in late if item.step.do != "resolve"])
    return len(ids)


def _climb(late: Sequence[Late]) -> None:
    if not late:
        return
    at = Queue.objects.in_bulk({item.queue for item in late})
    climbed = [_step(item, at[item.queue]) for item in late]
    write([each.entry for each in climbed])
    lifted = [each for each in climbed if each.late.step.do in ("raise", "escalate")]
    with connection.cursor() as cursor:
        cursor.execute(
            _CLIMB,
            [
                [c.late.id for c in climbed], [c.late.rung + 1 for c in climbed], [c.next for c in climbed],
                [c.priority for c in climbed], [c.to.pk for c in climbed], [c.entry.id for c in climbed],
                [c.late.step.do == "remind" for c in climbed],
            ],
        )  # fmt: skip
        if lifted:
            urgent = [urgent_at(c.late.created_at, c.late.due_at, c.priority) for c in lifted]
            cursor.execute(
                _LIFT, [[c.late.id for c in lifted], [c.to.pk for c in lifted], urgent, [c.for_lead for c in lifted]]
            )
    reminders.tell_late([(c.to, c.late.id, c.late.step.do, c.entry) for c in climbed], by=LADDER)


def _step(item: Late, own: Queue) -> Climbed:
    do = item.step.do
    detail: dict[str, Any] = {"step": item.rung + 1, "due_at": time_text(item.due_at), "queue": own.slug}
    to, for_lead = own, False
    if do == "raise":
        detail |= {"from": item.priority, "to": MOST_PRIORITY}
    if do == "escalate":
        above = queues.above(own, item.rules)
        to, for_lead = above or own, above is None
        detail |= {"from": own.slug, "to": to.slug, "for_lead": for_lead}
    entry = draft(
        {"remind": "reminded", "raise": "raised", "escalate": "escalated"}[do], actor=LADDER, at=item.now,
        subject=Subject("item", item.id, item.system, item.rev or 0, item.prev.hex() if item.prev else None),
        causes=(bytes(item.cause).hex(),), policy=item.rules.part, detail=detail,
    )  # fmt: skip
    return Climbed(item, entry, to, for_lead)
