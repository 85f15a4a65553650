"""What a policy judges: one output, as it arrived."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from governance.refusals import Problem

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One output before the policy. `confidence` in integer millionths, None when it cannot be trusted; `problems` are
    the contract's; `received_at` is timezone-aware."""

    confidence: int | None
    input: Any = field(default_factory=dict)
    output: Any = field(default_factory=dict)
    attributes: Any = field(default_factory=dict)
    model: str | None = None
    model_version: str | None = None
    prompt_version: str | None = None
    received_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    problems: tuple[Problem, ...] = ()


def confidence_millionths(value: object) -> int | None:
    """A stated confidence as integer millionths, rounded down once, exactly.

    None for what is no number between 0 and 1: booleans, texts, NaN, infinities, 1.0000001.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or not 0 <= number <= 1:
        return None
    # Scaling by a power of ten is done on the exponent: a product would round to the context's precision.
    return (
        int(number.scaleb(6).to_integral_value(ROUND_FLOOR)) if len(number.as_tuple().digits) <= 28 else _floor(number)
    )


def _floor(number: Decimal) -> int:
    numerator, denominator = number.as_integer_ratio()
    return numerator * MILLION // denominator
