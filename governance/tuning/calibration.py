"""How well stated confidence tells wrong from right, and whether seeing the answer sways reviewers. Displays only.

Reliability diagrams and the expected calibration error: A. Niculescu-Mizil and R. Caruana, ICML 2005; M. P. Naeini,
G. F. Cooper and M. Hauskrecht, AAAI 2015. The interval of a difference of two proportions is R. G. Newcombe's hybrid
score interval (method 10), Statistics in Medicine 17 (1998) 873-890.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from governance.tuning import strata
from governance.tuning.bounds import clopper_pearson_lower
from governance.tuning.certify import MILLION, Band, Counts

EDGES = (0, 200_000, 400_000, 500_000, 600_000, 700_000, 800_000, 850_000, 900_000, 950_000, 990_000)
Z = 1.959963984540054  # two-sided 95 %


@dataclass(frozen=True)
class Bin:
    """A slice of confidence [low, high): how sure the AI was there, and how often it was right. Shares are of 1.

    `right` and its limits are None where nothing was judged. Limits are one-sided, each at the level given.
    """

    low: float
    high: float
    outputs: int
    labels: int
    stated: float
    right: float | None
    lower: float | None
    upper: float | None


def reliability(bands: Sequence[Band], *, delta: float) -> tuple[Bin, ...]:
    """The bins that hold outputs, from the lowest up; each label stands for the outputs of its stratum.

    The stated confidence of a band is taken as its middle, so it is known to half a step of the grid.
    """
    edges = [*EDGES, MILLION]
    found = []
    for low, high in itertools.pairwise(edges):
        inside = [(band, top) for band, top in _with_tops(bands) if low <= round(band.threshold * MILLION) < high]
        counts = Counts()
        for band, _ in inside:
            counts = counts.plus(band)
        if counts.total:
            stated = sum(band.total * (band.threshold + top) / 2 for band, top in inside) / counts.total
            found.append(_bin(low / MILLION, high / MILLION, counts, stated, delta))
    return tuple(found)


def _with_tops(bands: Sequence[Band]) -> list[tuple[Band, float]]:
    """Each band with the confidence at which the next higher one begins."""
    tops = [1.0, *(band.threshold for band in bands)]
    return list(zip(bands, tops, strict=False))


def _bin(low: float, high: float, counts: Counts, stated: float, delta: float) -> Bin:
    risk = counts.estimate
    if risk is None:
        return Bin(low, high, counts.total, sum(counts.n_labelled), stated, None, None, None)
    evidence = (counts.n_total, counts.n_labelled, counts.wrong)
    most = strata.upper_bound(*evidence, delta) if 0 in counts.n_total else strata.gamma_upper_bound(*evidence, delta)
    labelled = [i for i in (0, 1) if counts.n_labelled[i]]
    least = sum(
        counts.n_total[i]
        / counts.total
        * clopper_pearson_lower(counts.wrong[i], counts.n_labelled[i], delta / len(labelled))
        for i in labelled
    )
    return Bin(low, high, counts.total, sum(counts.n_labelled), stated, 1 - risk, 1 - most, 1 - least)


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """The expected calibration error over the bins that were judged, a share; None when none was."""
    judged = [(each, each.right) for each in bins if each.right is not None]
    outputs = sum(each.outputs for each, _ in judged)
    return sum(each.outputs * abs(right - each.stated) for each, right in judged) / outputs if outputs else None


@dataclass(frozen=True)
class Difference:
    """A difference of two shares with its 95 % interval; None where a side has nothing."""

    value: float | None
    lower: float
    upper: float


def difference(hits: int, of: int, other_hits: int, of_other: int) -> Difference:
    """hits / of − other_hits / of_other with Newcombe's interval. Raises ValueError on counts that cannot be."""
    if not (0 <= hits <= of and 0 <= other_hits <= of_other):
        raise ValueError("There cannot be more hits than trials.")
    if not of or not of_other:
        return Difference(None, -1.0, 1.0)
    one, other = hits / of, other_hits / of_other
    low, high = wilson(hits, of)
    other_low, other_high = wilson(other_hits, of_other)
    value = one - other
    return Difference(
        value, value - math.hypot(one - low, other_high - other), value + math.hypot(high - one, other - other_low)
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The two-sided 95 % score interval of a share (E. B. Wilson, 1927); `of` is at least 1."""
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def stability(before: Sequence[int], now: Sequence[int]) -> float:
    """How far a distribution has moved: the population stability index of counts by the same bins, half a count added
    to each so that an empty bin is no infinity. 0 for the same shares; 0.1 is little, 0.25 is much."""
    if len(before) != len(now):
        raise ValueError("Both are counted by the same bins.")
    first, second = ([count + 0.5 for count in counts] for counts in (before, now))
    pairs = [(b / sum(second), a / sum(first)) for a, b in zip(first, second, strict=True)]
    return sum((new - old) * math.log(new / old) for new, old in pairs)
