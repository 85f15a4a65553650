"""Assigning: in an `assign` queue the router gives each item to a person.

One router at a time, under a lock of its own, so that nobody is over capacity however many look. What to do is a
predicate: seats of such queues that nobody has, and those whose person is not there while they lie untouched.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from governance.evidence.record import Draft, Subject, draft, write
from governance.models import Person, Skill
from governance.people import presence, roles
from governance.people.actors import Actor, machine
from reviews.models import Capacity, Queue
from reviews.routing.sharing import Colleague, Work, share_out

ROUTER: Final = machine("router")
BATCH: Final = 200
MOST_LOOKS: Final = 5
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)

_ALONE: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('reviews.assign', 7215)), clock_timestamp()"
_FREE: Final = """
    s.closed_at IS NULL
    AND (s.claim_expires_at IS NULL OR s.claim_expires_at <= statement_timestamp())
    AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())
"""
_COLUMNS: Final = """
    s.id, s.item_id, s.system_id, s.queue_id, s.skills, s.is_for_lead, s.barred, s.affinity, s.assigned_to_id,
    s.urgent_at
"""
# Only what somebody has the skills and the room for, so that what nobody can take now holds up nothing behind it.
_TAKABLE: Final = f"""
    {_FREE} AND EXISTS (SELECT FROM room r WHERE r.queue = s.queue_id AND s.skills <@ r.skills
                        AND (r.leads OR NOT s.is_for_lead))
    AND (s.urgent_at, s.id) > (%(after)s::timestamptz, %(after_id)s::uuid)
"""
# The most urgent of every queue that nobody has; and what lies with people who are not there.
_WORK: Final = f"""
WITH room AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(room)s::jsonb) AS r (queue uuid, skills varchar[], leads boolean)
)
SELECT w.* FROM (
    SELECT f.* FROM reviews_queue q CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM reviews_seat s
        WHERE s.queue_id = q.id AND s.assigned_to_id IS NULL AND {_TAKABLE}
        ORDER BY s.urgent_at, s.id LIMIT %(limit)s
    ) f WHERE q.mode = 'assign' AND q.paused_at IS NULL
    UNION ALL
    (SELECT {_COLUMNS} FROM reviews_seat s JOIN reviews_queue q ON q.id = s.queue_id AND q.paused_at IS NULL
     WHERE s.assigned_to_id = ANY(%(away)s) AND {_TAKABLE} ORDER BY s.urgent_at, s.id LIMIT %(limit)s)
) w ORDER BY w.urgent_at, w.id LIMIT %(limit)s
"""  # noqa: S608  only constants
_HELD: Final = """
SELECT assigned_to_id, queue_id, count(*), max(assigned_at) FROM reviews_seat
WHERE assigned_to_id IS NOT NULL AND closed_at IS NULL GROUP BY 1, 2
"""
_LAST: Final = """
SELECT p.id, (SELECT d.decided_at FROM reviews_decision d WHERE d.person_id = p.id ORDER BY d.id DESC LIMIT 1)
FROM unnest(%s::uuid[]) AS p (id)
"""
# Who has something to do with these items already: another seat, a claim there, or a skip.
_BUSY: Final = """
SELECT item_id, coalesce(decided_by_id, assigned_to_id), false FROM reviews_seat
WHERE item_id = ANY(%(items)s) AND coalesce(decided_by_id, assigned_to_id) IS NOT NULL
UNION
SELECT item_id, claimed_by_id, false FROM reviews_seat
WHERE item_id = ANY(%(items)s) AND claimed_by_id IS NOT NULL AND claim_expires_at > statement_timestamp()
UNION
SELECT item_id, person_id, true FROM reviews_skip WHERE item_id = ANY(%(items)s)
"""
_ALIKE: Final = """
SELECT DISTINCT ON (s.queue_id, s.affinity) s.queue_id, s.affinity, s.assigned_to_id FROM reviews_seat s
WHERE (s.queue_id, s.affinity) IN (SELECT * FROM unnest(%s::uuid[], %s::text[])) AND s.affinity <> ''
  AND s.assigned_to_id IS NOT NULL
ORDER BY s.queue_id, s.affinity, s.assigned_at DESC
"""
_CHAINS: Final = """
SELECT t.id, coalesce(n.rev, 0), n.leaf_hash, e.leaf_hash
FROM unnest(%s::uuid[]) AS t (id) JOIN reviews_seat s ON s.id = t.id JOIN governance_entry e ON e.id = s.entry_id
LEFT JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = t.id ORDER BY x.rev DESC LIMIT 1
) n ON true
"""
# Whoever takes or ends a seat meanwhile is first: then nobody is given it. Rows are locked in the order of their ids.
_LOCK: Final = f"""
SELECT s.id FROM reviews_seat s WHERE s.id = ANY(%s) AND {_FREE} ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608  only constants
_GIVE: Final = """
UPDATE reviews_seat s SET assigned_to_id = r.person, assigned_at = clock_timestamp(), entry_id = r.entry
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS r (id, person, entry) WHERE s.id = r.id
"""


@dataclass(slots=True)
class Given:
    """A seat and the person who gets it."""

    work: Work
    to: UUID
    load: int


def assign_waiting(limit: int = BATCH) -> int:
    """Gives at most `limit` items of `assign` queues to people, the most urgent first; how many it gave.

    One transaction. Zero means that nothing waits that anybody may take, or that another router is at it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ALONE)
        is_alone, now = cursor.fetchone()
        if not is_alone:
            return 0
        people = colleagues(now)
        away = [her.id for her in people if her.presence != "there"]
        asked: dict[str, Any] = {"limit": limit, "away": away, "after": _LONG_AGO, "after_id": UUID(int=0)}
        done = 0
        for _ in range(MOST_LOOKS):
            room = _room(people)
            if not room or done >= limit:
                break
            cursor.execute(_WORK, {**asked, "room": json.dumps(room)})
            rows = cursor.fetchall()
            given = [Given(work, her.id, her.load) for work, her in share_out(_work(rows, people), people, now)]
            done += len(give(given, by=ROUTER))
            if len(rows) < limit:
                break
            asked |= {"after": rows[-1][-1], "after_id": rows[-1][0]}
        return done


def _room(people: Sequence[Colleague]) -> list[dict[str, Any]]:
    """For whom there is room: queue, skills and whether she leads, each combination once."""
    systems = dict(Queue.objects.filter(mode="assign", paused_at=None).values_list("pk", "system"))
    found = {
        (queue, her.skills.get(system, frozenset()), her.leads is None or system in her.leads)
        for her in people
        if her.presence == "there"
        for queue, system in systems.items()
        if (her.systems is None or system in her.systems) and her.held.get(queue, 0) < her.most.get(queue, 0)
    }
    return [{"queue": str(queue), "skills": sorted(skills), "leads": leads} for queue, skills, leads in found]


def give(given: Sequence[Given], *, by: Actor) -> set[UUID]:
    """Writes who gets what, in the caller's transaction; the seats that were still free to give."""
    if not given:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [[each.work.seat for each in given]])
        free = {row[0] for row in cursor.fetchall()}
        kept = [each for each in given if each.work.seat in free]
        cursor.execute(_CHAINS, [[each.work.seat for each in kept]])
        chains = {id: (rev, prev, cause) for id, rev, prev, cause in cursor.fetchall()}
        entries = [_entry(each, *chains[each.work.seat], by) for each in kept]
        write(entries)
        cursor.execute(
            _GIVE, [[each.work.seat for each in kept], [each.to for each in kept], [entry.id for entry in entries]]
        )
    return free


def colleagues(now: datetime) -> list[Colleague]:
    """Everybody who reviews anywhere, with skills that have not expired, presence, load and capacity."""
    people = [p for p in Person.objects.filter(is_active=True).prefetch_related("roles") if _reviews(p)]
    ids = [person.pk for person in people]
    skills: dict[UUID, dict[UUID, set[str]]] = defaultdict(lambda: defaultdict(set))
    for person, system, name in (
        Skill.objects.filter(person__in=ids).exclude(expires_at__lte=now).values_list("person", "system", "name")
    ):
        skills[person][system].add(name)
    there = presence.present(ids, now)
    held, last = _held(ids)
    usual = dict(Queue.objects.filter(mode="assign").values_list("pk", "capacity"))
    own: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for person, queue, most in Capacity.objects.filter(person__in=ids).values_list("person", "queue", "most"):
        own[person][queue] = most
    return [
        Colleague(
            p.pk, roles.systems_for(p, "review items"), roles.systems_for(p, "adjudicate"),
            {system: frozenset(names) for system, names in skills[p.pk].items()}, there[p.pk], held[p.pk],
            {queue: most or 0 for queue, most in usual.items()} | own[p.pk], last.get(p.pk, _LONG_AGO),
        )
        for p in people
    ]  # fmt: skip


def _reviews(person: Person) -> bool:
    return roles.systems_for(person, "review items") != set()


def _held(people: Collection[UUID]) -> tuple[dict[UUID, dict[UUID, int]], dict[UUID, datetime]]:
    held: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    last: dict[UUID, datetime] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HELD)
        for person, queue, count, at in cursor.fetchall():
            held[person][queue] = count
            last[person] = max(at or _LONG_AGO, last.get(person, _LONG_AGO))
        cursor.execute(_LAST, [list(people)])
        for person, at in cursor.fetchall():
            last[person] = max(at or _LONG_AGO, last.get(person, _LONG_AGO))
    return held, last


def _work(rows: Iterable[tuple[Any, ...]], people: Sequence[Colleague]) -> list[Work]:
    rows = list(rows)
    items = [row[1] for row in rows]
    busy: dict[UUID, set[UUID]] = defaultdict(set)
    passed: dict[UUID, set[UUID]] = defaultdict(set)
    alike: dict[tuple[UUID, str], UUID] = {}
    with connection.cursor() as cursor:
        cursor.execute(_BUSY, {"items": items})
        for item, person, is_skip in cursor.fetchall():
            (passed if is_skip else busy)[item].add(person)
        liked = [(row[3], row[7]) for row in rows if row[7]]
        if liked:
            cursor.execute(_ALIKE, [[queue for queue, _ in liked], [like for _, like in liked]])
            alike = {(queue, like): person for queue, like, person in cursor.fetchall()}
    by_id = {her.id: her for her in people}
    for item, holders in busy.items():
        for person in holders & by_id.keys():
            by_id[person].has.add(item)
    return [
        Work(
            seat, item, system, queue, frozenset(skills), is_for_lead, set(barred), passed[item],
            alike.get((queue, like)), assigned,
        )
        for seat, item, system, queue, skills, is_for_lead, barred, like, assigned, _ in rows
    ]  # fmt: skip


def _entry(given: Given, rev: int, prev: bytes | None, cause: bytes, by: Actor) -> Draft:
    work = given.work
    detail: dict[str, Any] = {"item": str(work.item), "to": str(given.to), "load": given.load}
    if work.assigned_to:
        detail["from"] = str(work.assigned_to)
    if work.likes == given.to:
        detail["alike"] = True
    return draft(
        "assigned", actor=by, subject=Subject("seat", work.seat, work.system, rev, bytes(prev).hex() if prev else None),
        causes=(bytes(cause).hex(),), detail=detail,
    )  # fmt: skip
