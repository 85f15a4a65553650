"""What would come of a call, in the contract's words with the call's values in them. The values stay text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from governance.contracts import pointer
from governance.contracts.values import MISSING
from reviews.pages.showing.foreign import Text, text
from reviews.pages.showing.tree import is_plain, plain_value

_PLACE: Final = re.compile(r"\{([^{}]{1,80})\}")
_MOST: Final = 12
_LISTED: Final = 6
_SAID: Final = 120
NOT_GIVEN: Final = "not given"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a sentence; `is_value` for what the call put there, `is_masked` for what this person may not see."""

    text: Text
    is_value: bool = False
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """One sentence. `is_bad` marks what the contract warns of, and a sentence that lacks a value it speaks of."""

    pieces: tuple[Piece, ...]
    is_bad: bool = False

    @property
    def plain(self) -> str:
        return "".join(piece.text.plain for piece in self.pieces)


def effects(said: Any, action: str, given: Any) -> tuple[Effect, ...]:
    """The sentences for this action: `said` is a list of them, or such a list for each action. A sentence is a text, or
    {"say": text, "warn": true}; `{name}` in it stands for an argument, `{a.0.b}` for what lies deeper, `{action}` for
    the action. An action without sentences where others have some is said to be unknown."""
    if isinstance(said, dict):
        if action not in said:
            return (Effect((Piece(text("The contract does not say what this action does.")),), is_bad=True),)
        said = said[action]
    sentences = said if isinstance(said, list) else [said]
    found = (_effect(sentence, action, given) for sentence in sentences[:_MOST])
    return tuple(effect for effect in found if effect is not None)


def _effect(sentence: Any, action: str, given: Any) -> Effect | None:
    is_bad = False
    if isinstance(sentence, dict):
        is_bad, sentence = sentence.get("warn") is True, sentence.get("say")
    if not isinstance(sentence, str) or not sentence:
        return None
    pieces: list[Piece] = []
    for place, part in enumerate(_PLACE.split(sentence)):
        if place % 2 == 0:
            pieces += [Piece(text(part))] if part else []
            continue
        value = action if part == "action" else _value(given, part)
        is_bad = is_bad or value is MISSING
        pieces.append(_piece(value))
    return Effect(tuple(pieces), is_bad)


def _value(given: Any, place: str) -> Any:
    """The argument of that whole name, else what the dotted way leads to."""
    if isinstance(given, dict) and place in given:
        return given[place]
    return pointer.get(given, tuple(place.split(".")))


def _piece(value: Any) -> Piece:
    if value is MISSING:
        return Piece(text(NOT_GIVEN))
    if isinstance(value, str) and len(value) > _SAID:
        value = f"{value[: _SAID - 1]}…"
    if is_plain(value) or isinstance(value, str):
        shown = plain_value(value)
        return Piece(shown.text, True, shown.is_masked)
    if isinstance(value, list) and 0 < len(value) <= _LISTED and all(map(is_plain, value)):
        shown_all = [plain_value(each) for each in value]
        said = ", ".join("masked" if each.is_masked else each.text.plain for each in shown_all)
        return Piece(text(said), True)
    return Piece(text(f"{len(value)}"), True)
