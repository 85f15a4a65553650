"""What a replay found, as the page tells it: a week's figures of both policies, and the change between them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from governance.pages.templatetags import _formats as f

WEEK: Final = 7.0
WIDTH: Final = 446.0
"""Of the bar, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what is counted, of the old policy, of the new, and the change."""

    name: str
    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One policy's outputs as a bar: what goes out alone, then what people decide, then what is blocked."""

    number: str
    released: str
    reviewed: str
    blocked: str
    x_released: float
    x_blocked: float


@dataclass(frozen=True, slots=True)
class Told:
    sentence: str
    unit: str
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    queues: tuple[Line, ...]
    flips: tuple[dict[str, Any], ...]
    changed: int
    known: int
    wrong: int


def told(result: Mapping[str, Any], *, old: str, new: str) -> Told:
    """The page's texts; `old` and `new` name the two policies. With less than a week on record per 1,000 outputs."""
    outputs, days = result["outputs"], result["days"]
    opens = min(result.get("span", days), days)
    is_weekly = opens >= WEEK
    scale = (WEEK / opens if is_weekly else 1000 / outputs) if outputs else 0.0
    unit = "A week" if is_weekly else "Per 1\u202f000 outputs"
    base, then = result["base"], result["candidate"]
    flips = tuple(result["flips"])
    changed = (then["lanes"]["release"] - base["lanes"]["release"]) * scale
    return Told(
        _sentence(changed, unit, outputs, sum(flip["outputs"] for flip in flips), new), unit,
        (_bar(base, outputs, old), _bar(then, outputs, new)), _lines(base, then, scale), _queues(base, then, scale),
        flips, sum(flip["outputs"] for flip in flips), sum(flip["known"] for flip in flips),
        sum(flip["wrong"] for flip in flips),
    )  # fmt: skip


def _sentence(changed: float, unit: str, outputs: int, flipped: int, new: str) -> str:
    if not outputs:
        return f"There are no outputs on record to try {new} on."
    if round(abs(changed)) == 0:
        other = f", though {f.number(flipped)} change lane" if flipped else ""
        return f"{new[0].upper()}{new[1:]} would let just as many answers go out alone{other}."
    how = f"{f.number(abs(changed))} {'more' if changed > 0 else 'fewer'}"
    when = "a week" if unit == "A week" else "in 1\u202f000"
    return f"{new[0].upper()}{new[1:]} would let {how} answers {when} go out alone."


def _bar(side: Mapping[str, Any], outputs: int, name: str) -> Bar:
    def share(count: int) -> str:
        return f.percent(round(count * f.MILLION / outputs), places=1) if outputs else "none"

    lanes = side["lanes"]
    whole = max(1, outputs)
    return Bar(
        name, share(lanes["release"]), share(lanes["review"]), share(lanes["block"]) if lanes["block"] else "",
        round(WIDTH * lanes["release"] / whole, 1), round(WIDTH * (whole - lanes["block"]) / whole, 1),
    )  # fmt: skip


def _lines(base: Mapping[str, Any], then: Mapping[str, Any], scale: float) -> tuple[Line, ...]:
    lanes = ("release", "Goes out alone"), ("review", "People decide"), ("block", "Blocked")
    lines = [
        _count(name, base["lanes"][lane], then["lanes"][lane], scale)
        for lane, name in lanes
        if base["lanes"][lane] or then["lanes"][lane] or lane != "block"
    ]
    old, new = base["escaped"], then["escaped"]
    change = None if None in (old["estimate"], new["estimate"]) else (new["estimate"] - old["estimate"]) * scale
    lines.append(Line(
        "Wrong among what goes out", _wrong(old, scale), _wrong(new, scale),
        "not known" if change is None else f.signed(change, places=_places(change)),
    ))  # fmt: skip
    hours = (then["hours"] - base["hours"]) * scale
    lines.append(Line(
        "Reviewer hours", f"{f.number(base['hours'] * scale, places=1)}{f.FIXED}h",
        f"{f.number(then['hours'] * scale, places=1)}{f.FIXED}h", f"{f.signed(hours, places=1)}{f.FIXED}h",
    ))  # fmt: skip
    if base["cost"] and then["cost"] and base["cost"]["currency"] == then["cost"]["currency"]:
        lines.append(_cost(base["cost"], then["cost"], scale))
    return tuple(lines)


def _count(name: str, before: int, after: int, scale: float) -> Line:
    return Line(name, f.number(before * scale), f.number(after * scale), f.signed((after - before) * scale))


def _places(value: float) -> int:
    return 0 if abs(value) >= 10 or value == 0 else 1


def _wrong(escaped: Mapping[str, Any], scale: float) -> str:
    """The estimate, and how many there are at most."""
    at_most = escaped["at_most"] * scale
    most = f"at most {f.number(at_most, places=_places(at_most))}"
    if escaped["estimate"] is None:
        return f"not known, {most}"
    estimate = escaped["estimate"] * scale
    return f"{f.number(estimate, places=_places(estimate))}, {most}"


def _cost(before: Mapping[str, Any], after: Mapping[str, Any], scale: float) -> Line:
    sign = f.SIGNS.get(before["currency"], before["currency"])

    def money(cost: Mapping[str, Any]) -> str:
        if cost["estimate"] is None:
            return f"not known, at most {sign}{f.FIXED}{f.number(cost['at_most'] * scale)}"
        return f"{sign}{f.FIXED}{f.number(cost['estimate'] * scale)}"

    known = None not in (before["estimate"], after["estimate"])
    change = (after["estimate"] - before["estimate"]) * scale if known else 0.0
    said = f.signed(change)
    told = f"{said[0]}{sign}{f.FIXED}{said[1:]}" if said[0] in f"+{f.MINUS}" else f"{sign}{f.FIXED}{said}"
    return Line("Cost", money(before), money(after), told if known else "not known")


def _queues(base: Mapping[str, Any], then: Mapping[str, Any], scale: float) -> tuple[Line, ...]:
    """Hours of review in each queue."""
    lines = []
    for queue in sorted({*base["queues"], *then["queues"]}):
        before, after = (
            sum(side["queues"].get(queue, {"hours_by_day": {}})["hours_by_day"].values()) * scale
            for side in (base, then)
        )
        lines.append(Line(
            queue, f"{f.number(before, places=1)}{f.FIXED}h", f"{f.number(after, places=1)}{f.FIXED}h",
            f"{f.signed(after - before, places=1)}{f.FIXED}h",
        ))  # fmt: skip
    return tuple(lines)
