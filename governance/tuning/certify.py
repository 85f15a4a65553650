"""Choosing the threshold with a guarantee: learn then test, by fixed sequence.

Method: A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan and L. Lei, "Learn then Test" (2021), fixed-sequence
testing. The order of the thresholds is fixed before any label is seen: from the one in force downwards, each tested at
the full level, until the first that fails. The chance that the certified threshold has a risk above the target is then
at most `delta`, however many thresholds were tested.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from scipy import special

from governance.tuning import strata
from governance.tuning.bounds import audits_needed, clopper_pearson_lower, most_wrong
from governance.tuning.exact import Pair

State = Literal["certified", "certified-provisional", "unproven", "violated", "expired", "frozen"]


MILLION = 1_000_000
FIRST_COVERAGE = 0.30
MOST_MORE_AUDITS = 1_000_000
METHOD = "fixed sequence of exact two-stratum tests"


@dataclass(frozen=True)
class Band:
    """One slice of confidence: [threshold, next higher threshold); the counts are of one window.

    Every output of the population is counted once: under `released` when it went out by a threshold rule (`audited`
    of them were drawn at random and judged, `audited_wrong` of those were wrong), under `reviewed` when a person judged
    it before it could go out (`reviewed_wrong`: what the AI said was wrong). Under one policy a slice above the
    threshold holds only released ones and a slice under it only reviewed ones; a slice may hold both when the threshold
    moved within the window, as long as the audit rate did not. Raises ValueError on counts that cannot be.
    """

    threshold: float
    released: int
    audited: int
    audited_wrong: int
    reviewed: int
    reviewed_wrong: int

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"A threshold lies between 0 and 1: {self.threshold}.")
        strata.check_counts(
            (self.reviewed, self.released), (self.reviewed, self.audited), (self.reviewed_wrong, self.audited_wrong)
        )

    @property
    def total(self) -> int:
        return self.released + self.reviewed


@dataclass(frozen=True)
class Counts:
    """What is known of all outputs at or above a threshold, as (A reviewed, B released)."""

    n_total: Pair = (0, 0)
    n_labelled: Pair = (0, 0)
    wrong: Pair = (0, 0)

    def plus(self, band: Band) -> Counts:
        return Counts(
            (self.n_total[0] + band.reviewed, self.n_total[1] + band.released),
            (self.n_labelled[0] + band.reviewed, self.n_labelled[1] + band.audited),
            (self.wrong[0] + band.reviewed_wrong, self.wrong[1] + band.audited_wrong),
        )

    def minus(self, other: Counts) -> Counts:
        def less(left: Pair, right: Pair) -> Pair:
            return left[0] - right[0], left[1] - right[1]

        return Counts(
            less(self.n_total, other.n_total),
            less(self.n_labelled, other.n_labelled),
            less(self.wrong, other.wrong),
        )

    @property
    def total(self) -> int:
        return sum(self.n_total)

    @property
    def estimate(self) -> float | None:
        return strata.estimate(self.n_total, self.n_labelled, self.wrong)


@dataclass(frozen=True)
class Step:
    """One tested threshold. Shares are of 1; `n_total`, `n_labelled`, `wrong` are (A reviewed, B released).

    The two bounds cost several times what the test does and are computed when first read.
    """

    threshold: float
    p: float
    passed: bool
    estimate: float | None  # None where a stratum has outputs but no label
    released_share: float  # of all outputs in the bands
    marginal_estimate: float | None  # of the slice between this threshold and the first one tested
    n_total: Pair
    n_labelled: Pair
    wrong: Pair
    target: float
    delta: float

    @cached_property
    def upper_bound(self) -> float:
        """The p-value inverted at `delta`: at most the target exactly when the step passed."""
        counts = (self.n_total, self.n_labelled, self.wrong)
        return strata.upper_bound(*counts, self.delta, target=self.target, p=self.p)

    @cached_property
    def most_wrong(self) -> int:
        """How many of this window's outputs at or above the threshold are wrong at most, at level `delta`."""
        return self.wrong[0] + most_wrong(self.n_total[1], self.n_labelled[1], self.wrong[1], self.delta)


@dataclass(frozen=True)
class Certificate:
    """The outcome of one look. `threshold` is None when nothing is certified; `delta` is the level this look spent.

    `lower_bound` is of the risk at the threshold in force (None without one).
    """

    state: State
    threshold: float | None
    in_force: float | None
    target: float
    delta: float
    steps: tuple[Step, ...]
    lower_bound: float | None
    method: str = METHOD

    @cached_property
    def more_audits(self) -> int | None:
        """About how many more labels would let the failing threshold pass at its present rate of wrong ones.

        None when nothing failed or when no number would do. Computed when first read.
        """
        failed = next((step for step in self.steps if not step.passed), None)
        return _more_audits(failed) if failed else None


def certify(
    bands: Sequence[Band], *, in_force: float | None, target: float, delta: float, goal: float | None = None
) -> Certificate:
    """The lowest threshold that can be certified to have a risk under `target` at level `delta`: one look.

    `bands` run from the highest confidence down and hold the whole population, so the last one reaches to 0. Testing
    starts at the lowest edge at or above `in_force`; the first time (nothing in force, or nothing at or above it) at
    the first edge that covers 30 % of the outputs. `target` and `delta` are what the caller may use: corrected for the
    reviewers' sensitivity, and spent for this look. The edges must not have been chosen by looking at these labels.
    `goal` is the target as promised, before any correction; it is `target` unless given.

    State: certified when the first threshold passed; violated when the lower bound at the threshold in force exceeds
    the goal; else unproven. What reviewers call wrong is wrong, so that bound holds whatever they miss; what they may
    miss speaks against a certificate, and proves nobody guilty. (Expired, frozen and provisional depend on more than
    one window: the caller knows.) Raises ValueError when bands are out of order, a share is not between 0 and 1 or the
    goal is under the target.
    """
    goal = target if goal is None else goal
    _check(bands, in_force, target, delta)
    if not target <= goal < 1.0:
        raise ValueError(f"The promised target lies between the tested one and 1, not {goal}.")
    ladder = _ladder(bands)
    population = ladder[-1][1].total if ladder else 0
    start, is_in_force = _start(ladder, in_force, population)
    steps: list[Step] = []
    for threshold, counts in ladder[start:]:
        steps.append(_step(threshold, counts, ladder[start][1], population, target=target, delta=delta))
        if not steps[-1].passed:
            break
    passed = [step for step in steps if step.passed]
    lower = _lower_bound(ladder[start][1], delta) if is_in_force else None
    state: State = "certified" if passed else "violated" if lower is not None and lower > goal else "unproven"
    return Certificate(
        state=state,
        threshold=passed[-1].threshold if passed else None,
        in_force=in_force,
        target=target,
        delta=delta,
        steps=tuple(steps),
        lower_bound=lower,
    )


def _check(bands: Sequence[Band], in_force: float | None, target: float, delta: float) -> None:
    edges = [_millionths(band.threshold) for band in bands]
    if any(lower >= higher for higher, lower in itertools.pairwise(edges)):
        raise ValueError("Bands run from the highest confidence down, each threshold once.")
    if not 0.0 < target < 1.0 or not 0.0 < delta < 1.0:
        raise ValueError(f"Target and level must lie strictly between 0 and 1, not {target} and {delta}.")
    if in_force is not None and not 0.0 <= in_force <= 1.0:
        raise ValueError(f"The threshold in force lies between 0 and 1: {in_force}.")


def _millionths(threshold: float) -> int:
    return round(threshold * MILLION)


def _ladder(bands: Sequence[Band]) -> list[tuple[float, Counts]]:
    """Each threshold with the counts of everything at or above it."""
    ladder: list[tuple[float, Counts]] = []
    counts = Counts()
    for band in bands:
        counts = counts.plus(band)
        ladder.append((band.threshold, counts))
    return ladder


def _start(ladder: list[tuple[float, Counts]], in_force: float | None, population: int) -> tuple[int, bool]:
    """Index of the first threshold to test, and whether it stands for the one in force."""
    if in_force is not None:
        above = [i for i, (edge, _) in enumerate(ladder) if _millionths(edge) >= _millionths(in_force)]
        if above and ladder[above[-1]][1].total:
            return above[-1], True
    covered = (
        i for i, (_, counts) in enumerate(ladder) if counts.total and counts.total >= FIRST_COVERAGE * population
    )
    return next(covered, len(ladder)), False


def _step(threshold: float, counts: Counts, first: Counts, population: int, *, target: float, delta: float) -> Step:
    p = strata.p_value(counts.n_total, counts.n_labelled, counts.wrong, target)
    return Step(
        threshold=threshold,
        p=p,
        passed=p <= delta,
        estimate=counts.estimate,
        released_share=counts.total / population,
        marginal_estimate=counts.minus(first).estimate,
        n_total=counts.n_total,
        n_labelled=counts.n_labelled,
        wrong=counts.wrong,
        target=target,
        delta=delta,
    )


def _lower_bound(counts: Counts, delta: float) -> float:
    """Lower limit of the risk: Clopper-Pearson with one stratum labelled, both at half the level when there are two."""
    labelled = [i for i in (0, 1) if counts.n_labelled[i]]
    level = delta / max(1, len(labelled))
    return sum(
        counts.n_total[i] / counts.total * clopper_pearson_lower(counts.wrong[i], counts.n_labelled[i], level)
        for i in labelled
    )


def _more_audits(step: Step) -> int | None:
    """Labels still missing until this step would pass at its present rates; None when they would never be enough.

    Only the audits of the released stratum grow; where nothing was released, the reviewed one does.
    """
    if step.n_total == (0, 0) or (step.estimate is not None and step.estimate >= step.target):
        return None
    grown = 1 if step.n_total[1] else 0
    n, wrong = step.n_labelled[grown], step.wrong[grown]
    if not step.n_total[1 - grown] and not wrong:
        return max(0, audits_needed(step.target, step.delta) - n)

    def passes(labels: int) -> bool:
        expected = math.ceil(wrong * labels / n - 1e-9) if n else 0
        if not step.n_total[1 - grown]:
            return bool(special.bdtr(expected, labels, step.target) <= step.delta)
        # The mix of the strata is kept: only how precisely B is known changes. (Totals scaled up to hold the labels.)
        scale = math.ceil(labels / step.n_total[1]) or 1
        totals, reviewed = (step.n_total[0] * scale, step.n_total[1] * scale), step.n_labelled[0]
        return strata.p_value(totals, (reviewed, labels), (step.wrong[0], expected), step.target) <= step.delta

    low, high = n, max(2 * n, 64)
    while not passes(high):
        low, high = high, 2 * high
        if high > MOST_MORE_AUDITS:
            return None
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high - n
