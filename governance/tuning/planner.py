"""How many audits a certificate needs, at which rate, and how long that takes. Pure; for planning, no guarantee."""

from __future__ import annotations

import math
from dataclasses import dataclass

from governance.tuning.bounds import audits_for_power, audits_needed

POWER = 0.8


@dataclass(frozen=True)
class Plan:
    """What a certificate takes. Rates and risks are shares of 1.

    `audits` are needed in all for a chance of `power` to certify when the true risk is `expected_risk`; `at_best` if
    none of them is wrong. `more` are still missing. `days` is the time to the missing ones at `rate`, None where they
    never come (nothing flows or nothing is audited). `rate_needed` brings them within `within_days`, None where even
    auditing everything would not.
    """

    target: float
    delta: float
    expected_risk: float
    released_per_day: float
    rate: float
    audits: int
    at_best: int
    more: int
    days: float | None
    within_days: float
    rate_needed: float | None
    power: float = POWER

    @property
    def audits_per_day(self) -> float:
        return self.released_per_day * self.rate


def plan(
    *, target: float, delta: float, expected_risk: float, released_per_day: float, rate: float, have: int = 0,
    within_days: float = 30.0, power: float = POWER,
) -> Plan:  # fmt: skip
    """The plan for one threshold, at or above which `released_per_day` outputs come and `have` were judged already.

    `target` and `delta` are what the test may use (corrected for reviewers, spent for the look). Audits that exist
    count in full: with more wrong ones among them than expected, more are needed. Raises ValueError when the expected
    risk is not under the target or too close to it to be told apart, and on rates and loads that cannot be.
    """
    if not 0.0 <= rate <= 1.0 or not released_per_day >= 0.0 or have < 0 or not within_days > 0.0:
        raise ValueError("A rate lies between 0 and 1, and loads are not negative.")
    audits = audits_for_power(target, delta, expected_risk, power)
    more = max(0, audits - have)
    flow = released_per_day * rate
    days = 0.0 if not more else more / flow if flow > 0 else None
    needed = more / (released_per_day * within_days) if released_per_day else math.inf
    return Plan(
        target, delta, expected_risk, released_per_day, rate, audits, audits_needed(target, delta), more, days,
        within_days, needed if needed <= 1.0 else None, power,
    )  # fmt: skip


def band_needs(*, target: float, delta: float, labels: int, wrong: int) -> int:
    """How many more verdicts on a slice of confidence, none of them wrong, would show that it alone is under the target
    at level `delta`; 0 when the ones there do."""
    return max(0, audits_needed(target, delta, wrong) - labels)
