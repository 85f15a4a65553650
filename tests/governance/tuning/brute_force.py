"""The same answers by counting everything: no closed form, no search, nothing of the product's own arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

Pair = tuple[int, int]
NUISANCE_POINTS = 1201


def p_value(n_total: Pair, n_labelled: Pair, wrong: Pair, target: float) -> float:
    """Worst-case probability of an outcome as good as the one seen, both binomials enumerated whole."""
    for empty, other in ((0, 1), (1, 0)):
        if n_total[empty] == 0:
            return float(stats.binom.cdf(wrong[other], n_labelled[other], target))
    weights = [total / sum(n_total) for total in n_total]
    steps = [weight / n for weight, n in zip(weights, n_labelled, strict=True)]
    a, b = np.meshgrid(np.arange(n_labelled[0] + 1), np.arange(n_labelled[1] + 1), indexing="ij")
    order = _gamma_p(a, b, steps, target)
    good = order <= order[wrong] * (1 + 1e-9)
    # Whatever has no more wrong in either stratum than a good outcome is as good.
    closed = np.flip(np.maximum.accumulate(np.maximum.accumulate(np.flip(good), axis=0), axis=1))
    highest = min(1.0, target / weights[0])
    rate_a = np.linspace(max(0.0, (target - weights[1]) / weights[0]), highest, NUISANCE_POINTS)[:, None]
    rate_b = np.clip((target - weights[0] * rate_a) / weights[1], 0.0, 1.0)
    rows = stats.binom.pmf(np.arange(n_labelled[0] + 1), n_labelled[0], rate_a)
    columns = stats.binom.pmf(np.arange(n_labelled[1] + 1), n_labelled[1], rate_b)
    return float(((rows @ closed) * columns).sum(axis=1).max())


def _gamma_p(a: np.ndarray, b: np.ndarray, steps: Sequence[float], target: float) -> np.ndarray:
    y, v, m = steps[0] * a + steps[1] * b, steps[0] ** 2 * a + steps[1] ** 2 * b, max(steps)
    scale = (v + m * m) / (2 * (y + m))
    return stats.chi2.sf(target / scale, 2 * (y + m) ** 2 / (v + m * m))


def chain(
    outputs: Sequence[tuple[int, bool, bool | None]], *, edges: Sequence[int], start: int, target: float, delta: float
) -> list[tuple[int, float]]:
    """(threshold, p) from `start` down to the first that fails. An output is (confidence, was released, wrong or None
    where nobody was to judge it)."""
    tested = []
    for edge in sorted((edge for edge in edges if edge <= start), reverse=True):
        above = [one for one in outputs if one[0] >= edge]
        strata = [[one for one in above if not one[1]], [one for one in above if one[1]]]
        judged = [[one for one in stratum if one[2] is not None] for stratum in strata]
        p = p_value(
            (len(strata[0]), len(strata[1])), (len(judged[0]), len(judged[1])),
            (sum(bool(one[2]) for one in judged[0]), sum(bool(one[2]) for one in judged[1])), target,
        )  # fmt: skip
        tested.append((edge, p))
        if p > delta:
            break
    return tested
