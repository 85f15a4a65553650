"""What a page asks of a threshold once: what produces its outputs now, the looks so far, and what reviewers find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Sum, Window

from governance.models import Certificate, System
from governance.tuning import sensitivity
from governance.tuning.scope import Scope, scope
from governance.tuning.sensitivity import Sensitivity

MOST_PAST: Final = 8


@dataclass(frozen=True)
class Past:
    """The looks at one threshold: the finished ones, the newest first and at most `MOST_PAST` of them, how many were
    begun in all, and the level they used up together."""

    certificates: tuple[Certificate, ...]
    looks: int
    level: float

    @property
    def latest(self) -> Certificate | None:
        return next(iter(self.certificates), None)


@dataclass(frozen=True)
class Current:
    """`scope` is that of the newest output, None before the first."""

    scope: Scope | None
    past: Past
    known: Sensitivity


def current(system: System, segment: str = "") -> Current:
    """All of it, by three queries."""
    return Current(scope(system, segment), past(system, segment), sensitivity.measured(system))


def past(system: System, segment: str = "") -> Past:
    """All of it by one query."""
    whole = {"looks_in_all": Window(Count("*")), "level_in_all": Window(Sum("delta"))}
    taken = list(Certificate.objects.of(system, segment).annotate(**whole).newest_first()[: MOST_PAST + 1])
    for certificate in taken:
        certificate.system = system
    finished = tuple(certificate for certificate in taken if certificate.state != "looking")
    newest: Any = taken[0] if taken else None
    return Past(finished, newest.looks_in_all if newest else 0, newest.level_in_all if newest else 0.0)
