"""The versions of a policy that have ruled, and what the audits of each have found at one threshold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from governance.models import System
from governance.tuning.scope import rule_of

MOST_AUDITED: Final = 8


@dataclass(frozen=True)
class Ruled:
    """One version's time in force. The audits are of all models; those without a verdict are due, the oldest since
    then. Of the newest `MOST_AUDITED` versions only: before them all are 0."""

    version: UUID
    number: int
    begins: datetime
    ends: datetime | None
    audits: int
    wrong: int
    due: int
    oldest_due: datetime | None


_RULED: Final = """
SELECT v.id, v.number, v.in_force_from, v.retired_at, a.*
FROM (
    SELECT id, number, in_force_from, retired_at, row_number() OVER (ORDER BY in_force_from DESC) AS place
    FROM governance_policyversion WHERE system_id = %(system)s AND in_force_from IS NOT NULL
) v CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE label IS NOT NULL), count(*) FILTER (WHERE NOT label),
        count(*) FILTER (WHERE label IS NULL), min(received_at) FILTER (WHERE label IS NULL)
    FROM governance_output
    WHERE v.place <= %(most)s AND policy_id = v.id AND rule = %(rule)s AND is_audit AND NOT is_known_answer
) a ORDER BY v.place
"""


def ruled_without_audits(system: System) -> tuple[Ruled, ...]:
    """The same where nobody asks what audits found: they are not read, and 0."""
    with connection.cursor() as cursor:
        cursor.execute(_RULED, {"system": system.pk, "rule": "", "most": 0})
        return tuple(Ruled(*row) for row in cursor.fetchall())


def ruled(system: System, segment: str = "") -> tuple[Ruled, ...]:
    """Every version that was ever in force, the newest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_RULED, {"system": system.pk, "rule": rule_of(segment), "most": MOST_AUDITED})
        return tuple(Ruled(*row) for row in cursor.fetchall())
