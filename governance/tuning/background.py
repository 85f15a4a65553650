"""What an owner reads beside the figure: how confidence has moved, which audits are due, what reviewers find, and what
earlier thresholds promised and kept. A bounded query each; displays, never part of a guarantee."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from governance.models import Certificate
from governance.policies.registry import compiled
from governance.tuning.bounds import clopper_pearson_lower, clopper_pearson_upper
from governance.tuning.calibration import Difference, difference, stability
from governance.tuning.certify import MILLION
from governance.tuning.ruled import MOST_AUDITED, Ruled
from governance.tuning.samples import OVERDUE, Scope
from governance.tuning.sensitivity import Sensitivity

LATEST: Final = 20_000
PERIODS: Final = 6
BINS: Final = 10
LEVEL: Final = 0.025

# The newest outputs of this model, in equal parts from old to new.
_HISTOGRAM: Final = """
SELECT period, least(width_bucket(confidence, 0, 1000000, %(bins)s), %(bins)s), count(*), min(received_at)
FROM (
    SELECT confidence, received_at, ntile(%(periods)s) OVER (ORDER BY id) AS period FROM (
        SELECT id, confidence, received_at, model, model_version FROM governance_output
        WHERE system_id = %(system)s AND NOT is_known_answer ORDER BY id DESC LIMIT %(latest)s
    ) newest WHERE confidence IS NOT NULL AND model = %(model)s AND model_version = %(model_version)s
) parted GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Period:
    """The confidence of an equal part of the newest outputs: shares by tenths, and how far it has moved since the first
    part (population stability index; 0.1 is little, 0.25 is much)."""

    begins: datetime
    outputs: int
    shares: tuple[float, ...]
    moved: float


@dataclass(frozen=True)
class Reviewers:
    """What known answers say of the reviewers. `bias` is the share of errors missed with the AI's answer in sight, less
    the share that blind reviewers make too; positive where seeing the answer sways them."""

    known: Sensitivity
    assisted: int
    assisted_missed: int
    blind: int
    blind_missed: int
    bias: Difference


@dataclass(frozen=True)
class Reign:
    """One policy version's time in force: what its certificate expected of its threshold, and what its audits found."""

    number: int
    threshold: int
    begins: datetime
    ends: datetime | None
    expected: float | None
    expected_bound: float | None
    audits: int
    wrong: int
    due: int
    oldest_due: datetime | None

    @property
    def found(self) -> float | None:
        return self.wrong / self.audits if self.audits else None

    @property
    def lower(self) -> float:
        return clopper_pearson_lower(self.wrong, self.audits, LEVEL)

    @property
    def upper(self) -> float:
        return clopper_pearson_upper(self.wrong, self.audits, LEVEL)


@dataclass(frozen=True)
class Background:
    periods: tuple[Period, ...]
    reviewers: Reviewers
    reigns: tuple[Reign, ...]

    @property
    def audits_done(self) -> int:
        return sum(reign.audits for reign in self.reigns)

    @property
    def audits_due(self) -> int:
        return sum(reign.due for reign in self.reigns)

    @property
    def oldest_due(self) -> datetime | None:
        return min((reign.oldest_due for reign in self.reigns if reign.oldest_due), default=None)

    @property
    def overdue_days(self) -> int:
        return OVERDUE.days


def background(of: Scope, *, looks: Sequence[Certificate], known: Sensitivity, versions: Sequence[Ruled]) -> Background:
    """All of it for one threshold of one system. `looks` are its finished looks, `versions` those that have ruled, the
    newest first."""
    return Background(periods(of), reviewers(known), reigns(of.segment, looks, versions))


def reviewers(known: Sensitivity) -> Reviewers:
    blind, missed = known.seeded - known.assisted, known.assisted - known.assisted_found
    blind_missed = blind - (known.found - known.assisted_found)
    return Reviewers(
        known, known.assisted, missed, blind, blind_missed, difference(missed, known.assisted, blind_missed, blind)
    )


def periods(of: Scope) -> tuple[Period, ...]:
    asked: dict[str, Any] = {
        "system": of.system.pk, "model": of.model, "model_version": of.model_version, "latest": LATEST,
        "periods": PERIODS, "bins": BINS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_HISTOGRAM, asked)
        rows = cursor.fetchall()
    counts: dict[int, list[int]] = {}
    begins: dict[int, datetime] = {}
    for period, slot, count, first in rows:
        counts.setdefault(period, [0] * BINS)[max(slot, 1) - 1] += count
        begins[period] = min(begins.get(period, first), first)
    parts = [(begins[period], counts[period]) for period in sorted(counts)]
    return tuple(
        Period(start, sum(part), tuple(count / sum(part) for count in part), stability(parts[0][1], part))
        for start, part in parts
    )


def reigns(segment: str, looks: Sequence[Certificate], versions: Sequence[Ruled]) -> tuple[Reign, ...]:
    """The newest of the versions that have ruled, beside what was expected of each."""
    found = [_reign(version, segment, looks) for version in versions[:MOST_AUDITED]]
    return tuple(reign for reign in found if reign is not None)


def _reign(version: Ruled, segment: str, looks: Sequence[Certificate]) -> Reign | None:
    policy = compiled(version.version)
    thresholds = {"": policy.threshold.default} | {part.id: part.threshold for part in policy.threshold.segments}
    if segment not in thresholds:
        return None
    threshold = thresholds[segment]
    expected = next((step for step in _steps(looks, version.begins) if step["threshold"] == threshold), {})
    return Reign(
        version.number, threshold, version.begins, version.ends, expected.get("estimate"), expected.get("bound"),
        version.audits, version.wrong, version.due, version.oldest_due,
    )  # fmt: skip


def _steps(looks: Sequence[Certificate], before: datetime) -> list[dict[str, Any]]:
    """The tests of the last look that was taken before a policy came into force."""
    last = next((look for look in looks if look.taken_at <= before), None)
    if last is None:
        return []
    document = json.loads(last.document)
    times = max(1.0, last.target / MILLION / document["reading"]["target"])  # as the figure shows it
    return [step | {"bound": min(1.0, step["bound"] * times)} for step in document["reading"]["steps"]]
