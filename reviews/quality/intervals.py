"""Intervals beside a measured share or a typical time. Pure."""

from __future__ import annotations

import math
from typing import Final

from scipy import stats

from governance.tuning.calibration import wilson

_MILLION: Final = 1_000_000


def interval(hits: int, trials: int) -> tuple[int, int]:
    """The 95 % score interval of a share, in millionths, rounded outwards (Wilson 1927); everything when nothing is
    known."""
    if trials == 0:
        return 0, _MILLION
    low, high = wilson(hits, trials)
    return (
        0 if hits == 0 else math.floor(low * _MILLION),
        _MILLION if hits == trials else math.ceil(high * _MILLION),
    )


def median_ranks(cases: int) -> tuple[int, int] | None:
    """Which of the sorted values, counted from 1, are the ends of an interval that holds the median with 95 % or more,
    whatever their distribution (order statistics; Thompson 1936); None under six values, where there is none.

    The median is under the r-th smallest with the probability that fewer than r of `cases` fair coins show heads.
    """
    low = int(stats.binom.ppf(0.025, cases, 0.5)) if cases else 0
    return (low, cases + 1 - low) if low else None
