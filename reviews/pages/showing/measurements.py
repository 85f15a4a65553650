"""Measurements: each value with its unit and where it lies among the values that the model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from governance.contracts.values import decimal_of

MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Range:
    """A small bar: positions from 0 to 100 along it of the range, its middle half, its median and the value."""

    low: str
    q1: str
    middle: str
    median: str
    high: str
    at: str


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `place` says in words where the value lies, "" where no range is known; `is_apart` that it is
    outside everything seen in training."""

    title: str
    help: str
    value: str
    unit: str
    place: str
    range: Range | None
    is_apart: bool


@dataclass(frozen=True, slots=True)
class Measurements:
    title: str
    help: str
    rows: tuple[Row, ...]
    kind: str = "measurements"

    @property
    def plain(self) -> str:
        return "; ".join(f"{row.title} {row.value} {row.unit} {row.place}".strip() for row in self.rows)


def measurements(schema: dict[str, Any], value: Any, title: str) -> Measurements | None:
    """The table of an object of numbers; None for anything else."""
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST:
        return None
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    order = [name for name in known if name in value] + [name for name in value if name not in known]
    rows = []
    for name in order:
        number, part = decimal_of(value[name]), known.get(name)
        if number is None:
            return None
        rows.append(_row(name, number, part if isinstance(part, dict) else {}))
    return Measurements(title, str(schema.get("description", "")), tuple(rows))


def number_text(number: Decimal) -> str:
    """A number as it was sent, with a true minus; one too long for a line in powers of ten."""
    said = f"{number:f}" if -8 <= number.adjusted() <= 12 and len(number.as_tuple().digits) <= 16 else f"{number:.6g}"
    return said.replace("-", "\u2212")


def _row(name: str, number: Decimal, part: dict[str, Any]) -> Row:
    ends = part.get("x-range")
    cuts = [decimal_of(end) for end in ends] if isinstance(ends, list) and len(ends) == 5 else []
    known = [cut for cut in cuts if cut is not None]
    bar = _range(number, known) if len(known) == 5 and sorted(known) == known and known[0] < known[4] else None
    return Row(
        str(part.get("title") or name), str(part.get("description", "")), number_text(number),
        str(part.get("x-unit", "")), _place(number, known) if bar else "", bar,
        bool(bar) and not known[0] <= number <= known[4],
    )  # fmt: skip


def _range(number: Decimal, cuts: list[Decimal]) -> Range:
    low, high = min(cuts[0], number), max(cuts[4], number)

    def along(value: Decimal) -> float:
        return float((value - low) / (high - low)) * 100

    at = [f"{along(value):.2f}" for value in (*cuts, number)]
    return Range(at[0], at[1], f"{max(along(cuts[3]) - along(cuts[1]), 0.5):.2f}", at[2], at[4], at[5])


def _place(number: Decimal, cuts: list[Decimal]) -> str:
    low, q1, _, q3, high = cuts
    if number < low:
        return "under all seen"
    if number > high:
        return "over all seen"
    return "lowest quarter" if number < q1 else "highest quarter" if number > q3 else "middle half"
