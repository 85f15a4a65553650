"""The single field of a correction form: the text that stands for a value, and the value that a text states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from governance.contracts import pointer
from governance.contracts.values import MISSING, decimal_of, kind_of, same
from governance.policies.canonical import canonical_bytes
from governance.refusals import Invalid, Problem

Widget = Literal[
    "enum", "integer", "number", "boolean", "date", "datetime", "text", "longtext", "json", "object", "array"
]
MOST_ROWS: Final = 100
_MOST_CELLS: Final = 240  # a post has at most 1,000 fields
_MOST_DIGITS: Final = 300
_ROW: Final = "-"
_DAY: Final = "write the date as 2026-11-21."
_MOMENT: Final = "write the time with its zone, as 2026-11-21T14:03:00Z."
_WHOLE_NUMBER: Final = "write a whole number."
_NUMBER: Final = "write a number with a point, such as 12.5."


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form. `pointer` is rooted in the output ("/amount"; "" for the output as a whole), `name` is
    the same without its first slash, "output" for the whole.

    `options` are (posted text, label) pairs of an enum, `choices` the values they stand for, in the same order. An
    object has `parts`; an array has the `item` that each of its rows is like, whose pointer ends in "/-". `is_closed`
    says that an object has no members but its parts.
    """

    name: str
    pointer: str
    label: str
    kind: Widget
    required: bool = False
    nullable: bool = False
    options: tuple[tuple[str, str], ...] = ()
    choices: tuple[Any, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    longest: int | None = None
    unit: str = ""
    help: str = ""
    parts: tuple[Field, ...] = ()
    item: Field | None = None
    is_closed: bool = False

    @property
    def key(self) -> str:
        """The name of the member that the field stands for; "" for the whole."""
        return pointer.parse(self.pointer)[-1] if self.pointer else ""

    @property
    def rows_under(self) -> str:
        """What the names of all that is in the field begin with."""
        return f"{self.name}/" if self.pointer else ""

    def row(self, index: int) -> Field:
        """The question of one row of an array."""
        if self.item is None:
            raise ValueError("Only an array has rows.")
        return _moved(self.item, len(self.pointer) + 1 + len(_ROW), f"{self.pointer}/{index}")

    def fitting(self, value: Any) -> Field:
        """The same question, as JSON text where `value` has not the shape that its controls could hold."""
        if value is MISSING or value is None:
            return self
        is_apart = (self.kind == "object" and not isinstance(value, dict)) or (
            self.kind == "array"
            and (not isinstance(value, list) or len(value) > MOST_ROWS or _cells(self, value) > _MOST_CELLS)
        )
        return replace(self, kind="json", parts=(), item=None) if is_apart else self

    def shown(self, value: Any) -> str:
        """A value of the output as the text that the form would post for it; "" for a null or an absent one."""
        if self.kind == "enum":
            for (text, _), choice in zip(self.options, self.choices, strict=True):
                if same(choice, value):
                    return text
        if value is None or kind_of(value) is None:
            return ""
        if isinstance(value, str) and self.kind != "json":
            return value
        return json.dumps(value, ensure_ascii=False, indent=2 if self.kind == "json" else None)


LEFT_OUT: Final = MISSING


def shown_texts(field: Field, value: Any) -> Iterator[tuple[str, str]]:
    """The name and the text of everything that the form shows for a value."""
    field = field.fitting(value)
    if field.kind == "object":
        members = value if isinstance(value, dict) else {}
        for part in field.parts:
            yield from shown_texts(part, members.get(part.key))
    elif field.kind == "array":
        for index, element in enumerate(value if isinstance(value, list) else []):
            yield from shown_texts(field.row(index), element)
    else:
        yield field.name, field.shown(value)


def _cells(field: Field, rows: list[Any]) -> int:
    """How many single controls the rows of an array would need."""
    return sum(1 for index, row in enumerate(rows) for _ in shown_texts(field.row(index), row))


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts are one to a browser, which has its own ends of lines."""
    return one.splitlines() == other.splitlines()


def read_text(field: Field, text: str, place: str) -> tuple[Any, Problem | None]:
    """The value a posted text states, LEFT_OUT for none, or the problem, which is at `place`."""
    if field.kind not in ("text", "longtext", "enum"):
        text = text.strip()
    texts = [posted for posted, _ in field.options]
    if text == "" and "" not in texts and (field.nullable or not field.required):
        return (None if field.nullable else LEFT_OUT), None
    try:
        if text == "" and "" not in texts and field.kind not in ("text", "longtext"):
            raise _Wrong("required", f"{field.label} is needed.")
        if field.kind == "enum":
            if text not in texts:
                raise _Wrong("not-an-option", f"{field.label} must be one of the options.")
            return field.choices[texts.index(text)], None
        value = _typed(field.kind, text)
        _bounded(field, value)
    except _Wrong as error:
        return None, Problem(place, error.code, error.detail)
    except Invalid as error:
        return None, Problem(place, "not-text", error.sentence)
    except ValueError as error:
        return None, Problem(place, f"not-{field.kind}", f"{field.label}: {error}")
    return value, None


class _Wrong(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _moved(field: Field, cut: int, to: str) -> Field:
    """The field, and all in it, with the first `cut` characters of its pointer replaced."""
    place = to + field.pointer[cut:]
    return replace(
        field, pointer=place, name=place[1:], parts=tuple(_moved(part, cut, to) for part in field.parts),
        item=_moved(field.item, cut, to) if field.item else None,
    )  # fmt: skip


def _bounded(field: Field, value: Any) -> None:
    number = decimal_of(value) if field.kind in ("integer", "number") else None
    if number is not None and field.minimum is not None and number < field.minimum:
        raise _Wrong("too-small", f"{field.label} must be at least {field.minimum}.")
    if number is not None and field.maximum is not None and number > field.maximum:
        raise _Wrong("too-large", f"{field.label} must be at most {field.maximum}.")
    if field.longest is not None and isinstance(value, str) and len(value) > field.longest:
        raise _Wrong("too-long", f"{field.label} must be at most {field.longest} characters long.")


def _typed(kind: Widget, text: str) -> Any:
    """The value a text stands for. Raises ValueError with a sentence, Invalid for text that cannot be kept."""
    if kind in ("integer", "number"):
        return _number(kind, text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError("choose yes or no.")
        return text == "true"
    if kind in ("date", "datetime"):
        return _moment(kind, text)
    if kind == "json":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("this is not JSON.") from error
        canonical_bytes(value)
        return value
    text = text.replace("\r\n", "\n")
    canonical_bytes(text)
    return text


def _moment(kind: Widget, text: str) -> str:
    if kind == "date":
        if len(text) != 10:
            raise ValueError(_DAY)
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise ValueError(_DAY) from error
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(_MOMENT) from error
    if moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(_MOMENT)
    return text


def _number(kind: Widget, text: str) -> int | float:
    wrong = _NUMBER if kind == "number" else _WHOLE_NUMBER
    text = text.replace("\u2212", "-")
    try:
        value = json.loads(text.removeprefix("+"))
    except ValueError as error:
        raise ValueError(wrong) from error
    number = decimal_of(value)
    if number is None or len(text) > _MOST_DIGITS:
        raise ValueError(wrong)
    if kind == "integer":
        if number != number.to_integral_value():
            raise ValueError(wrong)
        return int(number)
    return value  # type: ignore[no-any-return]
