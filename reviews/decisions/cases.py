"""A case: one seat of an item before its reviewer, with all that a decision on it needs to know."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.refusals import Conflict
from reviews.decisions.rounds import Opinion
from reviews.delivery import outbox
from reviews.queue import losing
from reviews.queue.reviewers import Reviewer
from reviews.queue.statements import GENERIC
from reviews.routing.rulebook import Rulebook, rulebook

# Taken first and alone by whoever reads what it then writes: a second statement reads nothing older than the lock.
LOCK: Final = f"SELECT id, {GENERIC} FROM reviews_item WHERE id = %s FOR NO KEY UPDATE"  # noqa: S608  only constants
_CASE: Final = """
SELECT s.id, s.number, s.is_soft, s.queue_id, s.skills, s.urgent_at, clock_timestamp(),
       i.id, i.round, i.reviewers, i.purpose, i.is_blind, i.system_id,
       o.id, o.status, o.is_held, o.policy_id, o.confidence, o.rule, o.model_version, o.revision, o.decision,
       o.resolved_by, o.final_at, o.label, o.labelled_at, o.correction,
       c.output_json, j.leaf_hash, n.rev, n.leaf_hash, e.leaf_hash, c.context,
       (SELECT json_agg(json_build_array(w.id, w.url, w.events) ORDER BY w.id) FROM reviews_endpoint w
        WHERE w.system_id = i.system_id AND w.disabled_at IS NULL)
FROM reviews_seat s
JOIN reviews_item i ON i.id = s.item_id
JOIN governance_output o ON o.id = i.output_id
JOIN governance_entry e ON e.id = s.entry_id
JOIN governance_entry j ON j.subject = i.output_id AND j.rev = 1
JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = i.output_id ORDER BY x.rev DESC LIMIT 1
) n ON true
LEFT JOIN governance_outputcontent c ON c.output_id = i.output_id
WHERE s.item_id = %s AND s.claim_token = %s AND s.claimed_by_id = %s AND s.closed_at IS NULL
  AND s.claim_expires_at > clock_timestamp()
"""
_OPINIONS: Final = """
SELECT d.seat, d.verdict, d.is_correct, p.content
FROM reviews_decision d
LEFT JOIN governance_payload p ON p.entry_id = d.entry_id AND p.name = 'output'
WHERE d.item_id = %s AND d.undone_at IS NULL
  AND NOT EXISTS (SELECT FROM reviews_decision x WHERE x.supersedes_id = d.id AND x.item_id = d.item_id)
ORDER BY d.seat
"""

_BEFORE: Final = """
SELECT d.id FROM reviews_decision d
WHERE d.output_id = %s AND d.round = %s - 1 AND d.undone_at IS NULL ORDER BY d.id DESC LIMIT 1
"""


@dataclass(slots=True)
class Case:
    """The rows of one decision as they were read. `judged`, `prev` and `claimed` are leaf hashes; `endpoints` are the
    system's: id, address, events. Whoever writes a case down holds its item, or writes nothing when it has moved on."""

    seat: UUID
    number: int
    is_soft: bool
    queue: UUID
    skills: list[str]
    urgent_at: datetime
    now: datetime
    item: UUID
    round: int
    reviewers: int
    purpose: str
    is_blind: bool
    system: UUID
    output: UUID
    status: str
    is_held: bool
    policy: UUID | None
    confidence: int | None
    rule: str
    model_version: str
    revision: int
    decision: UUID | None
    resolved_by: str | None
    final_at: datetime | None
    label: bool | None
    labelled_at: datetime | None
    correction: UUID | None
    answer: str | None
    judged: bytes
    rev: int
    prev: bytes
    claimed: bytes
    context: str | None = None
    endpoints: list[tuple[str, str, list[str]]] | None = None

    @property
    def rules(self) -> Rulebook:
        return rulebook(self.policy)

    @property
    def ai(self) -> Any:
        """What the AI said; null when the content was erased."""
        return json.loads(self.answer) if self.answer is not None else None

    @property
    def measures(self) -> bool:
        """Whether the verdict leaves the resolution alone: an audit that is not held, or a re-check.

        A known answer does as the audit does that it looks like.
        """
        is_alike = self.purpose == "known_answer" and self.resolved_by == "policy"
        return (self.purpose in ("audit", "recheck") or is_alike) and not self.is_held

    @property
    def undo(self) -> timedelta:
        """How long this decision can be taken back; not at all when it is part of a superseding round."""
        return timedelta(seconds=self.rules.review.undo_seconds if self.round == 1 else 0)

    def targets(self, event: str) -> list[tuple[UUID, str]]:
        """Where the event has to be told, as `outbox.targets_of` says it."""
        if not self.endpoints:
            return []
        addresses = [(UUID(id), url, event in events) for id, url, events in self.endpoints]
        return outbox.targets_of(addresses, json.loads(self.context).get("callback_url") if self.context else None)

    def superseded(self) -> UUID | None:
        """The decision that ended the round before this one; none in the first round, after a fallback, and for a
        re-check, which changes no resolution."""
        if self.round == 1 or self.resolved_by == "fallback" or self.purpose == "recheck":
            return None
        with connection.cursor() as cursor:
            cursor.execute(_BEFORE, [self.output, self.round])
            found = cursor.fetchone()
        return found[0] if found else None

    def opinions(self) -> list[Opinion]:
        """What the other seats have said. An item for one person has no other seats until one opens."""
        return opinions(self.item) if self.reviewers > 1 or self.number > 1 else []


def read_case(who: Reviewer, item: UUID, token: UUID) -> Case:
    """The case that this claim is on, in one query. Raises Conflict when the claim is lost, NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_CASE, [item, token, who.person.pk])
        row = cursor.fetchone()
    if row is None or not who.reviews(row[12]):
        raise losing.lost(who, item, token)
    return Case(*row)


def require_policy(case: Case, verdict: str) -> None:
    """Nothing goes out, not by a person either, that no policy was there to judge. Raises Conflict."""
    if case.policy is None and verdict != "reject":
        raise Conflict(
            "No policy was in force when this arrived, so it cannot go out. Reject it; once a policy is in force, "
            "its producer can send it again under a new id."
        )


def opinions(item: UUID) -> list[Opinion]:
    """The opinions that stand on an item, in the order of their seats."""
    with connection.cursor() as cursor:
        cursor.execute(_OPINIONS, [item])
        return [
            Opinion(seat, verdict, json.loads(bytes(content)) if content is not None else None, is_correct)
            for seat, verdict, is_correct, content in cursor.fetchall()
        ]
