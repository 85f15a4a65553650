"""The smaller figures of the lab as numbers for their SVG: reliability, confidence over time, cost, segments. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.pages.templatetags import _formats as f
from governance.pages.tuning_consequences import Setting
from governance.tuning import costs as money
from governance.tuning.calibration import Bin
from governance.tuning.certify import MILLION
from governance.tuning.reading import Reading, Row, rows

SIDE, LEFT, TOP = 170.0, 34.0, 18.0


@dataclass(frozen=True)
class Dot:
    """A point with its interval, in the figure's units; `label` says it in words."""

    x: float
    y: float
    low: float
    high: float


def reliability_dots(bins: Sequence[Bin]) -> tuple[Dot, ...]:
    """Stated confidence to the right, how often it was right upwards; both from 0 to 1."""
    found = []
    for each in bins:
        if each.right is not None and each.lower is not None and each.upper is not None:
            low, y, high = (round(TOP + SIDE * (1 - value), 1) for value in (each.lower, each.right, each.upper))
            found.append(Dot(round(LEFT + SIDE * each.stated, 1), y, low, high))
    return tuple(found)


@dataclass(frozen=True)
class Curve:
    """Cost by threshold: two lines, where the threshold in force and the cheapest one lie, and the scale."""

    estimate: str
    bound: str
    in_force: tuple[float, float] | None
    cheapest: tuple[float, float]
    cheapest_threshold: int
    cheapest_cost: str
    zero: float
    top_label: str
    first_label: str
    last_label: str
    width: float = 420.0
    height: float = 190.0


def cost_of(row: Row, setting: Setting, risk: float) -> float:
    """Cost in the unit of the page when everything at or above this threshold goes out at this risk."""
    if setting.costs is None:
        raise ValueError("This policy names no costs.")
    prices = money.Prices(float(setting.costs.review), float(setting.costs.wrong_release))
    traffic = money.Traffic(setting.volume, setting.audit_rate)
    return money.daily_cost(traffic, prices, released_share=row.share, risk=risk, wrong_below=0.0)


def cost_curve(every: Sequence[Row], setting: Setting) -> Curve | None:
    """None where the policy names no costs or nothing was judged."""
    known = [row for row in every if row.estimate is not None]
    if setting.costs is None or len(known) < 2:
        return None
    at = {row.threshold: cost_of(row, setting, row.estimate or 0.0) for row in known}
    bounds = {row.threshold: cost_of(row, setting, row.bound) for row in known}
    best = min(known, key=lambda row: at[row.threshold])
    highest = max(at.values())
    top = max(highest, min(max(bounds.values()), 3 * highest)) or 1.0
    first, last = known[0].share, known[-1].share

    def x(row: Row) -> float:
        return round(46 + 360 * (row.share - first) / ((last - first) or 1.0), 1)

    def y(cost: float) -> float:
        return round(160 - 140 * min(cost, top) / top, 1)

    def line(costs: dict[int, float]) -> str:
        return "M" + " L".join(f"{x(row)} {y(costs[row.threshold])}" for row in known)

    current = next((row for row in known if row.threshold == setting.reading.in_force), None)
    return Curve(
        line(at), line(bounds), (x(current), y(at[current.threshold])) if current else None,
        (x(best), y(at[best.threshold])), best.threshold,
        f"{f.money(round(at[best.threshold], 2), setting.costs.currency)} {setting.unit}", y(0.0),
        f.money(round(top, 0), setting.costs.currency), f.threshold(known[0].threshold),
        f.threshold(known[-1].threshold),
    )  # fmt: skip


@dataclass(frozen=True)
class CostRow:
    """One threshold of the cost curve in words; `note` says what is special about it."""

    threshold: int
    share: float
    cost: str
    at_bound: str
    note: str


def cost_rows(every: Sequence[Row], setting: Setting) -> tuple[CostRow, ...]:
    """The round thresholds of the curve, the one in force, the certified and the cheapest; empty without costs."""
    known = [row for row in every if row.estimate is not None]
    if setting.costs is None or len(known) < 2:
        return ()
    at = {row.threshold: cost_of(row, setting, row.estimate or 0.0) for row in known}
    best = min(known, key=lambda row: at[row.threshold]).threshold
    named = {setting.reading.in_force: "in force", setting.certified: "certified"}
    told = []
    for row in known:
        notes = [named.get(row.threshold, ""), "cheapest" if row.threshold == best else ""]
        if row.threshold % 50_000 == 0 or any(notes):
            cost, limit = (
                f.money(round(amount, 2), setting.costs.currency)
                for amount in (at[row.threshold], cost_of(row, setting, row.bound))
            )
            told.append(CostRow(row.threshold, row.share, cost, limit, ", ".join(filter(None, notes))))
    return tuple(told)


@dataclass(frozen=True)
class Multiple:
    """One segment's risk by threshold, on scales that all share; `is_worst` is the one with the highest bound."""

    name: str
    threshold: int
    estimate: float | None
    bound: float | None
    share: float
    judged: int
    line: str
    band: str
    target: float
    point: tuple[float, float] | None
    state: str
    is_worst: bool = False


@dataclass(frozen=True)
class Segment:
    """What the evidence says of one segment: the rows with an estimate, and `here` the one that it is shown by."""

    name: str
    threshold: int
    state: str
    judged: int
    every: tuple[Row, ...]
    here: Row | None


def segment(name: str, read: Reading, *, threshold: int, goal: float, state: str) -> Segment:
    """While its threshold lets nothing out, a segment is shown where it was certified, or where its tests begin."""
    every = tuple(row for row in rows(read, goal=goal) if row.estimate is not None)
    shown = {row.threshold: row for row in every}
    certified = read.passing.threshold if read.passing else read.starts_at
    here = shown.get(threshold) or (shown.get(certified) if certified is not None else None)
    judged = sum(band.audited + band.reviewed for band in read.bands)
    return Segment(name, threshold, state, judged, every, here)


def multiples(segments: Sequence[Segment], *, goal: float) -> list[Multiple]:
    """All of them on common scales, on which every segment's own point lies."""
    points = [each.here.estimate or 0.0 for each in segments if each.here]
    most = min(1.0, max(2 * goal, 0.01, 1.15 * max(points, default=0.0)))
    return [_multiple(each, goal=goal, most=most) for each in segments]


def _multiple(of: Segment, *, goal: float, most: float) -> Multiple:
    """A segment's small figure, 170 by 80; `most` is the risk at its top."""
    every, here = of.every, of.here

    def at(share: float, risk: float) -> str:
        return f"{round(160 * share, 1)} {round(74 - 70 * min(risk, most) / most, 1)}"

    line = "M" + " L".join(at(row.share, row.estimate or 0.0) for row in every) if len(every) > 1 else ""
    upper, lower = [at(row.share, row.bound) for row in every], [at(row.share, row.lower) for row in reversed(every)]
    band = "M" + " L".join([*upper, *lower]) + "Z" if len(every) > 1 else ""
    point = None
    if here is not None:
        point = (round(160 * here.share, 1), round(74 - 70 * min(here.estimate or 0.0, most) / most, 1))
    return Multiple(
        of.name, of.threshold, here.estimate if here else None, here.bound if here else None,
        here.share if here else 0.0, of.judged, line, band, round(74 - 70 * goal / most, 1), point, of.state,
    )  # fmt: skip


def bars(shares: Sequence[float]) -> tuple[tuple[float, float, float], ...]:
    """(x, y, height) of the bars of one histogram, 170 by 60: all of one scale, from nought to everything."""
    step = 160 / len(shares)
    return tuple(
        (round(i * step + 1, 1), round(60 - 56 * share, 1), round(56 * share, 1)) for i, share in enumerate(shares)
    )


def parts(share: float) -> int:
    """A share as millionths, for the words of the templates."""
    return round(share * MILLION)
