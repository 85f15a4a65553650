"""Where a case lies among others: the numbers of its input as a direction, so that like scans and like measurements
are near each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from governance.contracts.schema import Contract
from governance.contracts.values import decimal_of

MOST_NUMBERS: Final = 4_096
FEWEST_NUMBERS: Final = 4
# Two cases this far apart on the unit sphere or further are not alike: an angle of about 30 degrees.
FAR: Final = 0.5
_VIEWS: Final = ("scan", "measurements")


def place_of(contract: Contract, given: Any) -> list[float] | None:
    """The place of a case on the unit sphere; None for an input without numbers that can be compared.

    It is made of the first member whose schema says `"x-near": true` (an embedding of the producer's own), else of the
    first scan or measurements. A measurement counts in spreads of its `x-range`: how far from the median, measured by
    the middle half. Personal data makes no place.
    """
    if not isinstance(given, dict):
        return None
    hidden = {tokens[1] for tokens in contract.personal_data if tokens[0] == "input"}
    properties = contract.input_schema.get("properties") if isinstance(contract.input_schema, dict) else None
    known = {
        name: part for name, part in (properties if isinstance(properties, dict) else {}).items()
        if isinstance(part, dict) and name in given and name not in hidden
    }  # fmt: skip
    wanted = [name for name, part in known.items() if part.get("x-near") is True]
    wanted += [name for name, part in known.items() if part.get("x-view") in _VIEWS]
    return _direction(list(_numbers(known[wanted[0]], given[wanted[0]]))) if wanted else None


def _direction(numbers: list[float | None]) -> list[float] | None:
    if not FEWEST_NUMBERS <= len(numbers) <= MOST_NUMBERS:
        return None
    known = [number for number in numbers if number is not None and math.isfinite(number)]
    length = math.hypot(*known)
    if len(known) != len(numbers) or not math.isfinite(length) or length == 0:
        return None
    return [number / length for number in known]


def _numbers(schema: dict[str, Any], value: Any) -> Iterator[float | None]:
    if isinstance(value, dict):
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        # In the order of the schema, whatever the order they were sent in.
        for name in [*(n for n in known if n in value), *sorted(n for n in value if n not in known)]:
            part = known.get(name)
            yield _spread(part if isinstance(part, dict) else {}, value[name])
    elif isinstance(value, list):
        for element in value:
            yield from _numbers({}, element) if isinstance(element, list) else iter((_float(element),))


def _spread(schema: dict[str, Any], value: Any) -> float | None:
    number, ends = _float(value), schema.get("x-range")
    cuts = [_float(end) for end in ends] if isinstance(ends, list) and len(ends) == 5 else []
    _, q1, median, q3, _ = cuts or (None,) * 5
    if number is None or q1 is None or median is None or q3 is None or q3 <= q1:
        return number
    return (number - median) / (q3 - q1)


def _float(value: Any) -> float | None:
    number = decimal_of(value)
    return None if number is None else float(number)
