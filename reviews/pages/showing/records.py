"""A list of like objects as the table that a person would draw of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from reviews.pages.showing.foreign import Text, text
from reviews.pages.showing.tree import Value, is_plain, plain_value

MOST_ROWS: Final = 60
MOST_COLUMNS: Final = 5


@dataclass(frozen=True, slots=True)
class Column:
    """One member of the objects, by its title; `unit` is "" where the schema states none."""

    title: Text
    unit: str


@dataclass(frozen=True, slots=True)
class Records:
    """A row for each object, a cell for each column; None where an object lacks the member."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value | None, ...], ...]
    kind: str = "records"


def records(schema: dict[str, Any], value: Any, title: str) -> Records | None:
    """The table of a list of objects whose members all fit in a cell; None for anything else. Columns stand in the
    order of the schema, then as they come."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_ROWS:
        return None
    if not all(isinstance(each, dict) and each and all(map(is_plain, each.values())) for each in value):
        return None
    items = schema.get("items")
    properties = items.get("properties") if isinstance(items, dict) else None
    known = properties if isinstance(properties, dict) else {}
    there = dict.fromkeys(name for each in value for name in each)
    names = [name for name in known if name in there] + [name for name in there if name not in known]
    if len(names) > MOST_COLUMNS:
        return None
    columns = tuple(_column(name, known.get(name)) for name in names)
    rows = tuple(tuple(plain_value(each[name]) if name in each else None for name in names) for each in value)
    return Records(title, columns, rows)


def _column(name: str, part: Any) -> Column:
    said = part if isinstance(part, dict) else {}
    title, unit = said.get("title"), said.get("x-unit")
    named = title if isinstance(title, str) and title else name
    return Column(text(named), unit if isinstance(unit, str) else "")
