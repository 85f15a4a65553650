"""Claims: a lease on one seat of an item, with a fencing token and an expiry that is a predicate, never a sweeper."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from governance.worktime import Calendar
from reviews.routing.rulebook import Rulebook, rulebook


@dataclass(frozen=True, slots=True)
class Claim:
    """One person's lease on one seat, with what she is to judge.

    `input`, `answer`, `context` and `verdict` are canonical JSON texts: what went into the AI, what it said, the
    alternatives, explanation and attributes, and the policy's verdict. Confidence and threshold are millionths. A soft
    claim is the next card, not shown yet. Whoever shows a blind item shows no answer, context or verdict.
    """

    seat: UUID
    item: UUID
    number: int
    system: UUID
    token: UUID
    expires_at: datetime
    is_soft: bool
    urgent_at: datetime
    is_new: bool
    is_assigned: bool
    now: datetime
    output: UUID
    purpose: str
    round: int
    reviewers: int
    state: str
    is_blind: bool
    priority: int
    route_text: str
    created_at: datetime
    due_at: datetime
    timed_by: UUID | None
    queue: UUID
    queue_slug: str
    system_slug: str
    system_name: str
    external_id: str
    policy: UUID | None
    rule: str
    confidence: int | None
    threshold: int | None
    model: str
    model_version: str
    is_breached: bool
    input: str | None
    answer: str | None
    context: str | None
    verdict: str | None
    rev: int
    prev: bytes | None
    cause: bytes

    @property
    def route(self) -> dict[str, Any]:
        """The routing rule that fired, with its sentence and trace."""
        told: dict[str, Any] = json.loads(self.route_text)
        return told

    @property
    def calendar(self) -> Calendar | None:
        """When its queue works, by the policy that times it; None when it is timed by the clock."""
        return rulebook(self.timed_by).queue(self.queue_slug).calendar

    @property
    def rules(self) -> Rulebook:
        """The policy version and the contract it is reviewed under."""
        return rulebook(self.policy)


# Reads, for the seats of a CTE `shown`, the columns of a Claim in their order. One round trip brings the whole card.
COLUMNS: Final = """
SELECT t.id, t.item_id, t.number, t.system_id, t.claim_token, t.claim_expires_at, t.is_soft, t.urgent_at, t.is_new,
       t.assigned_to_id IS NOT NULL,
       clock_timestamp(), i.output_id, i.purpose, i.round, i.reviewers, i.state, i.is_blind, i.priority, i.route::text,
       i.created_at, i.due_at, i.timed_by_id, q.id, q.slug, y.slug, y.name, o.external_id, o.policy_id, o.rule,
       o.confidence, o.threshold, o.model, o.model_version, o.is_breached, c.input, c.output_json, c.context, c.verdict,
       coalesce(p.rev, 0), p.leaf_hash, e.leaf_hash
FROM shown t
JOIN reviews_item i ON i.id = t.item_id
JOIN reviews_queue q ON q.id = t.queue_id
JOIN governance_system y ON y.id = t.system_id
JOIN governance_output o ON o.id = i.output_id
JOIN governance_entry e ON e.id = i.entry_id
LEFT JOIN governance_outputcontent c ON c.output_id = i.output_id
LEFT JOIN LATERAL (
    SELECT n.rev, n.leaf_hash FROM governance_entry n WHERE n.subject = t.id ORDER BY n.rev DESC LIMIT 1
) p ON true
"""
