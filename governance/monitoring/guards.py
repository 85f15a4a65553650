"""Guards: what takes a policy back by itself. The alarm of its audits always does; a policy may name more of them.

A canary is taken off its trial; a version in force makes way for the last approved one before it, or, where there is
none, its system is halted. Either way an incident says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction

from governance.models import Incident, PolicyVersion, System
from governance.monitoring import incidents, watching
from governance.policies import halting, lifecycle, steps, trials
from governance.policies.candidate import MILLION
from governance.policies.policy import Guards
from governance.policies.registry import compiled
from governance.policies.sentences import percent
from governance.refusals import Conflict

_COUNTS: Final = """
SELECT count(*), count(*) FILTER (WHERE o.is_breached),
    count(*) FILTER (WHERE o.resolved_by = 'person' AND o.final_at <= statement_timestamp()),
    count(*) FILTER (WHERE o.status IN ('overridden', 'rejected') AND o.resolved_by = 'person'
                     AND o.final_at <= statement_timestamp()),
    count(*) FILTER (WHERE o.status = 'in_review')
FROM governance_output o WHERE o.policy_id = %s AND o.received_at >= %s AND NOT o.is_known_answer
"""


@dataclass(frozen=True, slots=True)
class Crossed:
    """A guard that was crossed: which one, in a sentence, and what was counted."""

    guard: str
    sentence: str
    facts: dict[str, Any]


def crossed(version: PolicyVersion) -> Crossed | None:
    """The first of a policy's own guards that its outputs cross since it came; None while none does."""
    guards = compiled(version.pk).guards
    if guards == Guards() or version.in_force_from is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [version.pk, version.in_force_from])
        outputs, broken, decided, changed, waiting = cursor.fetchone()
    if guards.backlog is not None and waiting > guards.backlog:
        sentence = f"{waiting} items of policy {version.number} wait; its guard allows {guards.backlog}"
        return Crossed("backlog", sentence, {"waiting": waiting, "allowed": guards.backlog})
    for name, wrong, of, limit, said in (
        ("breach_rate", broken, outputs, guards.breach_rate, "outputs break the contract"),
        ("override_rate", changed, decided, guards.override_rate, "decisions changed the answer"),
    ):
        if limit is not None and of >= guards.least and wrong * MILLION > limit * of:
            sentence = f"{wrong} of {of} {said} under policy {version.number}; its guard allows {percent(limit)}"
            return Crossed(name, sentence, {"counted": wrong, "of": of, "allowed": limit})
    return None


def check() -> list[Incident]:
    """Looks at every version in force and every canary, and takes back what crosses a guard; the incidents opened."""
    opened = []
    systems = System.objects.with_policy().filter(in_force__isnull=False).select_related("trial", "in_force__contract")
    for system in systems:
        for version in (system.trial, system.in_force):
            if version is None or version.state not in ("canary", "in_force"):
                continue
            found = crossed(version) or _alarmed(system, version)
            if found is not None and (incident := _take_back(system, version, found)):
                opened.append(incident)
    return opened


def _alarmed(system: System, version: PolicyVersion) -> Crossed | None:
    """The alarm of the audits: of the version in force, whoever opened its incident; of a canary, here."""
    seen = watching.watched_version(system, version)
    if seen is None or not seen.is_alarmed:
        return None
    return Crossed(
        "error", f"{seen.wrong} of {seen.audits} audits wrong under policy {version.number}",
        {"audits": seen.audits, "wrong": seen.wrong, "target": round(seen.target * MILLION)},
    )  # fmt: skip


def _take_back(system: System, version: PolicyVersion, found: Crossed) -> Incident | None:
    """Takes the version back and opens the incident, both or neither; None when somebody else was quicker."""
    try:
        with transaction.atomic():
            how = _step_back(system, version, found.sentence)
            return incidents.open_incident(
                system, by=steps.GUARD, kind="alarm", version=version, title=f"{found.sentence}. {how}"[:200],
                facts={"guard": found.guard, "done": how, **found.facts},
            )  # fmt: skip
    except Conflict:
        return None


def _step_back(system: System, version: PolicyVersion, why: str) -> str:
    if version.state == "canary":
        trials.stop(version, by=steps.GUARD, because=why)
        return "The canary was ended."
    try:
        with transaction.atomic():
            earlier = lifecycle.restore(system, by=steps.GUARD, because=why)
    except Conflict:
        halting.halt(system, by=steps.GUARD, because=why)
        return "The system was halted: there is no earlier policy."
    return f"Policy {earlier.number} is in force again."
