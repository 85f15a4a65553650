"""How far a system has moved from what its contract was made for: confidence, answers, and how often it is broken.

Two windows of a bounded number of outputs are compared: the first ones under the contract in force, and the newest.
Everything is a display with the limits that the contract names; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from scipy import stats

from governance.contracts.schema import Contract
from governance.models import PolicyVersion, System
from governance.policies.registry import compiled_contract
from governance.tuning.calibration import stability, wilson

WINDOW: Final = 5_000
FEWEST: Final = 100
MOST_ANSWERS: Final = 50
LATELY: Final = 200_000
DAYS: Final = 30
BINS: Final = 10

_WINDOWS: Final = """
WITH every AS NOT MATERIALIZED (
    SELECT o.id, o.confidence, o.is_breached, o.received_at FROM governance_output o
    WHERE o.system_id = %(system)s AND o.id >= %(from)s AND NOT o.is_known_answer
), first AS (SELECT * FROM every ORDER BY id LIMIT %(window)s),
newest AS (SELECT * FROM every ORDER BY id DESC LIMIT %(window)s)
SELECT 'first' AS which, id, confidence, is_breached, received_at FROM first
UNION ALL SELECT 'newest', id, confidence, is_breached, received_at FROM newest ORDER BY 2
"""
_ANSWERS: Final = """
SELECT c.output_id, coalesce(c.output_json::jsonb #>> %(path)s, '') FROM governance_outputcontent c
WHERE c.output_id = ANY(%(ids)s) AND c.salt_key <> ''
"""
_DAYS: Final = """
SELECT day, count(*), count(*) FILTER (WHERE is_breached), array_agg(slot) FROM (
    SELECT (received_at AT TIME ZONE 'UTC')::date AS day, is_breached,
        least(width_bucket(confidence, 0, 1000000, %(bins)s), %(bins)s) AS slot
    FROM governance_output WHERE system_id = %(system)s AND NOT is_known_answer
        AND received_at > statement_timestamp() - make_interval(days => %(days)s)
    ORDER BY id DESC LIMIT %(most)s
) lately GROUP BY day ORDER BY day
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure beside what the contract tolerates. `value` is None where there is too little to compare."""

    value: float | None
    limit: float | None
    why_not: str = ""

    @property
    def is_over(self) -> bool:
        return self.value is not None and self.limit is not None and self.value > self.limit


@dataclass(frozen=True, slots=True)
class Window:
    outputs: int
    begins: datetime
    ends: datetime
    slots: tuple[int, ...]
    answers: dict[str, int]

    def share(self, slot: int) -> float:
        return self.slots[slot] / max(1, sum(self.slots))


@dataclass(frozen=True, slots=True)
class Day:
    """One day: outputs, broken contracts with their share and its 95 % interval, and how far confidence has moved."""

    day: date
    outputs: int
    broken: int
    low: float
    high: float
    moved: float | None

    @property
    def rate(self) -> float:
        return self.broken / self.outputs


@dataclass(frozen=True, slots=True)
class Drift:
    """`gap` is the two-sample Kolmogorov-Smirnov statistic of confidence, `chance` its p-value."""

    contract: Contract
    before: Window | None
    now: Window | None
    confidence: Measure
    answers: Measure
    breaches: Measure
    broken: tuple[int, int]
    interval: tuple[float, float]
    gap: float | None
    chance: float | None
    days: tuple[Day, ...]

    @property
    def over(self) -> int:
        """How many limits of the contract are passed."""
        return sum(measure.is_over for measure in (self.confidence, self.answers, self.breaches))


def measured(system: System) -> Drift | None:
    """What the newest outputs say beside the first ones under the contract in force; None without a policy in force."""
    if system.in_force is None:
        return None
    contract = compiled_contract(system.in_force.contract_id)
    rows = _rows(system)
    first, newest = ([row for row in rows if row[0] == which] for which in ("first", "newest"))
    if len(newest) < WINDOW:  # all there is: its older half beside its newer one
        first, newest = newest[: len(newest) // 2], newest[len(newest) // 2 :]
    else:
        known = {row[1] for row in first}
        newest = [row for row in newest if row[1] not in known]
    limits = {name: float(amount) for name, amount in contract.drift.items()}
    before, now = (_window(rows, contract) for rows in (first, newest))
    broken = sum(row[3] for row in newest)
    sure = [[row[2] for row in rows if row[2] is not None] for rows in (first, newest)]
    is_enough = min(map(len, sure)) >= FEWEST
    test = stats.ks_2samp(*sure, method="asymp") if is_enough else None
    return Drift(
        contract, before, now, _moved(before, now, limits.get("confidence_psi"), sure),
        _answered(before, now, limits.get("label_psi")),
        Measure(broken / len(newest) if newest else None, limits.get("contract_breach_rate"), _few(len(newest), 1)),
        (broken, len(newest)), wilson(broken, len(newest)) if newest else (0.0, 1.0),
        float(test.statistic) if test else None, float(test.pvalue) if test else None, _days(system, before),
    )  # fmt: skip


def _rows(system: System) -> list[tuple[Any, ...]]:
    assert system.in_force is not None  # noqa: S101  the caller looked
    ruled = PolicyVersion.objects.of(system).filter(
        contract=system.in_force.contract_id, in_force_from__isnull=False
    )  # fmt: skip
    since = ruled.order_by("in_force_from").values_list("in_force_from", flat=True).first()
    # Ids begin with the millisecond at which they were made (RFC 9562), so the index of ids finds a moment.
    floor = UUID(int=(int(since.timestamp() * 1000) if since else 0) << 80)
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS, {"system": system.pk, "from": floor, "window": WINDOW})
        return list(cursor.fetchall())


def _window(rows: Sequence[tuple[Any, ...]], contract: Contract) -> Window | None:
    if not rows:
        return None
    slots = [0] * BINS
    for row in rows:
        if row[2] is not None:
            slots[min(row[2] * BINS // 1_000_000, BINS - 1)] += 1
    path = list(contract.correct_when[0][1:]) if contract.correct_when else []
    answers: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, {"ids": [row[1] for row in rows], "path": path})
        for _, answer in cursor.fetchall():
            answers[answer] = answers.get(answer, 0) + 1
    return Window(len(rows), rows[0][4], rows[-1][4], tuple(slots), answers)


def _moved(
    before: Window | None, now: Window | None, limit: float | None, sure: Sequence[Sequence[int]]
) -> Measure:  # fmt: skip
    fewest = min(map(len, sure))
    if before is None or now is None or fewest < FEWEST:
        return Measure(None, limit, _few(fewest, FEWEST))
    return Measure(stability(before.slots, now.slots), limit)


def _answered(before: Window | None, now: Window | None, limit: float | None) -> Measure:
    fewest = min(sum(window.answers.values()) if window else 0 for window in (before, now))
    if before is None or now is None or fewest < FEWEST:
        return Measure(None, limit, _few(fewest, FEWEST))
    names = sorted(before.answers.keys() | now.answers.keys())
    if len(names) > MOST_ANSWERS:
        return Measure(None, limit, f"More than {MOST_ANSWERS} different answers: their shares say nothing.")
    return Measure(stability(*([window.answers.get(name, 0) for name in names] for window in (before, now))), limit)


def _few(there: int, wanted: int) -> str:
    return f"{there} outputs in the smaller window; {wanted} are needed." if there < wanted else ""


def _days(system: System, before: Window | None) -> tuple[Day, ...]:
    asked: dict[str, Any] = {"system": system.pk, "bins": BINS, "days": DAYS, "most": LATELY}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, asked)
        return tuple(
            _day(day, outputs, broken, slots, before) for day, outputs, broken, slots in cursor.fetchall()
        )  # fmt: skip


def _day(day: date, outputs: int, broken: int, slots: Sequence[int | None], before: Window | None) -> Day:
    counts = [0] * BINS
    for slot in slots:
        if slot is not None:
            counts[max(slot, 1) - 1] += 1
    is_enough = before is not None and min(sum(counts), sum(before.slots)) >= FEWEST
    low, high = wilson(broken, outputs)
    return Day(day, outputs, broken, low, high, stability(before.slots, counts) if before and is_enough else None)
