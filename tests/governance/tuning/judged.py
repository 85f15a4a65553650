"""Outputs that a threshold decided, as intake and deciding leave them: each row with the entry that judged it, and
where it has a label, the entry that decided it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from governance.evidence.record import Draft, Subject, draft, write
from governance.models import KnownAnswer, Output, System
from governance.people import actors
from governance.policies.registry import in_force


@transaction.atomic
def outputs(system: System, made: Iterable[dict[str, Any]], *, received: datetime | None = None) -> list[UUID]:
    """Writes outputs judged by the policy in force. Each of `made` has `confidence` (millionths) and may have `wrong`
    (True, False, None: no label yet), `audit`, `rule`, and any column of the output. A label is an hour old."""
    force = in_force(system.pk)
    assert force is not None
    threshold, rate = force.policy.threshold.default, force.policy.audit.rate
    rows: list[Output] = []
    entries: list[Draft] = []
    at = received or timezone.now() - timedelta(hours=2)
    for number, one in enumerate(made):
        columns = dict(one)
        confidence, wrong = columns.pop("confidence"), columns.pop("wrong", None)
        is_audit, rule = columns.pop("audit", False), columns.pop("rule", "threshold:default")
        lane = columns.pop("lane", "release" if confidence >= threshold else "review")
        draw = columns.pop("draw", f"{number % 2**32:016x}")
        id = uuid7()
        judged = draft(
            "judged", actor=actors.policy(system.slug, force.number), subject=Subject("output", id, system.pk),
            policy=force.part(), gate={"confidence": confidence, "lane": lane, "audit": is_audit, "draw": draw},
        )  # fmt: skip
        entries.append(judged)
        if wrong is not None:
            entries.append(
                draft(
                    "decided",
                    actor=actors.CONSOLE,
                    decision={"correct": not wrong, "by": "person"},
                    subject=Subject("output", id, system.pk, 1, judged.hash.hex()),
                )
            )
        rows.append(
            Output(**{
                "id": id, "system": system, "external_id": str(id), "body_digest": os.urandom(32), "received_at": at,
                "policy_id": force.version_id, "contract_version": force.contract.version, "model": "reader",
                "model_version": "1", "confidence": confidence, "lane": lane, "rule": rule,
                "threshold": threshold if rule.startswith("threshold:") else None,
                "propensity": rate if lane == "release" else 1_000_000, "is_audit": is_audit, "is_held": False,
                "is_breached": False, "status": "released" if lane == "release" else "in_review",
                "resolved_by": "policy" if lane == "release" else None,
                "label": None if wrong is None else not wrong,
                "labelled_at": None if wrong is None else at + timedelta(hours=1), "entry_id": entries[-1].id,
                **columns,
            })
        )  # fmt: skip
    write(entries)
    Output.objects.bulk_create(rows, batch_size=2000)
    return [row.pk for row in rows]


def several(count: int, *, confidence: int, wrong: int | None = None, **columns: Any) -> list[dict[str, Any]]:
    """`count` outputs of one confidence, the first `wrong` of them wrong (None: without labels)."""
    return [
        {"confidence": confidence, "wrong": None if wrong is None else number < wrong, **columns}
        for number in range(count)
    ]


@transaction.atomic
def known_answers(system: System, *, found: int, of: int) -> None:
    """Errors replayed as new items and judged an hour ago: `found` of them were called wrong."""
    (original,) = outputs(system, several(1, confidence=500_000, wrong=1))
    replays = outputs(system, several(of, confidence=500_000, is_known_answer=True))
    KnownAnswer.objects.bulk_create(
        KnownAnswer(
            system=system, output_id=replay, original_id=original, prompted_by=uuid7(), drawn_as=str(replay),
            found=number < found, final_at=timezone.now() - timedelta(hours=1),
            entry_id=Output.objects.get(pk=replay).entry_id,
        )
        for number, replay in enumerate(replays)
    )  # fmt: skip
