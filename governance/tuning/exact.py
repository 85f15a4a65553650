"""The exact two-stratum p-value: both binomials, at the worst split of the risk between the strata.

The gamma p-value of M. P. Fay and E. J. Feuer, "Confidence intervals for directly standardized rates", Statistics in
Medicine 16 (1997) 791-801, orders the outcomes and does no more: the probability reported is exact, so the level never
rests on the approximation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pair = tuple[int, int]

GRID_POINTS = 160
REFINED_POINTS = 10
STRIDE = 16
SEARCH_MARGIN = 1.002  # p is raised by this, so that what a finite grid may miss of the worst split never lowers it
TIE = 1e-9  # outcomes this close (relative) in the ordering count as tied, which can only raise p


class Side(NamedTuple):
    """One stratum inside the test: share of all outputs, labels, labels that say wrong, weight of one label."""

    weight: float
    n: int
    wrong: int

    @property
    def step(self) -> float:
        return self.weight / self.n


class Frontier(NamedTuple):
    """The outcomes at least as favourable as the one seen: column counts up to last[row] for each row count.

    `row_ways` and `col_ways` are the logs of the binomial coefficients up to the largest count of each.
    """

    row: Side
    col: Side
    row_is_a: bool
    last: Ints
    row_ways: Floats
    col_ways: Floats


def exact_p(a: Side, b: Side, target: float) -> float:
    """Worst-case probability, over the splits of a risk of exactly `target`, of an outcome as good as the one seen.

    Both binomials grow stochastically with their rates and the set of outcomes is downward closed, so the worst case of
    "risk >= target" lies on its edge, a one-dimensional family searched on sine-spaced points refined around the best.
    """
    frontier = _frontier(a, b, target)
    lowest = max(0.0, (target - b.weight) / a.weight)
    highest = min(1.0, target / a.weight)
    spaced = lowest + (highest - lowest) * (1 - np.cos(np.pi * np.linspace(0, 1, GRID_POINTS))) / 2
    rates = spaced
    chances = _chance(frontier, a, b, target, rates)
    best = float(chances.max())
    for keep in (3, 1):
        order = np.argsort(chances)[-keep:]
        inner = np.linspace(0, 1, REFINED_POINTS + 2)[1:-1]
        left, right = rates[np.maximum(order - 1, 0)], rates[np.minimum(order + 1, len(rates) - 1)]
        added = (left[:, None] + (right - left)[:, None] * inner).ravel()
        rates = np.concatenate((rates, added))
        chances = np.concatenate((chances, _chance(frontier, a, b, target, added)))
        ascending = np.argsort(rates)
        rates, chances = rates[ascending], chances[ascending]
        best = max(best, float(chances.max()))
    return min(1.0, best * SEARCH_MARGIN)


def _chance(frontier: Frontier, a: Side, b: Side, target: float, rate_a: Floats) -> Floats:
    """Probability of the outcomes under the frontier at each rate of stratum A; shape (G,) in, (G,) out."""
    rate_b = np.clip((target - a.weight * rate_a) / b.weight, 0.0, 1.0)
    row_rate, col_rate = (rate_a, rate_b) if frontier.row_is_a else (rate_b, rate_a)
    row_start, row_pmf = _windowed_pmf(frontier.row.n, row_rate, frontier.row_ways)
    col_start, col_pmf = _windowed_pmf(frontier.col.n, col_rate, frontier.col_ways)
    cumulative = np.cumsum(col_pmf, axis=1, out=col_pmf)
    position = sliding_window_view(frontier.last, row_pmf.shape[1])[row_start] - col_start[:, None]
    reached = np.take_along_axis(cumulative, np.clip(position, 0, cumulative.shape[1] - 1), axis=1)
    reached[position < 0] = 0.0
    result: Floats = np.einsum("gw,gw->g", reached, row_pmf)
    return result


def _windowed_pmf(n: int, rate: Floats, ways: Floats) -> tuple[Ints, Floats]:
    """Binomial pmf around the mean for counts under len(ways): starts (G,), values (G, W); leaves out under 1e-14."""
    mean = n * rate
    half = 8 * np.sqrt(mean * (1 - rate)) + 10
    top = len(ways) - 1
    start = np.clip(np.floor(mean - half), 0, top).astype(np.int64)
    stop = np.clip(np.ceil(mean + half), 0, top).astype(np.int64)
    width = int((stop - start).max()) + 1
    start = np.minimum(start, top + 1 - width)
    # The tiny floor stands for rates of 0 and 1: it leaves the one sure count at probability 1 and the rest at 0.
    log_rest = np.where(rate < 0.5, np.log1p(-np.minimum(rate, 0.5)), np.log(np.maximum(1 - rate, 1e-300)))
    logit = np.log(np.maximum(rate, 1e-300)) - log_rest
    log_pmf = sliding_window_view(ways, width)[start]
    log_pmf += logit[:, None] * np.arange(width)
    log_pmf += (start * logit + n * log_rest)[:, None]
    return start, np.exp(log_pmf, out=log_pmf)


def _log_ways(n: int, top: int) -> Floats:
    """Logs of n over k for k = 0 ... top."""
    steps = np.arange(1, top + 1)
    return np.concatenate(([0.0], np.cumsum(np.log((n - steps + 1) / steps))))


def _frontier(a: Side, b: Side, target: float) -> Frontier:
    """Downward closure of {outcomes whose gamma p-value is at most the observed one}, rows along the shorter axis."""
    order = _Ordering(a.step, b.step, target)
    level = float(order(np.array([a.wrong]), np.array([b.wrong]))[0]) * (1 + TIE)
    top_a = max(order.reach(a, level, swapped=False), a.wrong)
    top_b = max(order.reach(b, level, swapped=True), b.wrong)
    row_is_a = top_a <= top_b
    row, col, top = (a, b, top_a) if row_is_a else (b, a, top_b)
    rows = np.arange(min(top, row.n) + 1)
    last = order.last_within(rows, col.n, level, swapped=not row_is_a)
    closed = np.maximum.accumulate(last[::-1])[::-1]
    closed = closed[: int(np.flatnonzero(closed >= 0)[-1]) + 1]
    row_ways, col_ways = _log_ways(row.n, len(closed) - 1), _log_ways(col.n, int(closed[0]))
    return Frontier(row, col, row_is_a, closed, row_ways, col_ways)


class _Ordering:
    """Gamma p-value of outcomes (count in A, count in B), vectorised."""

    def __init__(self, step_a: float, step_b: float, target: float) -> None:
        self.step_a, self.step_b, self.target = step_a, step_b, target
        self.largest = max(step_a, step_b)

    def __call__(self, count_a: Ints, count_b: Ints) -> Floats:
        mean = self.step_a * count_a + self.step_b * count_b + self.largest
        variance = self.step_a**2 * count_a + self.step_b**2 * count_b + self.largest**2
        result: Floats = special.gammaincc(mean * mean / variance, self.target * mean / variance)
        return result

    def last_within(self, rows: Ints, col_n: int, level: float, *, swapped: bool) -> Ints:
        """For each row the largest column count whose p-value is at most `level`, -1 where there is none.

        Along a column the p-value may fall at first (while the mean is far under the target) and rises afterwards, so
        rows that start above the level are first walked down to their lowest point.
        """

        def value(at: Ints, col: Ints) -> Floats:
            return self(col, at) if swapped else self(at, col)

        low = np.zeros_like(rows)
        start = value(rows, low)
        falling = np.flatnonzero((start > level) & (value(rows, np.minimum(low + 1, col_n)) < start))
        if falling.size:
            left, right = np.zeros_like(falling), np.full_like(falling, col_n)
            while (right > left).any():
                middle = (left + right) // 2
                rising = value(rows[falling], np.minimum(middle + 1, col_n)) >= value(rows[falling], middle)
                left, right = np.where(rising, left, middle + 1), np.where(rising, middle, right)
            low[falling] = left
        found = value(rows, low) <= level
        high = np.full_like(rows, col_n + 1)
        if rows.size > STRIDE * STRIDE:
            # Every 16th row first: its neighbours then start from a narrow bracket, wherever that one really brackets.
            sparse = np.append(rows[::STRIDE], rows[-1])
            known = self.last_within(sparse, col_n, level, swapped=swapped)
            block = np.arange(rows.size) // STRIDE
            least, most = np.maximum(known[block + 1], low), np.minimum(known[block] + 1, col_n)
            low = np.where(value(rows, least) <= level, least, low)
            high = np.where((value(rows, most) > level) & (most > low), most, high)
        while (high - low > 1).any():
            middle = (low + high) // 2
            within = value(rows, middle) <= level
            low, high = np.where(within, middle, low), np.where(within, high, middle)
        return np.where(found, low, -1)

    def reach(self, side: Side, level: float, *, swapped: bool) -> int:
        """A count of this stratum beyond which no outcome is within `level`: the last with none wrong in the other
        stratum, or the end of the region (mean at half the target) in which the p-value may still be falling.
        """
        alone = int(self.last_within(np.zeros(1, dtype=np.int64), side.n, level, swapped=not swapped)[0])
        falling = int(max(0.0, (self.target / 2 - self.largest) / side.step))
        return min(side.n, max(alone, falling))
