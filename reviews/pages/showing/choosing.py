"""Which renderer shows which part of a value: by its schema, and by what the value really is when the two disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviews.pages.showing.measurements import Measurements, measurements
from reviews.pages.showing.scan import Scan, scan
from reviews.pages.showing.tree import Passage, Table, Tree, Value, is_plain, passage, plain_value, tree

Part = Scan | Measurements | Table | Passage | Tree
Renderer = Callable[[dict[str, Any], Any, str], Part | None]
_VIEWS: Final[Mapping[str, Renderer]] = {"scan": scan, "measurements": measurements}
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
    if not isinstance(value, dict) or not value:
        return Shown((_one(_schema_of(schema), value, title),))
    known = _properties(schema)
    large: list[Part] = []
    plain: list[tuple[str, Value]] = []
    for name in [*(n for n in known if n in value), *(n for n in value if n not in known)]:
        part, member = _schema_of(known.get(name)), value[name]
        named = str(part.get("title") or name)
        if _renderer(part) is None and is_plain(member):
            plain.append((named, plain_value(member)))
        else:
            large.append(_one(part, member, named))
    is_scanned = any(isinstance(part, Scan) for part in large)
    if is_scanned and len(plain) <= _MOST_FACTS:
        return Shown(tuple(large), tuple(plain))
    return Shown((*large, *([Table(title, tuple(plain))] if plain else [])))


def thumb(schema: Any, value: Any) -> Scan | None:
    """The first scan in a value, to be drawn small; None where there is none."""
    if not isinstance(value, dict):
        return None
    for name, part in _properties(schema).items():
        if isinstance(part, dict) and part.get("x-view") == "scan" and name in value:
            return scan(part, value[name], str(part.get("title") or name))
    return None


def _one(schema: dict[str, Any], value: Any, title: str) -> Part:
    renderer = _renderer(schema)
    shown = renderer(schema, value, title) if renderer else None
    if shown is not None:
        return shown
    if isinstance(value, str):
        return passage(value, title)
    return tree(value, title)


def _renderer(schema: dict[str, Any]) -> Renderer | None:
    view = schema.get("x-view")
    return _VIEWS.get(view) if isinstance(view, str) else None


def _schema_of(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {}


def _properties(schema: Any) -> dict[str, Any]:
    found = _schema_of(schema).get("properties")
    return found if isinstance(found, dict) else {}
