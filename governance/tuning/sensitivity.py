"""What share of wrong answers reviewers find, measured on known answers: errors that two people had confirmed, replayed
as new items among the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, Q

from governance import clock
from governance.models import KnownAnswer, System
from governance.tuning.bounds import clopper_pearson_lower, clopper_pearson_upper

WINDOW: Final = timedelta(days=180)
# Fixed in advance: were it chosen by what they show, a certificate could pick the kinder of two assumptions.
ENOUGH: Final = 30
LEVEL: Final = 0.025


@dataclass(frozen=True)
class Sensitivity:
    """How many of the seeded, known-wrong items reviewers found."""

    found: int
    seeded: int
    assisted: int = 0  # of the seeded, with the AI's answer in sight
    assisted_found: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether a certificate may rest on it."""
        return self.seeded >= ENOUGH

    @property
    def share(self) -> float | None:
        return self.found / self.seeded if self.seeded else None

    @property
    def lower(self) -> float:
        """The lower end of the 95 % interval of Clopper and Pearson."""
        return clopper_pearson_lower(self.found, self.seeded, LEVEL)

    @property
    def upper(self) -> float:
        return clopper_pearson_upper(self.found, self.seeded, LEVEL)


def measured(system: System) -> Sensitivity:
    """What the known answers of the last 180 days say of the system's reviewers."""
    judged = KnownAnswer.objects.of(system).judged().filter(seeded_at__gte=clock.now() - WINDOW)
    in_sight, is_found = Q(is_blind=False), Q(found=True)
    counted = judged.aggregate(
        all=Count("pk"), all_found=Count("pk", filter=is_found), assisted=Count("pk", filter=in_sight),
        assisted_found=Count("pk", filter=in_sight & is_found),
    )  # fmt: skip
    return Sensitivity(counted["all_found"], counted["all"], counted["assisted"], counted["assisted_found"])
