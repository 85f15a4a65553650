"""What one set of counts says of every threshold: the chain of tests, and all that a screen or a document needs.

Pure. A reading is the same whether it comes from a look that spent its level or from an exploration that may not be
relied on; which of the two it is, its owner says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from governance.tuning.bounds import clopper_pearson_lower
from governance.tuning.certify import METHOD, MILLION, Band, Counts, certify
from governance.tuning.exact import Pair
from governance.tuning.strata import gamma_upper_bound, upper_bound


@dataclass(frozen=True)
class Tested:
    """One threshold that was tested. Thresholds are millionths, shares and risks of 1, pairs (reviewed, released)."""

    threshold: int
    p: float
    passed: bool
    estimate: float | None
    bound: float  # the p-value inverted at the level: at most the target exactly when the test passed
    share: float
    marginal: float | None
    most_wrong: int  # among the outputs of this very window
    n_total: Pair
    n_labelled: Pair
    wrong: Pair


@dataclass(frozen=True)
class Reading:
    """The outcome at every threshold. `target` and `delta` are what the tests used; `threshold` the last that passed.

    `state` is certified, unproven or violated. `starts_at` is the first threshold tested, None when none was.
    """

    bands: tuple[Band, ...]
    in_force: int | None
    target: float
    delta: float
    state: str
    threshold: int | None
    lower_bound: float | None
    more_audits: int | None
    tested: tuple[Tested, ...]
    method: str = METHOD

    @property
    def starts_at(self) -> int | None:
        return self.tested[0].threshold if self.tested else None

    @property
    def passing(self) -> Tested | None:
        """The test that certifies: the last that passed."""
        return next((step for step in reversed(self.tested) if step.passed), None)

    @property
    def failing(self) -> Tested | None:
        """The first test that failed, which ended the chain."""
        return next((step for step in self.tested if not step.passed), None)


@dataclass(frozen=True)
class Row:
    """One threshold as the figure and the table show it. Outside the tested chain the bound is for orientation only."""

    threshold: int
    released: int
    share: float
    labels: int
    wrong: int
    estimate: float | None
    lower: float
    bound: float
    p: float | None
    verdict: str  # passes, fails, not tested
    counts: Counts


@lru_cache(maxsize=64)
def read(
    bands: tuple[Band, ...], *, in_force: int | None, target: float, delta: float, goal: float | None = None
) -> Reading:
    """Runs the chain of tests over the counts. Costs up to some seconds, so that equal counts are read once a process.

    A threshold of 1 in force lets nothing out, so the chain then starts where 30 % would be released, as it does the
    first time. `goal` is the target before it was corrected. Raises ValueError as `certify` does.
    """
    start = None if in_force is None or in_force == MILLION else in_force / MILLION
    found = certify(bands, in_force=start, target=target, delta=delta, goal=goal)
    tested = tuple(
        Tested(
            round(step.threshold * MILLION), step.p, step.passed, step.estimate, step.upper_bound, step.released_share,
            step.marginal_estimate, step.most_wrong, step.n_total, step.n_labelled, step.wrong,
        )
        for step in found.steps
    )  # fmt: skip
    threshold = None if found.threshold is None else round(found.threshold * MILLION)
    return Reading(bands, in_force, target, delta, found.state, threshold, found.lower_bound, found.more_audits, tested)


def unseen(reading: Reading, goal: float) -> float:
    """How many errors there may be for each that reviewers find: 1 where the test takes them to find all, else what it
    has made the target `goal` smaller by."""
    return max(1.0, goal / reading.target)


def rows(reading: Reading, *, goal: float | None = None) -> tuple[Row, ...]:
    """A row for every edge of the grid, from the highest threshold down; empty when there are no outputs.

    With the policy's target as `goal` the bounds are of all errors, those included that reviewers miss: a bound is then
    at most the goal exactly where the test passes. Without, they are of what reviewers call wrong."""
    times = unseen(reading, goal) if goal else 1.0
    tested = {step.threshold: step for step in reading.tested}
    everything = Counts()
    for band in reading.bands:
        everything = everything.plus(band)
    found, above = [], Counts()
    for band in reading.bands:
        above = above.plus(band)
        if above.total:
            row = _row(round(band.threshold * MILLION), above, everything.total, reading.delta, tested)
            found.append(row if times == 1.0 else replace(row, bound=min(1.0, row.bound * times)))
    return tuple(found)


def _row(threshold: int, above: Counts, population: int, delta: float, tested: Mapping[int, Tested]) -> Row:
    step = tested.get(threshold)
    evidence = (above.n_total, above.n_labelled, above.wrong)
    if step is not None:
        bound = step.bound
    else:
        bound = upper_bound(*evidence, delta) if 0 in above.n_total else gamma_upper_bound(*evidence, delta)
    return Row(
        threshold=threshold, released=above.total, share=above.total / population, labels=sum(above.n_labelled),
        wrong=sum(above.wrong), estimate=above.estimate, lower=lower_limit(above, delta), bound=bound,
        p=step.p if step else None, verdict="not tested" if step is None else "passes" if step.passed else "fails",
        counts=above,
    )  # fmt: skip


def lower_limit(counts: Counts, delta: float) -> float:
    """Lower limit of the risk, for display: Clopper-Pearson, each of two strata at half the level."""
    labelled = [i for i in (0, 1) if counts.n_labelled[i]]
    level = delta / max(1, len(labelled))
    return sum(
        counts.n_total[i] / counts.total * clopper_pearson_lower(counts.wrong[i], counts.n_labelled[i], level)
        for i in labelled
    )


def as_json(reading: Reading) -> dict[str, Any]:
    """The reading as plain JSON values; thresholds are millionths and stay integers."""
    return {
        "in_force": reading.in_force, "target": reading.target, "delta": reading.delta, "state": reading.state,
        "threshold": reading.threshold, "lower_bound": reading.lower_bound, "more_audits": reading.more_audits,
        "method": reading.method,
        "counts": [
            [round(b.threshold * MILLION), b.released, b.audited, b.audited_wrong, b.reviewed, b.reviewed_wrong]
            for b in reading.bands
        ],
        "steps": [asdict(step) for step in reading.tested],
    }  # fmt: skip


def from_json(value: Mapping[str, Any]) -> Reading:
    """The reading that `as_json` wrote."""
    return Reading(
        tuple(Band(edge / MILLION, *counts) for edge, *counts in value["counts"]), value["in_force"], value["target"],
        value["delta"], value["state"], value["threshold"], value["lower_bound"], value["more_audits"],
        tuple(_tested(step) for step in value["steps"]), value["method"],
    )  # fmt: skip


def _tested(step: Mapping[str, Any]) -> Tested:
    def pair(of: Sequence[int]) -> Pair:
        return of[0], of[1]

    return Tested(**{
        **step, "n_total": pair(step["n_total"]), "n_labelled": pair(step["n_labelled"]), "wrong": pair(step["wrong"]),
    })  # fmt: skip
