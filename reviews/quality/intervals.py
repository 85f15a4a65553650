"""Intervals beside a measured share or a typical time. Pure."""

from __future__ import annotations

import math
from typing import Final

_MILLION: Final = 1_000_000
_Z: Final = 1.959963984540054  # the normal quantile of 0.975


def interval(hits: int, trials: int) -> tuple[int, int]:
    """The 95 % score interval of a share, in millionths, rounded outwards (Wilson 1927); everything when nothing is
    known."""
    if trials == 0:
        return 0, _MILLION
    share, square = hits / trials, _Z * _Z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    reach = _Z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    low = 0 if hits == 0 else math.floor((centre - reach) * _MILLION)
    high = _MILLION if hits == trials else math.ceil((centre + reach) * _MILLION)
    return max(low, 0), min(high, _MILLION)


def median_ranks(cases: int) -> tuple[int, int] | None:
    """Which of the sorted values, counted from 1, are the ends of an interval that holds the median with 95 % or more,
    whatever their distribution (order statistics; Thompson 1936); None under six values, where there is none.

    The median is under the r-th smallest with the probability that fewer than r of `cases` fair coins show heads.
    """
    below, low = 0.0, 0
    while 2 * low < cases:
        below += math.exp(_log_ways(cases, low) - cases * math.log(2))
        if below > 0.025:
            break
        low += 1
    return (low, cases + 1 - low) if low else None


def _log_ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
