"""The questions of a form with the texts in them: what was typed, else the answer's own values, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.contracts import forms, pointer
from governance.contracts.forms import Field
from governance.contracts.values import MISSING
from reviews.pages.desk.form import PREFIX, ROWS, Typed


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with the text in it and what is wrong with that. `was` is what the AI said, None where it said
    nothing or must not be told. An object has `parts`, an array `rows` and one more that is `blank`."""

    field: Field
    id: str
    text: str = ""
    error: str = ""
    was: str | None = None
    parts: tuple[Asked, ...] = ()
    rows: tuple[Asked, ...] = ()
    blank: Asked | None = None

    @property
    def name(self) -> str:
        return PREFIX + self.field.name

    @property
    def rows_name(self) -> str:
        return ROWS + self.field.name

    @property
    def number(self) -> int:
        """Which row this is, as people count."""
        return int(self.field.key) + 1

    @property
    def is_strange(self) -> bool:
        """Whether the text is none of the options, so that it needs one of its own: nothing changes unasked."""
        options = ("true", "false") if self.field.kind == "boolean" else [text for text, _ in self.field.options]
        return self.text != "" and self.text not in options

    @property
    def is_day(self) -> bool:
        """Whether a calendar can show the text; another text would be lost in it."""
        try:
            return self.text == "" or date.fromisoformat(self.text).isoformat() == self.text
        except ValueError:
            return False

    @property
    def bounds(self) -> str:
        """The bounds in words; "" for none."""
        low, high = self.field.minimum, self.field.maximum
        if low is not None and high is not None:
            return f"{low} to {high}"
        return f"at least {low}" if low is not None else f"at most {high}" if high is not None else ""


def filled(asked: Sequence[Field], output: Any, typed: Typed | None, id: str) -> list[Asked]:
    """The questions with the texts to show. `output` is MISSING where the AI's answer must not be told."""
    typed = typed or Typed()
    members = output if isinstance(output, dict) else {}
    return [
        _asked(field, members.get(field.key, MISSING) if field.pointer else output, typed,
               f"/output{field.pointer}", f"{id}-{number}")
        for number, field in enumerate(asked)
    ]  # fmt: skip


def texts(rows: Sequence[Asked]) -> Iterator[tuple[str, str]]:
    """What a browser would post of the questions as they are shown, by the names of their fields."""
    for row in rows:
        if row.field.kind == "object":
            yield from texts(row.parts)
        elif row.field.kind == "array":
            yield row.field.name, ""
            yield from texts(row.rows)
        else:
            yield row.field.name, row.text


def _asked(field: Field, value: Any, typed: Typed, place: str, id: str) -> Asked:
    field = field.fitting(value)
    if field.kind == "object":
        members = value if isinstance(value, dict) else {}
        parts = [
            _asked(part, members.get(part.key, MISSING), typed, place + pointer.build((part.key,)), f"{id}-{number}")
            for number, part in enumerate(field.parts)
        ]
        inside = [place + pointer.build((part.key,)) for part in field.parts]
        return Asked(field, id, error=typed.problem(place, besides=inside), parts=tuple(parts))
    if field.kind == "array":
        return _rows(field, value, typed, place, id)
    shown = "" if value is MISSING else field.shown(value)
    text = typed.fields.get(field.name, shown)
    return Asked(field, id, text, typed.problem(place), None if value is MISSING else shown)


def _rows(field: Field, value: Any, typed: Typed, place: str, id: str) -> Asked:
    """The rows as they were typed, else those of the answer. Problems count the rows that were left, not the gone."""
    was = value if isinstance(value, list) else []
    is_typed = any(name == field.name or name.startswith(field.rows_under) for name in typed.fields)
    shown = forms.rows_of(field, typed.fields, value) if is_typed else list(range(len(was)))
    rows = tuple(
        _asked(field.row(index), was[index] if index < len(was) else MISSING, typed, f"{place}/{rank}", f"{id}-{index}")
        for rank, index in enumerate(shown)
    )
    after = max([len(was), *(index + 1 for index in shown)])
    blank = _asked(field.row(after), MISSING, Typed(), "", f"{id}-{after}")
    inside = [f"{place}/{rank}" for rank in range(len(shown))]
    return Asked(field, id, error=typed.problem(place, besides=inside), rows=rows, blank=blank)
