"""Reading a document that people write: every mistake is collected with its place, none is guessed away."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

from governance.contracts.values import decimal_of
from governance.refusals import Invalid, Problem

SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+")
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,4})W|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?)"
)
_LONGEST_DURATION = timedelta(days=366)
_MILLION = Decimal(1_000_000)


def join(at: str, key: str | int) -> str:
    """The path of a member: `policy.rules[0].when`; names that are no plain words stand in brackets and quotes."""
    if isinstance(key, int):
        return f"{at}[{key}]"
    if not _PLAIN_KEY.fullmatch(key):
        return f'{at}["{key}"]'
    return f"{at}.{key}" if at else key


def exact_millionths(value: Any) -> int:
    """A share between 0 and 1 as integer millionths, exactly. Raises ValueError with a sentence."""
    number = decimal_of(value)
    if number is None:
        raise ValueError("This must be a number.")
    if not 0 <= number <= 1:
        raise ValueError("This must be between 0 and 1.")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        raise ValueError("At most six decimals are kept, so more are refused.")
    return int(number * _MILLION)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration in weeks, or in days, hours, minutes and seconds. Raises ValueError with a sentence."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("This must be an ISO 8601 duration such as PT4H or P1DT12H, without months or years.")
    length = timedelta(**{unit: int(amount) for unit, amount in match.groupdict(default="0").items()})
    if length > _LONGEST_DURATION:
        raise ValueError("This must be at most 366 days.")
    return length


class Reading:
    """Collects the problems of one document while its parts are taken out. Whatever is wrong reads as its default."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, at: str, code: str, detail: str) -> None:
        self.problems.append(Problem(at, code, detail))

    def finish(self, sentence: str) -> None:
        """Raises Invalid with all that was found, or passes."""
        if self.problems:
            raise self.refusal(sentence)

    def refusal(self, sentence: str) -> Invalid:
        """The refusal that tells all that was found, the first of it in its sentence."""
        first = "".join(f" {problem.pointer}: {problem.detail}" for problem in self.problems[:1])
        return Invalid(sentence + first, errors=self.problems)

    def mapping(
        self, data: Any, at: str, *, allowed: Collection[str], required: Collection[str] = ()
    ) -> dict[str, Any]:
        """The mapping itself; empty when it is none. Unknown and missing keys are problems."""
        if not isinstance(data, dict):
            self.wrong(at, "wrong-type", "This must be a mapping.")
            return {}
        for key in data:
            if key not in allowed:
                near = difflib.get_close_matches(str(key), allowed, 1)
                hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(allowed))}."
                self.wrong(join(at, str(key)), "unknown-key", f"This key is not known. {hint}")
        for key in required:
            if key not in data:
                self.wrong(join(at, key), "missing-key", "This is missing.")
        return data

    def sequence(self, data: dict[str, Any], key: str, at: str, *, most: int = 1000) -> list[Any]:
        """The list under a key; empty when absent or wrong."""
        value = data.get(key, [])
        if not isinstance(value, list):
            self.wrong(join(at, key), "wrong-type", "This must be a list.")
            return []
        if len(value) > most:
            self.wrong(join(at, key), "too-many", f"At most {most} are allowed here.")
            return []
        return value

    def text(self, data: dict[str, Any], key: str, at: str, *, default: str = "", longest: int = 500) -> str:
        if key not in data:
            return default
        value = data[key]
        if not isinstance(value, str):
            self.wrong(join(at, key), "wrong-type", "This must be text; write it in quotes.")
            return default
        if not value.strip() or len(value) > longest:
            self.wrong(join(at, key), "wrong-length", f"This must be 1 to {longest} characters long.")
            return default
        return value

    def slug(self, data: dict[str, Any], key: str, at: str, *, default: str = "") -> str:
        value = self.text(data, key, at, default=default, longest=64)
        if value and not SLUG.fullmatch(value):
            self.wrong(
                join(at, key), "not-a-slug", "This must be lower-case words joined by hyphens, such as card-team."
            )
            return default
        return value

    def slugs(self, data: dict[str, Any], key: str, at: str) -> tuple[str, ...]:
        """The slugs of a list, in order; repeated ones are a problem."""
        found: list[str] = []
        for index, value in enumerate(self.sequence(data, key, at)):
            place = join(join(at, key), index)
            if not isinstance(value, str) or not SLUG.fullmatch(value):
                self.wrong(place, "not-a-slug", "This must be lower-case words joined by hyphens, such as card-team.")
            elif value in found:
                self.wrong(place, "duplicate", f"{value} is listed twice.")
            else:
                found.append(value)
        return tuple(found)

    def choice(self, data: dict[str, Any], key: str, at: str, *, among: tuple[str, ...], default: str) -> str:
        value = data.get(key, default)
        if not isinstance(value, str) or value not in among:
            self.wrong(join(at, key), "unknown-choice", f"This must be one of {', '.join(among)}.")
            return default
        return value

    def boolean(self, data: dict[str, Any], key: str, at: str, *, default: bool) -> bool:
        value = data.get(key, default)
        if not isinstance(value, bool):
            self.wrong(join(at, key), "wrong-type", "This must be true or false.")
            return default
        return value

    def integer(self, data: dict[str, Any], key: str, at: str, *, default: int, least: int, most: int) -> int:
        value = data.get(key, default)
        if type(value) is not int:
            self.wrong(join(at, key), "wrong-type", "This must be a whole number.")
            return default
        if not least <= value <= most:
            self.wrong(join(at, key), "out-of-range", f"This must be between {least} and {most}.")
            return default
        return value

    def amount(self, data: dict[str, Any], key: str, at: str, *, default: Decimal = Decimal(0)) -> Decimal:
        """A number that is not negative, as a decimal."""
        if key not in data:
            return default
        value = decimal_of(data[key])
        if value is None:
            self.wrong(join(at, key), "wrong-type", "This must be a number.")
            return default
        if value < 0:
            self.wrong(join(at, key), "out-of-range", "This must not be negative.")
            return default
        return value

    def millionths(self, data: dict[str, Any], key: str, at: str, *, default: int) -> int:
        """A share between 0 and 1 with at most six decimals, as integer millionths."""
        if key not in data:
            return default
        try:
            return exact_millionths(data[key])
        except ValueError as error:
            self.wrong(join(at, key), "not-a-share", str(error))
            return default

    def length(self, data: dict[str, Any], key: str, at: str, *, default: timedelta) -> timedelta:
        """A duration such as PT4H."""
        if key not in data:
            return default
        try:
            return duration(self.text(data, key, at, default="PT0S"))
        except ValueError as error:
            self.wrong(join(at, key), "not-a-duration", str(error))
            return default
