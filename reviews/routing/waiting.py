"""Routing what waits: the work to do is a predicate on a table, so a lost message loses nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connection, transaction

from governance import clock
from governance.evidence.leaf import time_text
from governance.evidence.record import COLUMNS, Draft, Subject, draft
from governance.models import Person
from governance.people.actors import machine
from governance.policies.candidate import Candidate
from governance.policies.policy import Queue
from governance.policies.routes import Route, route
from governance.refusals import Problem
from reviews.models import Decision
from reviews.routing import interest, queues
from reviews.routing.rulebook import Rulebook, rulebook
from reviews.routing.urgency import urgent_at

ROUTER: Final = machine("router")
BATCH: Final = 500

_WAITING: Final = """
SELECT i.id, i.output_id, i.system_id, i.created_at, i.is_blind, i.round, o.policy_id, o.confidence, o.model,
       o.model_version, o.prompt_version, o.received_at, o.is_breached, k.person_id, e.leaf_hash, clock_timestamp()
FROM reviews_item i
JOIN governance_output o ON o.id = i.output_id
LEFT JOIN governance_apikey k ON k.id = o.key
JOIN governance_entry e ON e.id = i.entry_id
WHERE i.routed_at IS NULL
ORDER BY i.created_at
LIMIT %s
FOR UPDATE OF i SKIP LOCKED
"""
_CONTENTS: Final = (
    "SELECT output_id, input, output_json, context FROM governance_outputcontent WHERE output_id = ANY(%s)"
)
_ROUTED: Final = """
UPDATE reviews_item i
SET queue_id = r.queue, reviewers = r.reviewers, priority = r.priority, route = r.route::jsonb, due_at = r.due,
    next_step_at = r.step, timed_by_id = r.version, routed_at = clock_timestamp(), entry_id = r.entry
FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::text[], %s::timestamptz[], %s::timestamptz[],
            %s::uuid[], %s::uuid[]) AS r (id, queue, reviewers, priority, route, due, step, version, entry)
WHERE i.id = r.id AND i.routed_at IS NULL
"""
_SEAT: Final = (
    "id", "item_id", "number", "system_id", "queue_id", "skills", "is_for_lead", "barred", "affinity", "urgent_at",
    "is_soft", "entry_id",
)  # fmt: skip
_BREACHED: Final = (Problem("", "breached", "The output breaks its contract."),)
_encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(slots=True)
class Waiting:
    """An item that no queue has yet, with what its policy needs to know of the output."""

    id: UUID
    output: UUID
    system: UUID
    created_at: datetime
    is_blind: bool
    round: int
    version: UUID | None
    confidence: int | None
    model: str
    model_version: str
    prompt_version: str | None
    received_at: datetime
    is_breached: bool
    sender: UUID | None
    judged: bytes
    now: datetime


@dataclass(slots=True)
class Routed:
    """An item and where it goes."""

    item: Waiting
    to: Route
    queue: Queue
    due_at: datetime
    step_at: datetime | None
    entry: Draft
    about: list[str]
    affinity: str
    barred: list[UUID] = field(default_factory=list)


def route_waiting(limit: int = BATCH) -> int:
    """Routes at most `limit` items that no queue has yet, oldest first; how many it routed.

    One transaction and a fixed number of statements whatever the batch. Any number may run side by side: each takes
    rows that no other holds. Zero means that nothing waits, or that others are at it.
    """
    with transaction.atomic():
        waiting = _waiting(limit)
        if waiting:
            routed = [_route(item, candidate) for item, candidate in _with_candidates(waiting)]
            _bar(routed)
            _put(routed)
    return len(waiting)


def _waiting(limit: int) -> list[Waiting]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [limit])
        return [Waiting(*row) for row in cursor.fetchall()]


def _with_candidates(waiting: Sequence[Waiting]) -> Iterable[tuple[Waiting, Candidate]]:
    """Each item with its output as routing rules see it; the content is read only where a rule asks for it."""
    asked = [item.output for item in waiting if rulebook(item.version).asks_content]
    contents: dict[UUID, tuple[str, str, str]] = {}
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(_CONTENTS, [asked])
            contents = {output: (input, answer, context) for output, input, answer, context in cursor.fetchall()}
    for item in waiting:
        yield item, _candidate(item, contents.get(item.output))


def _candidate(item: Waiting, content: tuple[str, str, str] | None) -> Candidate:
    input, output, context = (json.loads(text) for text in content) if content else ({}, {}, {})
    return Candidate(
        item.confidence, input, output, context.get("attributes", {}), item.model or None, item.model_version or None,
        item.prompt_version, item.received_at, _BREACHED if item.is_breached else (),
    )  # fmt: skip


def _route(item: Waiting, candidate: Candidate) -> Routed:
    rules = rulebook(item.version)
    to = route(rules.policy, candidate) if rules.policy else _usual(rules)
    due = rules.due_at(to.queue, item.created_at)
    entry = draft(
        "routed", actor=ROUTER, subject=Subject("item", item.id, item.system), at=item.now,
        causes=(item.judged.hex(),), policy=rules.part,
        detail={
            "output": str(item.output), "queue": to.queue, "rule": to.rule, "priority": to.priority,
            "reviewers": to.reviewers, "skills": list(to.skills), "due_at": time_text(due),
            "blind": item.is_blind, "round": item.round,
        },
    )  # fmt: skip
    return Routed(
        item, to, rules.queue(to.queue), due, rules.step_at(to.queue, due, 0), entry,
        interest.addresses(rules.contract, candidate), interest.likeness(rules.queue(to.queue).affinity, candidate),
    )  # fmt: skip


def _usual(rules: Rulebook) -> Route:
    to = rules.routing.default
    because = f"No policy was in force, so it goes to {to.queue}."
    return Route(to.queue, to.skills, to.priority, to.reviewers, "default", because)


def _bar(routed: Sequence[Routed]) -> None:
    """Names who may not judge each item: whose key sent it, whom it is about, and who judged it before."""
    about = {address for each in routed for address in each.about}
    again = [each.item.output for each in routed if each.item.round > 1]
    judged: dict[UUID, set[UUID]] = defaultdict(set)
    if again:
        for output, person in Decision.objects.filter(output__in=again).values_list("output", "person"):
            judged[output].add(person)
    people = dict(Person.objects.filter(email__in=about).values_list("email", "id")) if about else {}
    for each in routed:
        subjects = {people[address] for address in each.about if address in people}
        each.barred = sorted(subjects | judged[each.item.output] | ({each.item.sender} if each.item.sender else set()))


def _put(routed: Sequence[Routed]) -> None:
    rows = queues.rows_for({(r.item.system, r.to.queue): r.queue for r in routed})
    # What goes to a closed queue goes where that one was closed to.
    ids = [row.moves_to_id or row.pk for row in (rows[r.item.system, r.to.queue] for r in routed)]
    _copy("governance_entry", COLUMNS, (r.entry.row() for r in routed))
    with connection.cursor() as cursor:
        cursor.execute(
            _ROUTED,
            [
                [r.item.id for r in routed], ids, [r.to.reviewers for r in routed], [r.to.priority for r in routed],
                [_told(r.to) for r in routed], [r.due_at for r in routed], [r.step_at for r in routed],
                [r.item.version for r in routed], [r.entry.id for r in routed],
            ],
        )  # fmt: skip
    _copy("reviews_seat", _SEAT, (seat for r, queue in zip(routed, ids, strict=True) for seat in _seats(r, queue)))


def _told(to: Route) -> str:
    """The route as the item keeps it; the trace stays out of the log since it repeats values of the output."""
    return _encode({"rule": to.rule, "sentence": to.sentence, "trace": to.trace}).decode()


def _seats(routed: Routed, queue: UUID) -> Iterable[tuple[Any, ...]]:
    item, to = routed.item, routed.to
    urgent = urgent_at(item.created_at, routed.due_at, to.priority)
    for number in range(1, to.reviewers + 1):
        yield (
            clock.new_id(),
            item.id,
            number,
            item.system,
            queue,
            list(to.skills),
            False,
            routed.barred,
            routed.affinity,
            urgent,
            False,
            routed.entry.id,
        )


def _copy(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as pipe:
        for row in rows:
            pipe.write_row(row)
