"""What a page asks of a threshold once: what produces its outputs now, the looks so far, and what reviewers find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, OuterRef, Subquery, Sum, Window

from governance.models import Certificate, Incident, System
from governance.tuning import sensitivity
from governance.tuning.ruled import Ruled, ruled
from governance.tuning.scope import Scope, scope
from governance.tuning.sensitivity import Sensitivity

MOST_PAST: Final = 8


@dataclass(frozen=True)
class Past:
    """The looks at one threshold: the finished ones, the newest first and at most `MOST_PAST` of them, how many were
    begun in all, and the level they used up together. `alarm` is what the last alarm since the latest has found."""

    certificates: tuple[Certificate, ...]
    looks: int
    level: float
    alarm: dict[str, Any] | None = None

    @property
    def latest(self) -> Certificate | None:
        return next(iter(self.certificates), None)


@dataclass(frozen=True)
class Current:
    """`scope` is that of the newest output, None before the first; `versions` are those that have ruled."""

    scope: Scope | None
    past: Past
    known: Sensitivity
    versions: tuple[Ruled, ...]


def current(system: System, segment: str = "") -> Current:
    """All of it, by four queries."""
    return Current(scope(system, segment), past(system, segment), sensitivity.measured(system), ruled(system, segment))


def past(system: System, segment: str = "") -> Past:
    """All of it by one query."""
    alarms = Incident.objects.of_audits().since(OuterRef("taken_at")).filter(system=OuterRef("system")).newest_first()
    whole = {
        "looks_in_all": Window(Count("*")), "level_in_all": Window(Sum("delta")),
        "alarmed": Subquery(alarms.values("facts")[:1]),
    }  # fmt: skip
    taken = list(Certificate.objects.of(system, segment).annotate(**whole).newest_first()[: MOST_PAST + 1])
    for certificate in taken:
        certificate.system = system
    finished = tuple(certificate for certificate in taken if certificate.state != "looking")
    newest: Any = taken[0] if taken else None
    latest: Any = finished[0] if finished else None
    return Past(
        finished, newest.looks_in_all if newest else 0, newest.level_in_all if newest else 0.0,
        latest.alarmed if latest else None,
    )  # fmt: skip
