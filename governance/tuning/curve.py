"""Risk against coverage at every threshold: what the tuning page draws.

Display only. The bound of a point holds for that point alone and, with two strata, is the closed-form gamma bound; the
choice of a threshold is made by `certify`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.tuning import costs, strata
from governance.tuning.certify import Band, Counts

Flags = NDArray[np.bool_]
MILLION = 1_000_000


@dataclass(frozen=True)
class Point:
    """One threshold. Shares are of 1 (of all outputs), loads and costs per day; None where labels are missing."""

    threshold: float
    released: int
    labelled: int
    released_share: float
    review_share: float  # under the threshold, plus the audits above it
    estimate: float | None  # share of wrong ones among what would be released
    upper_bound: float
    marginal_estimate: float | None  # of this slice alone
    reviews_per_day: float
    cost: float | None  # at the estimate
    cost_at_bound: float


def thin(draw: NDArray[np.uint64], rate_millionths: int) -> Flags:
    """Which audits to keep so that a window whose audit rate changed has one rate, the smallest of those in it.

    `draw` holds the 64-bit draws logged with the outputs, shape (N,); kept are those that the smaller rate would have
    drawn too, by the same integer comparison as at intake. Raises ValueError on a rate outside 0 to 1,000,000.
    """
    if not 0 <= rate_millionths <= MILLION:
        raise ValueError(f"A rate lies between 0 and 1,000,000 millionths: {rate_millionths}.")
    if rate_millionths == MILLION:
        return np.ones(draw.shape, dtype=np.bool_)
    limit = -(-(rate_millionths << 64) // MILLION)
    kept: Flags = draw < np.uint64(limit)
    return kept


def bands_from(
    confidence: NDArray[np.int64], released: Flags, labelled: Flags, wrong: Flags, thresholds: Sequence[float]
) -> tuple[Band, ...]:
    """Counts per slice of confidence from one row per output; all arrays have shape (N,), confidence is in millionths.

    `released` says which went out by threshold; of those, `labelled` are the judged audits. Outputs not released count
    as reviewed, and those of them that were never judged count as wrong. `thresholds` (shares) in any order; a last
    slice from 0 is added so that every output is in one. Raises ValueError when shapes differ.
    """
    if not confidence.shape == released.shape == labelled.shape == wrong.shape or confidence.ndim != 1:
        raise ValueError("All arrays hold one entry per output.")
    edges = np.unique(np.array([round(t * MILLION) for t in thresholds] + [0], dtype=np.int64))
    slot = np.searchsorted(edges, confidence, side="right") - 1

    def count(mask: Flags) -> list[int]:
        return [int(n) for n in np.bincount(slot[mask], minlength=len(edges))]

    columns = zip(
        edges.tolist(),
        count(released),
        count(released & labelled),
        count(released & labelled & wrong),
        count(~released),
        count(~released & (wrong | ~labelled)),
        strict=True,
    )
    return tuple(Band(edge / MILLION, *counts) for edge, *counts in reversed(list(columns)))


def curve(bands: Sequence[Band], *, delta: float, traffic: costs.Traffic, prices: costs.Prices) -> tuple[Point, ...]:
    """A point per band edge, from the highest confidence down: what releasing everything from there up would mean.

    The estimate weights every label by the inverse of the share of its stratum that was labelled. The whole population
    is what the bands hold. Empty when they hold nothing.
    """
    everything = Counts()
    for band in bands:
        everything = everything.plus(band)
    points: list[Point] = []
    above = Counts()
    for band in bands:
        before, above = above, above.plus(band)
        if above.total:
            points.append(_point(band.threshold, above, before, everything, delta, traffic, prices))
    return tuple(points)


def _point(
    threshold: float,
    above: Counts,
    before: Counts,
    everything: Counts,
    delta: float,
    traffic: costs.Traffic,
    prices: costs.Prices,
) -> Point:
    share = above.total / everything.total
    estimate, bound = above.estimate, _display_bound(above, delta)
    below = everything.minus(above)
    wrong_below = (below.estimate if below.estimate is not None else float(below.total > 0)) * (1 - share)
    reviews = costs.reviews_per_day(traffic, share)

    def cost(risk: float) -> float:
        return costs.daily_cost(traffic, prices, released_share=share, risk=risk, wrong_below=wrong_below)

    return Point(
        threshold=threshold,
        released=above.total,
        labelled=sum(above.n_labelled),
        released_share=share,
        review_share=(1 - share) + traffic.audit_rate * share,
        estimate=estimate,
        upper_bound=bound,
        marginal_estimate=above.minus(before).estimate,
        reviews_per_day=reviews,
        cost=None if estimate is None else cost(estimate),
        cost_at_bound=cost(bound),
    )


def _display_bound(counts: Counts, delta: float) -> float:
    evidence = (counts.n_total, counts.n_labelled, counts.wrong)
    if 0 in counts.n_total:
        return strata.upper_bound(*evidence, delta)
    return strata.gamma_upper_bound(*evidence, delta)
