"""A scan: a matrix of grey values, drawn as SVG squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from governance.contracts.values import decimal_of

MOST_SIDE: Final = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """One square that is not paper. `level` is its share of ink, 0 to 1, as an SVG attribute."""

    x: int
    y: int
    level: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What the template draws. Width and height in pixels of the scan; `plain` is the same in words."""

    title: str
    width: int
    height: int
    cells: tuple[Cell, ...]
    kind: str = "scan"

    @property
    def plain(self) -> str:
        return f"{self.title}, {self.width} by {self.height} pixels, {len(self.cells)} of them inked"


def scan(schema: dict[str, Any], value: Any, title: str) -> Scan | None:
    """The scan in a matrix of numbers from 0 to the schema's `maximum`; None for anything else."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_SIDE or not isinstance(value[0], list):
        return None
    width = len(value[0])
    if not 1 <= width <= MOST_SIDE or any(not isinstance(row, list) or len(row) != width for row in value):
        return None
    numbers = [[decimal_of(grey) for grey in row] for row in value]
    known = [number for row in numbers for number in row if number is not None]
    top = _maximum(schema) or max(known, default=None)
    if len(known) != width * len(value) or not top or min(known) < 0 or max(known) > top:
        return None
    cells = tuple(
        Cell(x, y, f"{float(grey / top):.3f}".rstrip("0").rstrip("."))
        for y, row in enumerate(numbers)
        for x, grey in enumerate(row)
        if grey
    )
    return Scan(title, width, len(value), cells)


def _maximum(schema: dict[str, Any]) -> Any:
    for _ in range(2):
        inner = schema.get("items")
        schema = inner if isinstance(inner, dict) else {}
    number = decimal_of(schema.get("maximum"))
    return number if number and number > 0 else None
