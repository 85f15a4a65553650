"""What the operators mean: each builds a test of one value, True, False, or "the field is absent or of another kind".

Numbers compare as decimals and booleans are never numbers. Ordering takes numbers, RFC 3339 times, and other texts by
code point; a literal that is a time makes it an ordering of times. `eq null` asks whether a value is null, so every
present value answers it; otherwise a value of another kind than the literal does not count as an answer.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import re2

from governance.contracts.values import MISSING, decimal_of, kind_of, same

Answer = bool | None
Values = list[Any]
Test = Callable[[Values], Answer]
Build = Callable[[int, Answer], Test]
"""Given the slot of the value and the answer for an absent one, the test."""

ORDERINGS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
NAMES: Final = (
    "eq", "ne", *ORDERINGS, "in", "not_in", "contains", "starts_with", "ends_with", "matches", "exists", "between",
)  # fmt: skip
MOST_VALUES: Final = 1000
LONGEST_PATTERN: Final = 1000
# Up to 2**53 every integer is a float, so native comparison orders floats as their decimals; beyond it does not.
_SAFE: Final = 2**53
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def instant(text: str) -> datetime | None:
    """The UTC time an RFC 3339 text states; None for other texts, leap seconds and more than six decimals."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    micro = int((fraction or "0").ljust(6, "0"))
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    if offset >= timedelta(days=1) or int(offset_minutes or 0) > 59:
        return None
    try:
        zone = timezone(-offset if sign == "-" else offset)
        return datetime(year, month, day, hour, minute, second, micro, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def build(name: str, literal: Any) -> Build:
    """The operator's test for a literal. Raises ValueError with a sentence when the literal does not suit it."""
    if name in ("eq", "ne"):
        return _equal(literal, wanted=name == "eq")
    if name in ORDERINGS:
        return _ordered(ORDERINGS[name], literal)
    if name in ("in", "not_in"):
        return _member(literal, wanted=name == "in")
    return {"contains": _contains, "matches": _matches, "exists": _exists, "between": _between}.get(name, _affix(name))(
        literal
    )


def _equal(literal: Any, *, wanted: bool) -> Build:
    kind = kind_of(literal)
    if kind == "text":
        return _plain(str, literal, wanted)
    if kind == "boolean":
        return _plain(bool, literal, wanted)
    if kind == "number":
        return _number(operator.eq if wanted else operator.ne, literal)
    if kind == "null":

        def build_null(slot: int, absent: Answer) -> Test:
            def test(values: Values) -> Answer:
                value = values[slot]
                return absent if value is MISSING else (value is None) is wanted

            return test

        return build_null

    def build_deep(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            return same(value, literal) is wanted if kind_of(value) == kind else absent

        return test

    return build_deep


def _plain(kind: type, literal: Any, wanted: bool) -> Build:
    def build_equal(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            return value == literal if type(value) is kind else absent

        return test

    def build_unequal(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            return value != literal if type(value) is kind else absent

        return test

    return build_equal if wanted else build_unequal


def _number(compare: Callable[[Any, Any], bool], literal: Any) -> Build:
    exact = decimal_of(literal)
    is_native = type(literal) in (int, float) and abs(literal) <= _SAFE

    def build_number(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            kind = type(value)
            if kind is int or (kind is float and value - value == 0.0):
                return compare(value, literal)
            number = decimal_of(value)
            return absent if number is None else compare(number, exact)

        return test

    def build_exact(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            number = decimal_of(values[slot])
            return absent if number is None else compare(number, exact)

        return test

    return build_number if is_native else build_exact


def _text(compare: Callable[[str, str], bool], literal: str) -> Build:
    def build_text(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            return compare(value, literal) if type(value) is str else absent

        return test

    return build_text


def _ordered(compare: Callable[[Any, Any], bool], literal: Any) -> Build:
    kind = kind_of(literal)
    if kind == "number":
        return _number(compare, literal)
    if kind != "text":
        raise ValueError("Ordering takes a number, a time or a text.")
    moment = instant(literal)
    if moment is None:
        return _text(compare, literal)

    def build_time(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            stated = instant(value) if type(value) is str else None
            return absent if stated is None else compare(stated, moment)

        return test

    return build_time


def _member(literals: Any, *, wanted: bool) -> Build:
    _check_list(literals)
    kinds = {kind_of(literal) for literal in literals}
    if kinds == {"text"}:
        texts = frozenset(literals)

        def build_texts(slot: int, absent: Answer) -> Test:
            def test(values: Values) -> Answer:
                value = values[slot]
                return (value in texts) is wanted if type(value) is str else absent

            return test

        return build_texts

    def build_member(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            if value is MISSING or (kind_of(value) not in kinds and kinds != {"null"}):
                return absent
            return any(same(value, literal) for literal in literals) is wanted

        return test

    return build_member


def _check_list(literals: Any) -> None:
    if not isinstance(literals, list) or not 1 <= len(literals) <= MOST_VALUES:
        raise ValueError(f"This operator takes a list of 1 to {MOST_VALUES} values.")


def _contains(literal: Any) -> Build:
    def build_contains(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            if type(value) is list:
                return any(same(element, literal) for element in value)
            return literal in value if type(value) is str and type(literal) is str else absent

        return test

    return build_contains


def _affix(name: str) -> Callable[[Any], Build]:
    def build_affix(literal: Any) -> Build:
        if not isinstance(literal, str) or not literal:
            raise ValueError("This operator takes a text.")
        return _text(str.startswith if name == "starts_with" else str.endswith, literal)

    return build_affix


def _matches(literal: Any) -> Build:
    if not isinstance(literal, str) or not 1 <= len(literal) <= LONGEST_PATTERN:
        raise ValueError(f"A pattern is a text of 1 to {LONGEST_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(literal, options).search
    except re2.error as error:
        raise ValueError("This is not a pattern that RE2 takes; look-around and back-references are none.") from error

    def build_matches(slot: int, absent: Answer) -> Test:
        def test(values: Values) -> Answer:
            value = values[slot]
            return search(value) is not None if type(value) is str else absent

        return test

    return build_matches


def _exists(literal: Any) -> Build:
    if not isinstance(literal, bool):
        raise ValueError("This operator takes true or false, or nothing, which means true.")

    def build_exists(slot: int, absent: Answer) -> Test:
        return lambda values: (values[slot] is not MISSING) is literal

    return build_exists


def _between(literal: Any) -> Build:
    if not isinstance(literal, list) or len(literal) != 2 or kind_of(literal[0]) != kind_of(literal[1]):
        raise ValueError("This operator takes a list of two ends of the same kind.")
    low, high = literal
    if isinstance(low, str) and (instant(low) is None) != (instant(high) is None):
        raise ValueError("Both ends must be times, or neither.")
    at_least, at_most = _ordered(operator.ge, low), _ordered(operator.le, high)
    if not at_least(0, None)([high]):
        raise ValueError("The lower end must not be above the upper end.")

    def build_between(slot: int, absent: Answer) -> Test:
        from_low, to_high = at_least(slot, None), at_most(slot, None)

        def test(values: Values) -> Answer:
            above = from_low(values)
            return absent if above is None else above and to_high(values)

        return test

    return build_between


def check_holds(holds: str, name: str, literals: Collection[Any]) -> None:
    """Raises ValueError when a field that holds one kind is asked about another, which it could never meet."""
    if name == "exists" or holds == "any":
        return
    wanted = {"confidence": "number", "whole": "number", "text": "text", "boolean": "boolean"}[holds]
    textual = ("contains", "starts_with", "ends_with", "matches")
    if any(kind_of(literal) != wanted for literal in literals) or (name in textual and wanted != "text"):
        raise ValueError(f"This field holds a {wanted}, so it cannot be compared like this.")
    if wanted == "boolean" and name not in ("eq", "ne", "in", "not_in"):
        raise ValueError("A boolean can only be equal or not.")
    if holds == "whole" and any(decimal_of(literal) != int(decimal_of(literal) or Decimal(0)) for literal in literals):
        raise ValueError("This field holds whole numbers.")
