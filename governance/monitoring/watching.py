"""Watching the policies in force: an alarm when the audits of what goes out alone say that its risk has risen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from governance.models import Incident, PolicyVersion, System
from governance.monitoring import incidents
from governance.people.actors import machine
from governance.policies.registry import compiled
from governance.tuning import detector
from governance.tuning.certify import MILLION
from governance.tuning.samples import OVERDUE
from governance.tuning.words import percent, target

WATCHER: Final = machine("watcher")
# With fewer audits a year an alarm by chance each year would need hardly any evidence at all.
FEWEST_A_YEAR: Final = 1000

# In the order in which the verdicts became known; what nobody judged in time counts as wrong, a case counts once.
_AUDITS: Final = """
SELECT wrong FROM (
    SELECT DISTINCT ON (coalesce(o.case_key::text, o.id::text)) coalesce(NOT o.label, true) AS wrong,
        coalesce(o.labelled_at, o.received_at + make_interval(secs => %(grace)s)) AS at, o.id
    FROM governance_output o
    WHERE o.policy_id = %(policy)s AND o.is_audit AND NOT o.is_known_answer AND o.rule LIKE 'threshold:%%'
      AND (o.labelled_at <= statement_timestamp() - make_interval(secs => %(undo)s)
           OR o.label IS NULL AND o.received_at < statement_timestamp() - make_interval(secs => %(grace)s))
    ORDER BY coalesce(o.case_key::text, o.id::text), o.id
) a WHERE at > %(since)s ORDER BY at, id
"""
_A_YEAR: Final = """
SELECT count(*) * 365.0 / 30 FROM governance_output
WHERE system_id = %s AND is_audit AND received_at > statement_timestamp() - interval '30 days'
"""


@dataclass(frozen=True)
class Watched:
    """The audits of the policy in force since it came, or since its last alarm was closed. `alarm` is the number of
    audits after which the detector spoke, `since_activation` the same of the slower test that never forgets; None for
    silence."""

    version: PolicyVersion
    audits: int
    wrong: int
    target: float
    alarm: int | None
    since_activation: int | None

    @property
    def is_alarmed(self) -> bool:
        return self.alarm is not None or self.since_activation is not None


def watched(system: System) -> Watched | None:
    """What the detector says now; None without a policy in force."""
    return watched_version(system, system.in_force) if system.in_force else None


def watched_version(system: System, version: PolicyVersion) -> Watched | None:
    """What it says of one version, in force or canary; None for one that has never judged."""
    if version.in_force_from is None:
        return None
    policy = compiled(version.pk)
    closed = Incident.objects.filter(version=version, kind="alarm", state="closed").order_by("-closed_at")
    since = max(filter(None, (version.in_force_from, closed.values_list("closed_at", flat=True).first())))
    verdicts = _verdicts(version, since)
    goal = min(max(policy.risk.target / MILLION, 1e-6), 0.79)
    a_year = _a_year(system)
    return Watched(
        version, len(verdicts), int(verdicts.sum()), goal,
        detector.first_alarm(verdicts, goal, a_year),
        detector.first_since_activation(verdicts, goal, 1 - policy.risk.confidence / MILLION),
    )  # fmt: skip


def watch() -> list[Incident]:
    """Opens an incident for each policy in force whose audits alarm and that has none open; the ones opened."""
    opened = []
    for system in System.objects.with_policy().filter(in_force__isnull=False):
        seen = watched(system)
        if seen is not None and seen.is_alarmed:
            opened.append(_alarm(system, seen))
    return [incident for incident in opened if incident is not None]


def _alarm(system: System, seen: Watched) -> Incident | None:
    share = percent(seen.wrong / seen.audits)
    which = "detector" if seen.alarm is not None else "since activation"
    return incidents.open_incident(
        system, by=WATCHER, kind="alarm", version=seen.version,
        title=f"{seen.wrong} of {seen.audits} audits wrong ({share}) under policy {seen.version.number}; "
        f"the target is {target(seen.target)}",
        facts={"audits": seen.audits, "wrong": seen.wrong, "after": seen.alarm or seen.since_activation,
               "test": which, "target": round(seen.target * MILLION)},
    )  # fmt: skip


def _verdicts(version: PolicyVersion, since: datetime) -> NDArray[np.bool_]:
    policy = compiled(version.pk)
    asked: dict[str, Any] = {
        "policy": version.pk, "since": since, "grace": (policy.sla.due_in + OVERDUE).total_seconds(),
        "undo": float(policy.review.undo_seconds),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AUDITS, asked)
        return np.array([row[0] for row in cursor.fetchall()], dtype=np.bool_)


def _a_year(system: System) -> float:
    with connection.cursor() as cursor:
        cursor.execute(_A_YEAR, [system.pk])
        return max(float(FEWEST_A_YEAR), float(cursor.fetchone()[0]))
