"""The figures of the method, by simulation: how often its promise is broken, what it keeps, when it alarms.

`make bench STAT=1` runs all of it, which takes most of an hour. Every run is seeded: the same seed and size give the
same figure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure
from governance import tuning
from governance.tuning import Band
from governance.tuning.detector import first_alarm

Floats = NDArray[np.float64]
Risk = Callable[[Floats], Floats]
TARGET, DELTA, WINDOW, RATE = 0.01, 0.05, 40_000, 0.05
EDGES = np.round(np.linspace(0.99, 0.03, 97), 4)
SLICES = [*EDGES.tolist(), 0.0]


def scores(dice: np.random.Generator, count: int) -> Floats:
    high = dice.random(count) < 0.8
    return np.where(high, dice.beta(9, 0.7, count), dice.beta(2.2, 2, count))


def ordered(score: Floats) -> Floats:
    return 0.0008 + 0.6 * (1 - score) ** 1.6


def says_nothing(score: Floats) -> Floats:
    return np.full(score.shape, 1.01 * TARGET)


class World:
    """A model's scores and their true risk: what every threshold would really release, and at which risk."""

    def __init__(self, risk: Risk, *, seed: int, target: float = TARGET) -> None:
        many = scores(np.random.default_rng(seed), 2_000_000)
        weight = np.cumsum(counted(many, np.ones(many.shape, dtype=np.bool_)))
        self.risk, self.target = risk, target
        wrong = np.cumsum(np.bincount(_slots(many), weights=risk(many), minlength=len(SLICES)))
        self.true_risk = dict(zip(SLICES, wrong / np.maximum(weight, 1), strict=True))
        self.coverage = dict(zip(SLICES, weight / many.size, strict=True))
        self.best = min((edge for edge in SLICES if self.true_risk[edge] <= target), default=1.0)
        half = np.quantile(many, 0.5)
        self.start = float(EDGES[np.searchsorted(-EDGES, -half)])

    def window(
        self, dice: np.random.Generator, *, in_force: float, count: int = WINDOW, rate: float = RATE, found: float = 1.0
    ) -> NDArray[np.int64]:
        """Counts of one window by slice, as (released, audited, audited wrong, reviewed, reviewed wrong); reviewers
        call a wrong answer wrong with the chance `found`."""
        score = scores(dice, count)
        wrong = (dice.random(count) < self.risk(score)) & (dice.random(count) < found)
        out = score >= in_force
        drawn = out & (dice.random(count) < rate)
        return np.stack([counted(score, mask) for mask in (out, drawn, drawn & wrong, ~out, ~out & wrong)], axis=1)

    def is_broken(self, threshold: float | None) -> bool:
        return threshold is not None and self.true_risk[threshold] > self.target


def _slots(score: Floats) -> NDArray[np.int64]:
    return np.searchsorted(-EDGES, -score, side="left")


def counted(score: Floats, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(_slots(score[mask]), minlength=len(SLICES))


def bands(counts: NDArray[np.int64]) -> list[Band]:
    return [Band(edge, *map(int, row)) for edge, row in zip(SLICES, counts, strict=True)]


def naive(counts: NDArray[np.int64], *, target: float = TARGET) -> dict[str, float | None]:
    """What simpler tuners pick from the same counts: the lowest threshold that looks good."""
    out, drawn, drawn_wrong, rest, rest_wrong = np.cumsum(counts, axis=0).T.astype(float)
    everything = np.maximum(out + rest, 1)
    weighted = (out * drawn_wrong / np.maximum(drawn, 1) + rest_wrong) / everything
    share = drawn_wrong / np.maximum(drawn, 1)
    spread = out / everything * np.sqrt(share * (1 - share) / np.maximum(drawn, 1))
    estimates = {
        "not overridden is correct": (drawn_wrong + rest_wrong) / everything,
        "weighted estimate": weighted,
        "weighted estimate + 1.645 SE": weighted + 1.645 * spread,
    }
    passing = {name: np.flatnonzero((estimate <= target) & (out + rest > 0)) for name, estimate in estimates.items()}
    return {name: SLICES[found[-1]] if found.size else None for name, found in passing.items()}


def _share(hits: Sequence[bool]) -> float:
    return 100 * sum(hits) / len(hits)


def _figure(name: str, ours: float, limit: float, unit: str, runs: int, *, at_most: bool = True) -> Figure:
    bound = {"at_most": 1.0} if at_most else {"at_least": 1.0}
    return Figure(name, ours, limit, unit, runs, "demanded", **bound)


def null(runs: int, *, seed: int) -> list[Figure]:
    """Confidence says nothing and the risk is 1.01 times the target everywhere: whatever is chosen breaks it."""
    world, dice = World(says_nothing, seed=1), np.random.default_rng(seed)
    broken: list[bool] = []
    others: dict[str, list[bool]] = {}
    for _ in range(runs):
        counts = world.window(dice, in_force=world.start)
        chosen = tuning.certify(bands(counts), in_force=world.start, target=TARGET, delta=DELTA).threshold
        broken.append(world.is_broken(chosen))
        for name, threshold in naive(counts).items():
            others.setdefault(name, []).append(world.is_broken(threshold))
    found = [_figure("null: broken", _share(broken), 6.4, "%", runs)]
    return found + [
        _figure(f"null: {name}", _share(hits), 60.0, "%", runs, at_most=False) for name, hits in others.items()
        if "SE" not in name
    ]  # fmt: skip


def pooled(runs: int, *, seed: int) -> list[Figure]:
    """Four windows of 40,000 pooled, audited at 5 %, the policy at half coverage."""
    world, dice = World(ordered, seed=2), np.random.default_rng(seed)
    broken, kept = [], []
    for _ in range(runs):
        counts = sum(world.window(dice, in_force=world.start) for _ in range(4))
        chosen = tuning.certify(bands(counts), in_force=world.start, target=TARGET, delta=DELTA).threshold
        broken.append(world.is_broken(chosen))
        kept.append(world.coverage[world.start if chosen is None else chosen])
    best = world.coverage[world.best]
    return [
        _figure("four windows: broken", _share(broken), 6.4, "%", runs),
        _figure("four windows: coverage", float(np.mean(kept)), 0.72, f"of {best:.3f}", runs, at_most=False),
    ]


def weekly(runs: int, *, seed: int) -> list[Figure]:
    """26 weekly looks at pooled data, each spending its part, each applied at once."""
    world, dice = World(ordered, seed=2), np.random.default_rng(seed)
    ever, kept = [], []
    for _ in range(runs):
        threshold, is_broken = world.start, False
        counts = np.zeros((len(SLICES), 5), dtype=np.int64)
        for look in range(1, 27):
            counts = counts + world.window(dice, in_force=threshold)
            level = tuning.spent_at_look(DELTA, look)
            chosen = tuning.certify(bands(counts), in_force=threshold, target=TARGET, delta=level).threshold
            threshold = threshold if chosen is None else chosen
            is_broken = is_broken or world.is_broken(threshold)
        ever.append(is_broken)
        kept.append(world.coverage[threshold])
    return [
        _figure("26 weekly looks: ever broken", _share(ever), 7.0, "%", runs),
        _figure("26 weekly looks: coverage", float(np.mean(kept)), 0.70, "", runs, at_most=False),
    ]


def imperfect(runs: int, *, seed: int, found: float = 0.8, seeded: int = 200) -> list[Figure]:
    """Reviewers miss a fifth of the errors: corrected by known answers, and not."""
    world, dice = World(ordered, seed=2), np.random.default_rng(seed)
    broken, uncorrected = [], []
    for _ in range(runs):
        counts = bands(sum(world.window(dice, in_force=world.start, found=found) for _ in range(4)))
        known = int(dice.binomial(seeded, found))
        used = tuning.correct_for_sensitivity(TARGET, DELTA, found=known, seeded=seeded)
        for kept, target, delta in ((broken, used.target, used.delta), (uncorrected, TARGET, DELTA)):
            chosen = tuning.certify(counts, in_force=world.start, target=target, delta=delta).threshold
            kept.append(world.is_broken(chosen))
    return [
        _figure("reviewers miss 20 %, corrected: broken", _share(broken), 5.0, "%", runs),
        _figure("the same, uncorrected: broken", _share(uncorrected), 60.0, "%", runs, at_most=False),
    ]


def watching(runs: int, *, seed: int, a_year: int = 10_000) -> list[Figure]:
    """The detector at the target over a year, and how soon it speaks when the risk is five times the target."""
    dice = np.random.default_rng(seed)
    alarms = [first_alarm(dice.random(a_year) < TARGET, TARGET, a_year) is not None for _ in range(runs)]
    found = [_figure("detector: years with a false alarm", _share(alarms), 5.0, "%", runs)]
    for times, limit in ((5, 300.0), (3, 900.0), (2, 3000.0)):
        delays = [first_alarm(dice.random(20_000) < times * TARGET, TARGET, a_year) or 20_000 for _ in range(runs)]
        found.append(
            _figure(f"detector: median delay at {times} x target", float(np.median(delays)), limit, "audits", runs)
        )
    return found


def speed(*, seed: int) -> list[Figure]:
    """CPU time of one exact p-value and of a chain of 60."""
    world, dice = World(ordered, seed=2), np.random.default_rng(seed)
    counts = bands(sum(world.window(dice, in_force=world.start) for _ in range(4)))
    began = time.process_time()
    certificate = tuning.certify(counts, in_force=world.start, target=0.35, delta=DELTA)
    took = time.process_time() - began
    steps = len(certificate.steps)
    return [
        _figure("one p-value in the chain", 1000 * took / steps, 20.0, "ms", steps),
        _figure("a chain of 60", took / steps * 60, 1.0, "s", 60),
    ]


def bench(size: float) -> list[Figure]:
    """The figures; `size` 1 is 1,000 runs of each."""
    runs = max(20, round(1000 * size))
    return [
        *null(runs, seed=11), *pooled(runs, seed=12), *weekly(runs, seed=13),
        *imperfect(runs, seed=14), *watching(max(100, runs), seed=15), *speed(seed=16),
    ]  # fmt: skip
