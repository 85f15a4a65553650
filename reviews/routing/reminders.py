"""Reminders by e-mail and webhook: what is late, and what somebody put off until now.

A queue with a thousand late items is told of once an hour for each step of the ladder, and not a thousand times.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from governance.evidence.record import Draft
from governance.notices.telling import tell
from governance.people.actors import Actor, machine
from reviews.models import Queue

HOLDS: Final = machine("holds")
MOST: Final = 100

_WHO_HAS: Final = """
SELECT p FROM reviews_seat s, unnest(ARRAY[
    CASE WHEN s.claim_expires_at > statement_timestamp() THEN s.claimed_by_id END, s.assigned_to_id,
    CASE WHEN s.held_until > statement_timestamp() THEN s.held_by_id END]) AS p
WHERE s.item_id = ANY(%s) AND s.closed_at IS NULL AND p IS NOT NULL
"""
# A seat that is taken again names no holder any more, so what is left here was put off and nobody has it.
_HOLDS_OVER: Final = """
SELECT s.item_id, s.system_id, q.slug, s.held_by_id, s.entry_id,
       'hold ' || s.id || ' ' || extract(epoch FROM s.held_until)
FROM reviews_seat s JOIN reviews_queue q ON q.id = s.queue_id
WHERE s.held_until <= statement_timestamp() AND s.held_by_id IS NOT NULL AND s.closed_at IS NULL
  AND NOT EXISTS (SELECT FROM governance_notice n
                  WHERE n.once = 'hold ' || s.id || ' ' || extract(epoch FROM s.held_until))
ORDER BY s.held_until LIMIT %s
"""


def tell_late(steps: Iterable[tuple[Queue, UUID, str, Draft]], *, by: Actor) -> None:
    """Tells of items that took a step of the ladder (queue, item, what was done, entry), in its transaction: whoever
    has one that is reminded of, and the leads."""
    groups: dict[tuple[str, str], list[tuple[Queue, UUID, Draft]]] = defaultdict(list)
    for queue, item, do, entry in steps:
        groups[do, str(queue.pk)].append((queue, item, entry))
    # In one order for everybody, since two rounds may tell of the same queues at once.
    for (do, _), group in sorted(groups.items(), key=lambda one: one[0]):
        queue, _, entry = group[0]
        tell(
            "item.late" if do == "remind" else "item.escalated", queue.system_id, entry=entry, by=by, subject=queue.pk,
            roles={"lead"}, people=_who_has([item for _, item, _ in group]) if do == "remind" else (),
            once=f"{do} {queue.pk} {entry.at:%Y-%m-%dT%H}", step=do, queue=queue.slug,
        )  # fmt: skip


def tell_holds_over(limit: int = MOST) -> int:
    """Tells people that what they put off waits again; how many items. What somebody has taken since is not told."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HOLDS_OVER, [limit])
        rows = sorted(cursor.fetchall(), key=lambda row: row[5])
        for item, system, queue, person, entry, once in rows:
            tell("item.hold_over", system, entry=entry, by=HOLDS, subject=item, people=[person], once=once, queue=queue)
    return len(rows)


def _who_has(items: list[UUID]) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_WHO_HAS, [items])
        return {row[0] for row in cursor.fetchall()}
