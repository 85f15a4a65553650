"""What two JSON values have in common: numbers compare as decimals, booleans are never numbers."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Any, Final, Literal


class Absence(enum.Enum):
    """The type of MISSING, which is not null: a null was said, a missing value was not."""

    MISSING = "missing"


MISSING: Final = Absence.MISSING
Kind = Literal["null", "boolean", "number", "text", "array", "object"]


def decimal_of(value: Any) -> Decimal | None:
    """The decimal a JSON number stands for (a float by its shortest text), or None for all else, NaN and infinities."""
    kind = type(value)
    if kind is int:
        return Decimal(value)
    if kind is float:
        return Decimal(repr(value)) if value - value == 0.0 else None
    if kind is Decimal:
        return value if value.is_finite() else None
    return None


def kind_of(value: Any) -> Kind | None:
    """The JSON kind of a value; None for what is not JSON, such as NaN or MISSING."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, (list, tuple)):
        return "array"
    return "number" if decimal_of(value) is not None else None


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not, NaN equals nothing. Keys have no order."""
    kind = kind_of(one)
    if kind is None or kind != kind_of(other):
        return False
    if kind == "number":
        return decimal_of(one) == decimal_of(other)
    if kind == "object":
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if kind == "array":
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
