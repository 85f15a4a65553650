"""The words of a case: what of its input is text, without personal data. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from governance.contracts import masking
from governance.contracts.schema import Contract

MOST_SIGNS: Final = 4_000
MOST_WORDS: Final = 12
EXCERPT: Final = 120
_WORD: Final = re.compile(r"[^\W\d_]{4,40}")
_DEPTH: Final = 12


def case_text(contract: Contract, given: Any) -> str:
    """The texts in an input one after the other, at most 4,000 signs; personal data is left out."""
    masked = masking.mask(contract, {"input": given})["input"]
    found, size = [], 0
    for said in _texts(masked, 0):
        if said == masking.MASK or not said.strip():
            continue
        found.append(said[: MOST_SIGNS - size])
        size += len(found[-1])
        if size >= MOST_SIGNS:
            break
    return "\n".join(found)


def excerpt(text: str) -> str:
    """The beginning of a case, in a line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1].rstrip()}…"


def system_word(system: UUID) -> str:
    """The word that all cases of a system have in common, so that one index serves all systems."""
    return f"system{system.hex}"


def telling_words(text: str) -> tuple[str, ...]:
    """The words that tell most of what a text is about: the longer ones, since those are rarer. Lower case."""
    words = dict.fromkeys(word.lower() for word in _WORD.findall(text))
    return tuple(sorted(words, key=lambda word: -len(word))[:MOST_WORDS])


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _DEPTH and isinstance(value, dict):
        for member in value.values():
            yield from _texts(member, depth + 1)
    elif depth < _DEPTH and isinstance(value, list):
        for element in value:
            yield from _texts(element, depth + 1)
