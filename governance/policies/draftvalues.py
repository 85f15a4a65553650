"""What the controls of the editor show of a value, and the value that a changed control states. Pure.

A control that comes back as it was shown changes nothing, so what a form cannot say exactly is never lost by saving it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from governance.contracts.reading import duration

Document = dict[str, Any]
Said = Mapping[str, str]
Options = tuple[tuple[str, str], ...]
LISTED: Final = ("in", "not_in", "between")
UNITS: Final[Options] = (("days", "days"), ("hours", "hours"), ("minutes", "minutes"), ("seconds", "seconds"))
_SECONDS: Final = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
# What a browser makes of a text in a control of one line.
_BROWSER: Final = {ord("\r"): None, ord("\n"): None, 0: "\ufffd"}


@dataclass(frozen=True, slots=True)
class Control:
    """A control as the page shows it; with `options` (value, words) it is a choice."""

    name: str
    label: str
    value: str
    options: Options = ()
    help: str = ""
    offers: str = ""


def choice(name: str, label: str, value: str, options: Options, about: str = "") -> Control:
    """A choice. What the document says stays among its options even where nobody would offer it."""
    known = any(value == option for option, _ in options)
    return Control(name, label, value, options if known else (*options, (value, value)), about)


def changed(said: Said, name: str, shown: str) -> str | None:
    """What the control now says; None where it says what it was shown with, or was not sent."""
    text = said.get(name)
    return None if text is None or text in (shown, shown.translate(_BROWSER)) else text


def put(home: MutableMapping[str, Any], key: str, value: Any) -> None:
    """Sets the key; a value of None or an empty text takes it out."""
    if value is None or value == "":
        home.pop(key, None)
    else:
        home[key] = value


def block(document: Document, name: str, *, make: bool = False) -> Document:
    """The mapping of that name; an empty one, which only `make` puts in, where there is none."""
    found = document.get(name)
    if not isinstance(found, dict):
        found = {}
        if make:
            document[name] = found
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def mapped(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def read(text: str, *, is_list: bool) -> Any:
    """What somebody wrote: 500 is a number, true and null are themselves, "500" in quotes and all else is a text."""
    if is_list:
        try:
            return json.loads(f"[{text}]")
        except ValueError:
            return [read(part, is_list=False) for part in text.split(",")]
    try:
        return json.loads(text.strip())
    except ValueError:
        return text.strip()


def written(value: Any, *, is_list: bool = False) -> str:
    """A value as `read` would read it back; of a list all parts as JSON as soon as one has to be."""
    if is_list and isinstance(value, list):
        plain = [written(part) for part in value]
        if any(text[:1] in '"[{' for text in plain):
            plain = [json.dumps(part, ensure_ascii=False) for part in value]
        return ", ".join(plain)
    is_plain = isinstance(value, str) and value and value == value.strip() and "," not in value
    if is_plain and read(value, is_list=False) == value:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def percent(share: Any) -> str:
    """A share as percent, exactly; whatever is no number as it is."""
    if isinstance(share, bool) or not isinstance(share, (int, float)):
        return str(share)
    return f"{(Decimal(repr(share)) * 100).normalize():f}"


def share(text: str) -> Any:
    """Percent as a share; a text that is no number as it is, so that reading the document tells of it."""
    try:
        exact = Decimal(text.strip()) / 100
    except InvalidOperation:
        return text
    if not exact.is_finite():
        return text
    return int(exact) if exact == int(exact) else float(exact)


def whole(text: str) -> Any:
    """A whole number; nothing for an empty text, and any other text as it is."""
    text = text.strip()
    return int(text) if _WHOLE.fullmatch(text) else text


def amount(text: Any) -> tuple[str, str]:
    """A duration as an amount and its unit, the greatest that says it without a fraction. What is no duration is its
    own amount."""
    try:
        seconds = int(duration(text).total_seconds())
    except (TypeError, ValueError):
        return str(text), "hours"
    units = [unit for unit, _ in UNITS if unit != "days" or "T" not in text]
    unit = next((unit for unit in units if seconds % _SECONDS[unit] == 0), "seconds")
    return (f"{seconds // _SECONDS[unit]}", unit) if seconds else ("0", "hours")


def iso(text: str, unit: str) -> str:
    """The amount as an ISO 8601 duration: 1.5 hours are PT1H30M. A text that is no amount stays as it is."""
    text = text.strip()
    try:
        exact = Decimal(text) * _SECONDS.get(unit, 1)
    except InvalidOperation:
        return text
    if not exact.is_finite() or not 0 <= exact < 10**9 or exact != int(exact):
        return text
    seconds = int(exact)
    if unit == "days" and seconds % 86_400 == 0:
        return f"P{seconds // 86_400}D"
    parts = ((seconds // 3600, "H"), (seconds % 3600 // 60, "M"), (seconds % 60, "S"))
    return "PT" + ("".join(f"{count}{letter}" for count, letter in parts if count) or "0H")


def free(noun: str, taken: list[Any]) -> str:
    """The first of noun-1, noun-2, … that nothing is called yet."""
    return next(name for number in range(1, len(taken) + 2) if (name := f"{noun}-{number}") not in taken)


def swapped(parts: list[Any], place: int, verb: str) -> None:
    """Moves a part up or down by one; at the end of the list it stays."""
    other = place - 1 if verb == "up" else place + 1
    if 0 <= other < len(parts):
        parts[place], parts[other] = parts[other], parts[place]
