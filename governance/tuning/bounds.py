"""Exact bounds on a rate of wrong outputs, and how many audits a bound needs.

Counts are integers, rates and levels are shares between 0 and 1. Everything here is one-sided at level `delta`: the
statement is false with probability at most `delta`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

BETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_AUDITS = 10**9


def clopper_pearson_upper(wrong: int, labelled: int, delta: float) -> float:
    """Upper Clopper-Pearson limit (Biometrika 26, 1934) of the rate; 1.0 where nothing is labelled."""
    _check_rate(wrong, labelled, delta)
    return 1.0 if wrong == labelled else float(special.betaincinv(wrong + 1, labelled - wrong, 1 - delta))


def clopper_pearson_lower(wrong: int, labelled: int, delta: float) -> float:
    """Lower Clopper-Pearson limit of the rate; 0.0 where nothing was wrong."""
    _check_rate(wrong, labelled, delta)
    return 0.0 if wrong == 0 else float(special.betaincinv(wrong, labelled - wrong + 1, delta))


def most_wrong(released: int, audited: int, wrong: int, delta: float) -> int:
    """How many of these `released` outputs are wrong at most: a statement on the past, a finite population.

    H = max {M : hypergeom.cdf(wrong; released, M, audited) > delta}; includes the `wrong` already found. Valid for a
    simple random sample of `audited` out of `released`. Raises ValueError on counts that cannot be.
    """
    if not 0 <= wrong <= audited <= released:
        raise ValueError(f"Counts must satisfy 0 <= wrong <= audited <= released, not {wrong}, {audited}, {released}.")
    low, high = wrong, released - (audited - wrong) + 1
    while high - low > 1:
        middle = (low + high) // 2
        possible = _hypergeometric(wrong, released, middle, audited) > delta
        low, high = (middle, high) if possible else (low, middle)
    return low


def _hypergeometric(found: int, released: int, wrong: int, audited: int) -> float:
    """P(at most `found` of the `wrong` are among `audited` out of `released`). Relative error 1e-10 up to a hundred
    thousand released, 1e-5 up to a billion. (`scipy.stats` has it too, and takes 50 MB in every process.)
    """
    among = np.arange(max(0, audited - released + wrong), found + 1, dtype=float)
    ways = _log_choose(wrong, among) + _log_choose(released - wrong, audited - among)
    return float(np.exp(special.logsumexp(ways - _log_choose(released, audited)))) if among.size else 0.0


def _log_choose(n: int, k: Any) -> Any:
    return -np.log1p(n) - special.betaln(n - k + 1.0, k + 1.0)


def e_value(labelled: Sequence[int], wrong: Sequence[int], propensity: Sequence[float], target: float) -> float:
    """Evidence against "risk >= target" that stays valid at any number of looks and audit rates; certified at 1/delta.

    One entry per group of outputs that shared a propensity (a share, never 0): its labels and how many say wrong. Mean
    over fixed bets of a product martingale (I. Waudby-Smith and A. Ramdas, JRSS-B 2024; G. Shafer 2021). Weaker per
    look than the exact test. Raises ValueError where lengths differ or a propensity is outside (0, 1].
    """
    if not 0.0 < target < 1.0:
        raise ValueError(f"The target must lie strictly between 0 and 1, not {target}.")
    if any(not 0.0 < p <= 1.0 for p in propensity):
        raise ValueError("A propensity must lie above 0 and at most at 1.")
    groups = list(zip(labelled, wrong, propensity, strict=True))
    smallest = min(propensity, default=1.0)
    logs = []
    for bet in BETS:
        stake = (1 - bet) / (1 - target)
        log_wealth = 0.0
        for n, e, p in groups:
            weight = smallest / p
            log_wealth += (n - e) * math.log1p(stake * target * weight) + e * math.log1p(-(1 - bet) * weight)
        logs.append(log_wealth)
    total = float(special.logsumexp(logs)) - math.log(len(BETS))
    return math.exp(min(total, 700.0))


def spent_at_look(delta: float, look: int) -> float:
    """Level that the k-th scheduled look may spend (k = 1, 2, ...): delta / (k (k + 1)); all looks sum to `delta`."""
    if look < 1:
        raise ValueError(f"Looks are counted from 1, not {look}.")
    return delta / (look * (look + 1))


@dataclass(frozen=True)
class Corrected:
    """What to hand to `certify` when reviewers miss errors: a stricter target and the level that is left."""

    target: float
    delta: float
    sensitivity_lower: float


def correct_for_sensitivity(target: float, delta: float, *, found: int, seeded: int) -> Corrected:
    """Target and level once reviewers are known to find `found` of `seeded` items known to be wrong.

    A fifth of `delta` pays for the lower Clopper-Pearson limit of their sensitivity, the rest is left for the test; the
    target shrinks by that limit. With nothing found the target is 0.0 and nothing can be certified.
    """
    lower = clopper_pearson_lower(found, seeded, delta / 5)
    return Corrected(target=target * lower, delta=delta * 4 / 5, sensitivity_lower=lower)


def audits_needed(target: float, delta: float, wrong: int = 0) -> int:
    """Fewest audits with `wrong` of them wrong that still prove a risk under `target` at level `delta`.

    Independent of volume: the smallest n with Binom.cdf(wrong; n, target) <= delta.
    """
    _check_plan(target, delta)
    if wrong < 0:
        raise ValueError(f"A count cannot be negative: {wrong}.")
    low, high = wrong, max(1, 2 * wrong)
    while special.bdtr(wrong, high, target) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if special.bdtr(wrong, middle, target) > delta else (low, middle)
    return high


def audits_for_power(target: float, delta: float, true_risk: float, power: float = 0.8) -> int:
    """Audits after which a true risk of `true_risk` is proven to be under `target` with probability `power`.

    The smallest number that `audits_needed` names for some count of wrong ones and that reaches the power. Raises
    ValueError unless 0 <= true_risk < target and 0 < power < 1, or where more than 10^9 audits would be needed.
    """
    _check_plan(target, delta)
    if not 0.0 <= true_risk < target or not 0.0 < power < 1.0:
        raise ValueError("The true risk must lie under the target, and the power between 0 and 1.")

    def reached(wrong: int) -> bool:
        return bool(special.bdtr(wrong, audits_needed(target, delta, wrong), true_risk) >= power)

    low, high = -1, 1
    while not reached(high):
        low, high = high, 2 * high
        if high > MOST_AUDITS * target:
            raise ValueError("The true risk is too close to the target to be told apart.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return audits_needed(target, delta, high)


def _check_rate(wrong: int, labelled: int, delta: float) -> None:
    if not 0 <= wrong <= labelled:
        raise ValueError(f"Counts must satisfy 0 <= wrong <= labelled, not {wrong}, {labelled}.")
    if not 0.0 < delta < 1.0:
        raise ValueError(f"The level must lie strictly between 0 and 1, not {delta}.")


def _check_plan(target: float, delta: float) -> None:
    if not 0.0 < target < 1.0 or not 0.0 < delta < 1.0:
        raise ValueError(f"Target and level must lie strictly between 0 and 1, not {target} and {delta}.")
