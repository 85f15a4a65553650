"""The figure of the lab as numbers for its SVG: what is drawn where. Pure; the template only writes it down."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance.pages.templatetags import _formats as f
from governance.tuning.certify import MILLION
from governance.tuning.reading import Reading, Row
from governance.tuning.words import confidence

TICKS = (999_000, *range(990_000, 890_000, -10_000), *range(850_000, -1, -50_000))
APART = 56  # points between two ticks of the threshold axis
MOST_TARGETS = 10  # no bound makes the figure higher than this many targets, or the target would be lost at its foot


@dataclass(frozen=True)
class Mark:
    """A vertical line with its label; `point` is the height of the estimate there, None where it is off the figure."""

    kind: str
    label: str
    threshold: int
    x: float
    top: float
    point: float | None
    is_left: bool

    @property
    def text_x(self) -> float:
        return round(self.x + (-6 if self.is_left else 6), 1)


@dataclass(frozen=True)
class Tick:
    at: float
    label: str
    second: str = ""


@dataclass(frozen=True)
class Figure:
    """Everything the SVG needs, in its own units."""

    name: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    first_share: float
    last_share: float
    most: float
    target: float
    target_label: str
    bound_label: str
    estimate: str
    tested_band: str
    tested_bound: str
    other_band: tuple[str, ...]
    other_bound: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    estimate_end: float
    bound_end: float

    @property
    def is_target_outside(self) -> bool:
        """Whether the target's label has room beside the labels at the right end."""
        return min(abs(end - self.target) for end in (self.estimate_end, self.bound_end)) > 16

    @property
    def forbidden(self) -> float:
        return round(max(0.0, self.target - self.top), 1)

    @property
    def end_x(self) -> float:
        return self.right + 8


class _Plot:
    def __init__(self, rows: Sequence[Row], most: float, *, width: int, height: int, left: int, right: int) -> None:
        self.left, self.right, self.top, self.bottom = float(left), float(width - right), 30.0, float(height - 44)
        self.first, self.last, self.most = rows[0].share, rows[-1].share, most

    def x(self, share: float) -> float:
        span = self.last - self.first or 1.0
        inner = self.left + 16 + (self.right - self.left - 18) * (share - self.first) / span
        return round(min(max(inner, self.left), self.right), 1)

    def y(self, risk: float) -> float:
        return round(self.bottom - (self.bottom - self.top) * risk / self.most, 1)

    def shown(self, risk: float | None) -> float | None:
        return None if risk is None or risk > self.most else self.y(risk)

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        return "M" + " L".join(f"{self.x(share)} {self.y(min(risk, 3 * self.most))}" for share, risk in points)

    def band(self, rows: Sequence[Row]) -> str:
        upper = [(row.share, row.bound) for row in rows]
        lower = [(row.share, row.lower) for row in reversed(rows)]
        return self.line([*upper, *lower]) + "Z"


def figure(
    name: str, every: Sequence[Row], reading: Reading, *, goal: float, level: float, certified: int | None,
    trial: int, width: int, height: int, left: int, right: int,
) -> Figure | None:  # fmt: skip
    """The figure of these rows; None when no row has an estimate. `goal` is the policy's target, a share."""
    known = [row for row in every if row.estimate is not None]
    if not known:
        return None
    marked = {certified, trial, reading.in_force, reading.failing.threshold if reading.failing else None}
    most = _most(known, marked, goal)
    rows = _within(known, marked, most)
    plot = _Plot(rows, most, width=width, height=height, left=left, right=right)
    tested = [row for row in rows if row.p is not None]
    others = _runs(rows)
    ends = [max(plot.top, plot.y(risk)) for risk in (rows[-1].estimate or 0.0, rows[-1].bound)]
    return Figure(
        name=name, width=width, height=height, left=plot.left, right=plot.right, top=plot.top, bottom=plot.bottom,
        first_share=plot.first, last_share=plot.last, most=most, target=plot.y(goal),
        target_label=f"Target {f.percent(round(goal * MILLION), places=1)}",
        bound_label=f"{confidence(level)} bound",
        estimate=plot.line((row.share, row.estimate or 0.0) for row in rows),
        tested_band=plot.band(tested) if len(tested) > 1 else "",
        tested_bound=plot.line((row.share, row.bound) for row in tested) if len(tested) > 1 else "",
        other_band=tuple(plot.band(run) for run in others),
        other_bound=tuple(plot.line((row.share, row.bound) for row in run) for run in others),
        x_ticks=_x_ticks(plot, rows), y_ticks=_y_ticks(plot),
        marks=tuple(_marks(plot, rows, reading, certified, trial)),
        estimate_end=max(ends[0], ends[1] + 15), bound_end=ends[1],
    )  # fmt: skip


def _most(rows: Sequence[Row], marked: Iterable[int | None], goal: float) -> float:
    keep = set(marked)
    bounds = [row.bound for row in rows if row.threshold in keep]
    wanted = max([2 * goal, *(1.15 * bound for bound in bounds)])
    # However bad it is: what is wrong at a threshold that somebody asks about is on the figure.
    least = max((1.15 * (row.estimate or 0.0) for row in rows if row.threshold in keep), default=0.0)
    return min(1.0, _round_up(max(least, min(wanted, MOST_TARGETS * goal))))


def _round_up(value: float) -> float:
    step = _step(value)
    return round(math.ceil(value / step - 1e-9) * step, 9)


def _step(value: float) -> float:
    """A round distance that divides the value into four or so."""
    power: float = 10.0 ** math.floor(math.log10(value / 4))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value / 4 - 1e-12)


def _within(rows: Sequence[Row], marked: Iterable[int | None], most: float) -> list[Row]:
    """The rows down to the last that is marked or whose estimate still fits."""
    keep = set(marked)
    last = max(i for i, row in enumerate(rows) if i == 0 or row.threshold in keep or (row.estimate or 0.0) <= most)
    return list(rows[: last + 1])


def _runs(rows: Sequence[Row]) -> list[list[Row]]:
    """What was not tested, before and after the chain, each run joined to the tested row beside it."""
    runs: list[list[Row]] = []
    for is_tested, group in itertools.groupby(rows, key=lambda row: row.p is not None):
        if not is_tested:
            part = list(group)
            start, stop = rows.index(part[0]), rows.index(part[-1])
            runs.append(list(rows[max(0, start - 1) : stop + 2]))
    return [run for run in runs if len(run) > 1]


def _x_ticks(plot: _Plot, rows: Sequence[Row]) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    for row in rows:
        x = plot.x(row.share)
        if row.threshold in TICKS and (not ticks or x - ticks[-1].at >= APART):
            ticks.append(Tick(x, f.threshold(row.threshold), f.percent(round(row.share * MILLION), places=0)))
    return tuple(ticks)


def _y_ticks(plot: _Plot) -> tuple[Tick, ...]:
    step = _step(plot.most)
    count = round(plot.most / step)
    places = 0 if all((i * step * 100) % 1 < 1e-9 for i in range(count + 1)) else 1
    places = 2 if step * 100 < 0.1 else places
    return tuple(Tick(plot.y(i * step), f.percent(round(i * step * MILLION), places=places)) for i in range(count + 1))


def _marks(plot: _Plot, rows: Sequence[Row], reading: Reading, certified: int | None, trial: int) -> Iterable[Mark]:
    found = {row.threshold: row for row in rows}
    names = (("in-force", "In force", reading.in_force, 34), ("certified", "Certified", certified, 52),
             ("trial", "Trial", trial, 18))  # fmt: skip
    for kind, word, threshold, top in names:
        row = found.get(threshold) if threshold is not None else None
        if row is None or threshold is None:
            continue  # a threshold that nothing reaches has no place on the axis
        x = plot.x(row.share)
        label = f"{word} {f.threshold(threshold)}"
        is_left = (kind != "trial" and x > plot.left + 110) or x > plot.right - 90
        yield Mark(kind, label, threshold, x, top, plot.shown(row.estimate), is_left)
