"""Outputs on the reviewers' desk: rows as intake leaves them, with the entry that judged them."""

from __future__ import annotations

import os
from typing import Any

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from governance.evidence.record import Subject, draft, write
from governance.models import Output, OutputContent, System
from governance.people.actors import policy
from governance.policies.canonical import canonical_bytes
from governance.policies.registry import in_force
from reviews.models import Item, Seat
from reviews.routing.waiting import route_waiting


@transaction.atomic
def arrive(system: System, count: int = 1, *, digit: int = 7, purpose: str = "review", held: bool = False,
           blind: bool | None = None, context: dict[str, Any] | None = None, **columns: Any) -> list[Item]:  # fmt: skip
    """Outputs that wait for people, judged by the policy in force and not routed yet, oldest first."""
    force = in_force(system.pk)
    assert force is not None
    is_audit = purpose == "audit"
    outputs, contents, items, entries = [], [], [], []
    for _ in range(count):
        id = uuid7()
        entry = draft(
            "judged",
            actor=policy(system.slug, force.number),
            subject=Subject("output", id, system.pk),
            policy=force.part(),
        )
        entries.append(entry)
        outputs.append(
            Output(**{
                "id": id, "system": system, "external_id": str(id), "body_digest": os.urandom(32),
                "policy_id": force.version_id, "contract_version": force.contract.version, "model": "reader",
                "model_version": "1", "confidence": 950_000 if is_audit else 620_000,
                "lane": "release" if is_audit else "review", "rule": "threshold:default", "threshold": 900_000,
                "propensity": 50_000 if is_audit else 1_000_000, "is_audit": is_audit, "is_held": held,
                "is_breached": False, "status": "released" if is_audit and not held else "in_review",
                "resolved_by": "policy" if is_audit and not held else None,
                "final_at": entry.at if is_audit and not held else None, "entry_id": entry.id, **columns,
            })
        )  # fmt: skip
        said = {"alternatives": [], "attributes": {}, "callback_url": None, "explanation": None, **(context or {})}
        contents.append(
            OutputContent(
                output_id=id, salt_key=os.urandom(32), input='{"pixels":[1,2]}',
                answer=canonical_bytes({"digit": digit}).decode(), context=canonical_bytes(said).decode(),
                gate_inputs="{}", verdict='{"because":"Confidence 0.62 is under 0.90."}',
            )
        )  # fmt: skip
        items.append(
            Item(output_id=id, system=system, purpose=purpose, is_blind=is_audit if blind is None else blind,
                 entry_id=entry.id)
        )  # fmt: skip
    write(entries)
    Output.objects.bulk_create(outputs, batch_size=1000)
    OutputContent.objects.bulk_create(contents, batch_size=1000)
    Item.objects.bulk_create(items, batch_size=1000)
    return items


def desk(system: System, count: int = 1, **columns: Any) -> list[Item]:
    """The same, routed: what reviewers find in their queue."""
    items = arrive(system, count, **columns)
    while route_waiting():
        pass
    return list(Item.objects.filter(pk__in=[item.pk for item in items]).order_by("created_at", "pk"))


def check_constraints() -> None:
    """Asks now what a commit would ask, and lets later statements wait for theirs again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def seat(item: Item, number: int = 1) -> Seat:
    """One seat of an item, as the table has it now."""
    return Seat.objects.get(item=item, number=number)
