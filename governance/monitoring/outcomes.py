"""Outcomes: the truth about an output, learnt later from outside. They raise alarms and are never labels, since nobody
drew at random which outputs somebody hears of."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from governance import clock
from governance.contracts.values import MISSING
from governance.evidence.leaf import time_text
from governance.evidence.record import hash_of, record
from governance.models import Outcome, Output, System
from governance.monitoring import incidents
from governance.people.actors import Actor
from governance.policies.canonical import canonical_bytes
from governance.refusals import NotFound


@transaction.atomic
def tell(
    system: System, *, by: Actor, is_correct: bool, source: str, observed_at: datetime | None = None,
    output: UUID | None = None, external_id: str | None = None, corrected: Any = MISSING, key: UUID | None = None,
) -> tuple[Outcome, bool]:  # fmt: skip
    """Keeps what was learnt of one output (by its id or its external id), and whether it is new: the same again is the
    one kept before. A wrong answer that had gone out opens an incident. Raises NotFound."""
    found = Output.objects.of(system).genuine().select_for_update(of=("self",))
    about = found.filter(pk=output).first() if output else found.filter(external_id=external_id).first()
    if about is None:
        raise NotFound("There is no such output.")
    said = {"correct": is_correct, "observed_at": observed_at and time_text(observed_at), "source": source}
    content = b"" if corrected is MISSING else canonical_bytes(corrected)
    digest = hashlib.sha256(canonical_bytes(said) + b"\0" + content).digest()
    before = Outcome.objects.filter(output=about, digest=digest).first()
    if before is not None:
        return before, False
    id = clock.new_id()
    entry = record(
        "outcome", actor=by, kind="outcome", id=id, system=system.pk, causes=[hash_of(about.entry_id)],
        payloads={"source": source.encode()} | ({"output": content} if content else {}),
        detail={"output": str(about.pk), "correct": is_correct, "observed_at": said["observed_at"]},
    )  # fmt: skip
    kept = Outcome.objects.create(
        id=id, system=system, output=about, is_correct=is_correct, source=source, observed_at=observed_at, key=key,
        digest=digest, entry_id=entry.id,
    )  # fmt: skip
    if not is_correct and about.status == "released":
        incidents.open_incident(
            system, by=by, kind="outcome", output=about, version=about.policy, causes=[entry.hash.hex()],
            title=f"{about.external_id} went out and was wrong, says {source}"[: incidents.MOST_TITLE],
        )  # fmt: skip
    kept.refresh_from_db()
    return kept, True
