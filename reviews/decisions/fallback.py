"""The last step of the ladder: an item that nobody decided in time ends as its policy says. Nobody's judgement.

It ends what a producer still waits for. An audit that was not held, a re-check or a correction waits for nobody: there
the answer has gone out, so the item stays open and a late verdict is still worth having.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from governance.evidence.leaf import time_text
from governance.evidence.record import Draft, Subject, draft, write
from governance.models import Output
from governance.people.actors import policy
from governance.policies.policy import Breach
from governance.policies.registry import in_force
from reviews.delivery import outbox
from reviews.routing.rulebook import Rulebook

_ENDING: Final = """
SELECT i.id, i.system_id, i.output_id, i.due_at, i.rung, i.purpose, i.round, i.reviewers, i.state, i.is_blind,
       o.status, o.is_held, o.is_breached, o.rule, o.policy_id, y.risk_tier, j.leaf_hash, n.rev, n.leaf_hash,
       clock_timestamp()
FROM reviews_item i
JOIN governance_output o ON o.id = i.output_id
JOIN governance_system y ON y.id = i.system_id
JOIN governance_entry j ON j.subject = i.output_id AND j.rev = 1
JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = i.output_id ORDER BY x.rev DESC LIMIT 1
) n ON true
WHERE i.id = ANY(%s)
"""
_CLOSE_ITEMS: Final = """
UPDATE reviews_item i SET state = 'closed', closed_at = r.at, rung = i.rung + 1, next_step_at = NULL, entry_id = r.entry
FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[]) AS r (id, at, entry) WHERE i.id = r.id AND i.state <> 'closed'
"""
_CLOSE_SEATS: Final = """
UPDATE reviews_seat s SET closed_at = r.at, claimed_by_id = NULL, claim_token = NULL, claim_expires_at = NULL,
    held_until = NULL, held_by_id = NULL, entry_id = r.entry
FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[]) AS r (id, at, entry)
WHERE s.item_id = r.id AND s.closed_at IS NULL
"""
# Of a fallback the output names its entry, as it names a person's decision: under that id it can be superseded.
_RESOLVE: Final = """
UPDATE governance_output o
SET status = r.status, resolved_by = 'fallback', final_at = r.at, decision = r.entry, entry_id = r.entry
FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[]) AS r (id, status, at, entry)
WHERE o.id = r.id AND o.status = 'in_review'
"""
# The steps are done, and there is nothing to end.
_LEAVE: Final = "UPDATE reviews_item SET next_step_at = NULL WHERE id = ANY(%s)"


@dataclass(slots=True)
class Ending:
    """An item that nobody decided, with what decides how it ends. `judged` and `prev` are leaf hashes."""

    item: UUID
    system: UUID
    output: UUID
    due_at: datetime
    rung: int
    purpose: str
    round: int
    reviewers: int
    state: str
    is_blind: bool
    status: str
    is_held: bool
    is_breached: bool
    rule: str
    policy: UUID | None
    risk_tier: str
    judged: bytes
    rev: int
    prev: bytes
    now: datetime

    @property
    def waits(self) -> bool:
        """Whether a producer still waits for it."""
        return self.status == "in_review" and self.purpose in ("review", "audit") and self.round == 1


def why_not_released(ending: Ending, *, is_halted: bool) -> str | None:
    """Why the item is rejected although its policy lets late items go out; None when nothing stands against it."""
    reasons = (
        ("no-policy", ending.policy is None),
        ("halted", is_halted or ending.rule == "halt"),
        ("high-risk", ending.risk_tier == "high"),
        ("breached", ending.is_breached),
        ("judging-error", ending.rule == "judging-error"),
        ("unapproved-policy", ending.rule == "unapproved-policy"),
        ("unknown-model", ending.rule == "unknown-model"),
        ("held-audit", ending.is_held),
        ("second-review", ending.reviewers > 1 or ending.state in ("awaiting_second", "adjudication")),
    )
    return next((name for name, holds in reasons if holds), None)


def resolve(late: Sequence[tuple[UUID, Rulebook, Breach]]) -> None:
    """Ends these items, which the caller has locked, as the step of each says; their producers are told.

    It is evidence, marked as by fallback, and never a label. There is no undo; a lead can supersede it.
    """
    if not late:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ENDING, [[item for item, _, _ in late]])
        endings = {row[0]: Ending(*row) for row in cursor.fetchall()}
        cursor.execute(_LEAVE, [[ending.item for ending in endings.values() if not ending.waits]])
    halted: dict[UUID, bool] = {}
    ended: list[tuple[Ending, str, Draft]] = []
    for item, rules, step in late:
        ending = endings[item]
        if not ending.waits:
            continue
        if ending.system not in halted:
            force = in_force(ending.system)
            halted[ending.system] = force is not None and force.is_halted
        against = why_not_released(ending, is_halted=halted[ending.system]) if step.resolve_as == "release" else None
        status = "released" if step.resolve_as == "release" and against is None else "rejected"
        ended.append((ending, status, _entry(ending, rules, step, status, against)))
    if ended:
        _write(ended)


def _entry(ending: Ending, rules: Rulebook, step: Breach, status: str, against: str | None) -> Draft:
    part = rules.part or {}
    detail = {
        "item": str(ending.item), "step": ending.rung + 1, "due_at": time_text(ending.due_at), "as": step.resolve_as,
        "status": status,
    }  # fmt: skip
    return draft(
        "resolved", actor=policy(str(part.get("system", "")), int(part.get("version", 0))), at=ending.now,
        subject=Subject("output", ending.output, ending.system, ending.rev, bytes(ending.prev).hex()),
        causes=(bytes(ending.judged).hex(),), policy=rules.part,
        decision={
            "verdict": "release" if status == "released" else "reject", "reasons": [], "correct": None,
            "blind": ending.is_blind, "seat": None, "round": ending.round, "purpose": ending.purpose, "by": "fallback",
        },
        detail=detail | ({"refused": against} if against else {}),
    )  # fmt: skip


def _write(ended: Sequence[tuple[Ending, str, Draft]]) -> None:
    write([entry for _, _, entry in ended])
    items = [ending.item for ending, _, _ in ended]
    outputs = [ending.output for ending, _, _ in ended]
    at, entries = [ending.now for ending, _, _ in ended], [entry.id for _, _, entry in ended]
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, [outputs, [status for _, status, _ in ended], at, entries])
        cursor.execute(_CLOSE_ITEMS, [items, at, entries])
        cursor.execute(_CLOSE_SEATS, [items, at, entries])
    for ending, _, entry in ended:
        outbox.announce(Output(pk=ending.output, system_id=ending.system), "output.resolved", cause=entry)
