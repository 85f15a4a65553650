"""Released outputs that an audit found wrong: an incident for each, once the verdict is final."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection

from governance.evidence.record import hash_of
from governance.models import Incident, Output
from governance.monitoring import incidents
from governance.people.actors import machine
from reviews.models import Decision

AUDITOR: Final = machine("audits")
MOST_AT_ONCE: Final = 200
_FOUND: Final = """
SELECT o.id, o.correction FROM governance_output o JOIN reviews_decision d ON d.id = o.correction
WHERE o.correction IS NOT NULL AND NOT o.is_known_answer AND d.undone_at IS NULL AND d.final_at <= clock_timestamp()
  AND NOT EXISTS (SELECT FROM governance_incident i WHERE i.output_id = o.id AND i.kind IN ('audit', 'outcome'))
LIMIT %s
"""


def open_incidents() -> list[Incident]:
    """An incident for each output whose audit says "wrong" for good and that has none; the ones opened."""
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [MOST_AT_ONCE])
        found = dict(cursor.fetchall())
    outputs = Output.objects.select_related("system", "policy").defer("policy__document").in_bulk(found)
    opened = [_open(outputs[id], decision) for id, decision in found.items()]
    return [incident for incident in opened if incident is not None]


def _open(output: Output, decision: UUID) -> Incident | None:
    entry = Decision.objects.values_list("entry_id", flat=True).get(pk=decision)
    return incidents.open_incident(
        output.system, by=AUDITOR, kind="audit", output=output, version=output.policy, causes=[hash_of(entry)],
        title=f"{output.external_id} went out alone and an audit found it wrong"[: incidents.MOST_TITLE],
    )  # fmt: skip
