"""What a page asks of a threshold once: what produces its outputs now, the looks so far, and what reviewers find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, Count, OuterRef, Subquery, Sum, When, Window

from governance.models import Certificate, Incident, System
from governance.models.tuning import CertificateQuerySet
from governance.tuning import sensitivity
from governance.tuning.ruled import Ruled, ruled, ruled_without_audits
from governance.tuning.scope import Scope, newest_of, scope
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


def currents(system: System, segments: Sequence[str]) -> dict[str, Current]:
    """The same of many segments by four queries, each with the newest of its finished looks only."""
    rows = _taken(Certificate.objects.filter(system=system, segment__in=segments), by=["segment"])
    is_open = Case(When(state="looking", then=1), default=0)
    newest = {row.segment: row for row in rows.order_by("segment", is_open, "-id").distinct("segment")}
    scopes, known, versions = newest_of(system, segments), sensitivity.measured(system), ruled_without_audits(system)
    return {
        segment: Current(
            scopes.get(segment), _past(system, [newest[segment]] if segment in newest else []), known, versions
        )
        for segment in segments
    }


def past(system: System, segment: str = "") -> Past:
    """All of it by one query."""
    taken = _taken(Certificate.objects.of(system, segment), by=None).newest_first()[: MOST_PAST + 1]
    return _past(system, list(taken))


def _taken(rows: CertificateQuerySet, *, by: list[str] | None) -> CertificateQuerySet:
    alarms = Incident.objects.of_audits().since(OuterRef("taken_at")).filter(system=OuterRef("system")).newest_first()
    whole = {
        "looks_in_all": Window(Count("*"), partition_by=by), "level_in_all": Window(Sum("delta"), partition_by=by),
        "alarmed": Subquery(alarms.values("facts")[:1]),
    }  # fmt: skip
    return rows.annotate(**whole)


def _past(system: System, taken: list[Certificate]) -> Past:
    for certificate in taken:
        certificate.system = system
    finished = tuple(certificate for certificate in taken if certificate.state != "looking")
    newest: Any = taken[0] if taken else None
    latest: Any = finished[0] if finished else None
    return Past(
        finished, newest.looks_in_all if newest else 0, newest.level_in_all if newest else 0.0,
        latest.alarmed if latest else None,
    )  # fmt: skip
