"""What a lead does with a queue: move items, give one to a person, pause a queue, close it, say how much one takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from governance import clock
from governance.evidence.record import Draft, Subject, draft, hash_of, record, write
from governance.models import Person
from governance.people import roles
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from reviews.models import Capacity, Item, Queue, Seat
from reviews.routing import assigning
from reviews.routing.assigning import Given
from reviews.routing.sharing import WHY_NOT, Colleague, Work, why_not

VERB: Final = "lead the queue"
MOST: Final = 10_000
_NOTHING: Final = "There is nothing here."
# A lead may give somebody more than she takes, or something for when she is back; never what she may not judge.
_HERS_TO_OVERRULE: Final = frozenset({"paused", "off", "out", "full", "passed"})

_LOCK: Final = """
SELECT id FROM reviews_item WHERE queue_id = %(from)s AND state <> 'closed'
  AND (%(items)s::uuid[] IS NULL OR id = ANY(%(items)s::uuid[]))
ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE
"""
_CHAINS: Final = """
SELECT i.id, i.system_id, coalesce(n.rev, 0), n.leaf_hash, e.leaf_hash
FROM reviews_item i JOIN governance_entry e ON e.id = i.entry_id
LEFT JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = i.id ORDER BY x.rev DESC LIMIT 1
) n ON true
WHERE i.id = ANY(%s) ORDER BY i.id
"""
_MOVE: Final = """
UPDATE reviews_item i SET queue_id = %s, entry_id = r.entry FROM unnest(%s::uuid[], %s::uuid[]) AS r (id, entry)
WHERE i.id = r.id
"""
_MOVE_SEATS: Final = """
UPDATE reviews_seat SET queue_id = %s, assigned_to_id = NULL WHERE item_id = ANY(%s) AND closed_at IS NULL
"""


@transaction.atomic
def move(queue: Queue, to: Queue, *, by: Actor, items: Sequence[UUID] | None = None) -> int:
    """Moves items of the queue (all that are open, when none are named; at most 10,000) to another of its system; how
    many. Whoever has one in hand keeps it. Raises Invalid, NotAllowed, NotFound.
    """
    _require(by, queue)
    if to.system_id != queue.system_id or to.pk == queue.pk:
        raise Invalid("Items move between two queues of one system.")
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"from": queue.pk, "items": None if items is None else list(items), "most": MOST})
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_CHAINS, [ids])
        entries = [_moved(row, queue, to, by) for row in cursor.fetchall()]
        write(entries)
        cursor.execute(_MOVE, [to.pk, ids, [entry.id for entry in entries]])
        cursor.execute(_MOVE_SEATS, [to.pk, ids])
    return len(ids)


@transaction.atomic
def give_to(item: Item, person: Person, *, by: Actor) -> None:
    """Gives an item that nobody has in hand to a person, whatever she has already and whether she is there or not.

    Raises Conflict when it is in somebody's hands or closed, NotAllowed when it is not for her, NotFound.
    """
    queue = item.queue
    if queue is None:
        raise Conflict("This item has no queue yet; that takes a moment.")
    _require(by, queue)
    now = clock.read()
    seats = [work for work in works(item) if work.assigned_to != person.pk]
    her = next((c for c in assigning.colleagues(now) if c.id == person.pk), None)
    if her is None:
        raise NotAllowed(f"{person} reviews nothing.")
    _forget_own(her, item)
    for work in seats:
        against = why_not(work, her)
        if against is None or against in _HERS_TO_OVERRULE:
            if assigning.give([Given(work, her.id, her.load + 1)], by=by):
                return
            raise Conflict("Somebody has it in hand: wait until she is done, or until her lease ends.")
    if not seats:
        raise Conflict("It is hers already, or nobody has to judge it any more.")
    raise NotAllowed(f"Not to {person}: {WHY_NOT[why_not(seats[0], her) or 'conflict']}.")


@transaction.atomic
def pause(queue: Queue, *, by: Actor) -> None:
    """From now on nobody is given anything of the queue; what is in hand or given stays. Raises Conflict."""
    _require(by, queue)
    entry = _record("queue_paused", queue, by)
    if not Queue.objects.filter(pk=queue.pk, paused_at=None).update(paused_at=entry.at, entry_id=entry.id):
        raise Conflict("This queue is paused already.")


@transaction.atomic
def resume(queue: Queue, *, by: Actor) -> None:
    """The queue goes on. Raises Conflict when it was not paused."""
    _require(by, queue)
    entry = _record("queue_resumed", queue, by)
    if not Queue.objects.filter(pk=queue.pk, paused_at__isnull=False).update(paused_at=None, entry_id=entry.id):
        raise Conflict("This queue is not paused.")


@transaction.atomic
def close(queue: Queue, to: Queue, *, by: Actor) -> int:
    """Closes the queue: what is open goes to another of its system now, and whatever the policy sends there later too.

    How many items moved. Raises Conflict when it is closed, or the other is; Invalid as `move` does.
    """
    _require(by, queue)
    both = {row.pk: row for row in Queue.objects.select_for_update().filter(pk__in=(queue.pk, to.pk)).order_by("pk")}
    if both[queue.pk].moves_to_id is not None:
        raise Conflict("This queue is closed already.")
    if both[to.pk].moves_to_id is not None:
        raise Conflict("That queue is closed itself.")
    if Queue.objects.filter(moves_to=queue).exists():
        raise Conflict("Another queue was closed into this one: open that one first.")
    moved = move(queue, to, by=by)
    entry = _record("queue_closed", queue, by, {"to": to.slug, "items": moved})
    Queue.objects.filter(pk=queue.pk).update(moves_to=to, entry_id=entry.id)
    return moved


@transaction.atomic
def reopen(queue: Queue, *, by: Actor) -> None:
    """What the policy sends to the queue goes there again. Raises Conflict when it was not closed."""
    _require(by, queue)
    entry = _record("queue_reopened", queue, by)
    if not Queue.objects.filter(pk=queue.pk, moves_to__isnull=False).update(moves_to=None, entry_id=entry.id):
        raise Conflict("This queue is not closed.")


@transaction.atomic
def set_capacity(queue: Queue, person: Person, most: int | None, *, by: Actor) -> None:
    """How many items of the queue she is given at a time; None: as many as everybody. Raises Invalid."""
    _require(by, queue)
    if most is not None and not 0 <= most <= 1000:
        raise Invalid("A capacity is between 0 and 1,000.")
    entry = _record("capacity_set", queue, by, {"person": str(person.pk), "most": most})
    if most is None:
        Capacity.objects.filter(queue=queue, person=person).delete()
    else:
        Capacity.objects.update_or_create(
            queue=queue, person=person, defaults={"most": most, "entry_id": entry.id}
        )  # fmt: skip


def who_may(item: Item, *, by: Actor) -> list[tuple[Person, Colleague, str | None]]:
    """Everybody who reviews in the item's system, with what stands against her (a key of `WHY_NOT`) or None.

    For leads: "why not to her". Those who may come first, the least loaded first. Raises NotAllowed, NotFound.
    """
    if item.queue is None:
        raise Conflict("This item has no queue yet; that takes a moment.")
    _require(by, item.queue)
    seats = works(item)
    found = []
    for her in assigning.colleagues(clock.read()):
        if her.systems is not None and item.system_id not in her.systems:
            continue
        _forget_own(her, item)
        reasons = [why_not(work, her) for work in seats] or ["conflict"]
        found.append((her, None if None in reasons else reasons[0]))
    people = Person.objects.in_bulk([her.id for her, _ in found])
    order = sorted(found, key=lambda pair: (pair[1] is not None, pair[0].load, pair[0].breadth, pair[0].idle_since))
    return [(people[her.id], her, against) for her, against in order]


def works(item: Item) -> list[Work]:
    """The open seats of an item as work to give."""
    judged = set(Seat.objects.filter(item=item, decided_by__isnull=False).values_list("decided_by", flat=True))
    passed = set(item.skips.values_list("person", flat=True))
    capacity_queue = item.queue_id
    return [
        Work(
            seat.pk, item.pk, item.system_id, capacity_queue or seat.queue_id, frozenset(seat.skills),
            seat.is_for_lead, {*seat.barred, *judged}, passed, None, seat.assigned_to_id,
        )
        for seat in Seat.objects.filter(item=item, closed_at=None).order_by("number")
    ]  # fmt: skip


def _forget_own(her: Colleague, item: Item) -> None:
    # What she has of this very item is told by its seats; where a queue gives nothing out, there is room without end.
    her.has.discard(item.pk)
    if item.queue_id is not None and item.queue_id not in her.most:
        her.most = {**her.most, item.queue_id: MOST}


def _require(by: Actor, queue: Queue) -> None:
    if by.person is None:
        raise NotAllowed("Only a person leads a queue.")
    system = queue.system
    if not roles.roles_of(by.person, system):
        raise NotFound(_NOTHING)
    roles.require(by.person, VERB, system)


def _record(type: str, queue: Queue, by: Actor, detail: dict[str, Any] | None = None) -> Draft:
    Queue.objects.select_for_update().get(pk=queue.pk)
    causes: Iterable[str] = [hash_of(queue.entry_id)] if queue.entry_id else []
    return record(
        type, actor=by, kind="queue", id=queue.pk, system=queue.system_id, causes=list(causes),
        detail={"queue": queue.slug, **(detail or {})},
    )  # fmt: skip


def _moved(row: tuple[Any, ...], queue: Queue, to: Queue, by: Actor) -> Draft:
    id, system, rev, prev, cause = row
    return draft(
        "moved", actor=by, subject=Subject("item", id, system, rev, bytes(prev).hex() if prev else None),
        causes=(bytes(cause).hex(),), detail={"from": queue.slug, "to": to.slug},
    )  # fmt: skip
