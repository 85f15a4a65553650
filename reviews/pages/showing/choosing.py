"""Which renderer shows which part of a value: by its schema, and by what the value really is when the two disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviews.pages.showing.call import Call, bare_call, call
from reviews.pages.showing.conversation import Conversation, conversation
from reviews.pages.showing.fields import Fields, fields
from reviews.pages.showing.measurements import Measurements, measurements
from reviews.pages.showing.records import Records, records
from reviews.pages.showing.scan import Scan, scan
from reviews.pages.showing.tree import Passage, Table, Tree, Value, is_plain, passage, plain_value, tree

Part = Scan | Measurements | Conversation | Call | Fields | Records | Table | Passage | Tree
Renderer = Callable[[dict[str, Any], Any, str], Part | None]


def _text(_: dict[str, Any], value: Any, title: str) -> Passage | None:
    """A text with room of its own, however short."""
    return passage(value, title) if isinstance(value, str) else None


_VIEWS: Final[Mapping[str, Renderer]] = {
    "scan": scan, "measurements": measurements, "conversation": conversation, "call": call, "fields": fields,
    "text": _text,
}  # fmt: skip
# What shows by its shape that it is one of these, where no annotation says how it wants to be shown.
_SHAPES: Final[tuple[Renderer, ...]] = (conversation, bare_call)
_MOST_FACTS: Final = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as parts in their order; `facts` are the few plain members that stand in a line beside an image."""

    parts: tuple[Part, ...]
    facts: tuple[tuple[str, Value], ...] = ()

    @property
    def scan(self) -> Scan | None:
        return next((part for part in self.parts if isinstance(part, Scan)), None)


def show(schema: Any, value: Any, title: str) -> Shown:
    """The parts that show a value under its schema. Never raises: what no renderer takes is shown as JSON text."""
    whole = _viewed(_schema_of(schema), value, title)
    if whole is not None:
        return Shown((whole,))
    if not isinstance(value, dict) or not value:
        return Shown((_one(_schema_of(schema), value, title),))
    known = _properties(schema)
    large: list[Part] = []
    plain: list[tuple[str, Value]] = []
    leads = False  # whether plain members come before all others
    for name in [*(n for n in known if n in value), *(n for n in value if n not in known)]:
        part, member = _schema_of(known.get(name)), value[name]
        named = str(part.get("title") or name)
        if _renderer(part) is None and is_plain(member):
            leads |= not large
            plain.append((named, plain_value(member)))
        else:
            large.append(_one(part, member, named))
    is_scanned = any(isinstance(part, Scan) for part in large)
    if is_scanned and len(plain) <= _MOST_FACTS:
        return Shown(tuple(large), tuple(plain))
    facts = [Table(title, tuple(plain))] if plain else []
    return Shown((*facts, *large) if leads and not is_scanned else (*large, *facts))


def thumb(schema: Any, value: Any) -> Scan | None:
    """The first scan in a value, to be drawn small; None where there is none."""
    if not isinstance(value, dict):
        return None
    for name, part in _properties(schema).items():
        if isinstance(part, dict) and part.get("x-view") == "scan" and name in value:
            return scan(part, value[name], str(part.get("title") or name))
    return None


def is_viewed(schema: Any, value: Any) -> bool:
    """Whether a value is shown as a whole by one renderer, because its schema or its shape says so."""
    return _viewed(_schema_of(schema), value, "") is not None


def _viewed(schema: dict[str, Any], value: Any, title: str) -> Part | None:
    """The part that the schema's annotation asks for; without one, what the value's shape is."""
    renderer = _renderer(schema)
    if renderer is not None:
        return renderer(schema, value, title)
    if "x-view" in schema:
        return None
    return next((part for part in (shape(schema, value, title) for shape in _SHAPES) if part is not None), None)


def _one(schema: dict[str, Any], value: Any, title: str) -> Part:
    shown = _viewed(schema, value, title)
    if shown is not None:
        return shown
    if isinstance(value, str):
        return passage(value, title)
    return records(schema, value, title) or tree(value, title)


def _renderer(schema: dict[str, Any]) -> Renderer | None:
    view = schema.get("x-view")
    return _VIEWS.get(view) if isinstance(view, str) else None


def _schema_of(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {}


def _properties(schema: Any) -> dict[str, Any]:
    found = _schema_of(schema).get("properties")
    return found if isinstance(found, dict) else {}
