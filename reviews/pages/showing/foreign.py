"""Foreign text: shown as text, and what the eye would not see, or what would turn the line around, as a marked chip."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks that are drawn as nothing.
_BLANK: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
_PLAIN: Final = frozenset("\n\t")
_MOST_MARKS: Final = 4
MOST_SEGMENTS: Final = 4000


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text as it is, or a chip: the name of what cannot be seen (`U+202E`)."""

    text: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Foreign text in segments. `is_long` asks for a box of its own."""

    segments: tuple[Segment, ...]
    is_long: bool = False

    @property
    def plain(self) -> str:
        """The text with its chips written out."""
        return "".join(segment.name or segment.text for segment in self.segments)


def text(said: str) -> Text:
    """The text in segments; shown with its escapes instead when it hides more than anybody could read."""
    found: list[Segment] = []
    for hidden, run in groupby(_tokens(said), key=lambda token: token[1]):
        part = "".join(sign for sign, _ in run)
        found.append(Segment(name=_named(hidden, part)) if hidden else Segment(text=part))
        if len(found) > MOST_SEGMENTS:
            return Text((Segment(text=json.dumps(said)),), is_long=True)
    return Text(tuple(found), is_long=len(said) > 120 or "\n" in said)


def as_json(value: Any) -> str:
    """A value as indented JSON; what is not JSON at all by its `repr`, so that nothing goes unshown."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _tokens(said: str) -> list[tuple[str, str]]:
    """Each sign with the name of what hides in it ("" for plain)."""
    if said.isascii() and said.isprintable():
        return [(said, "")] if said else []
    tokens, marks = [], 0
    for sign in said:
        kind = unicodedata.category(sign)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if sign in _PLAIN:
            tokens.append((sign, ""))
        elif kind in _HIDING or sign in _BLANK or 0xE0000 <= ord(sign) <= 0xE0FFF or 0xFE00 <= ord(sign) <= 0xFE0D:
            tokens.append((sign, f"U+{ord(sign):04X}"))
        elif marks > _MOST_MARKS:
            tokens.append((sign, "combining marks"))
        else:
            tokens.append((sign, ""))
    return tokens


def _named(name: str, run: str) -> str:
    return name if len(run) == 1 else f"{name} \u00d7 {len(run)}"
