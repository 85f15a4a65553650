"""What a correction changed, word by word. Pure; the work is bounded, so that no pair of texts can hold a page up."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final, Literal

from reviews.pages.showing.foreign import Text, text

Kind = Literal["same", "removed", "added"]
Run = tuple[Kind, str]
# Letters and digits are one word; each other sign stands alone, so that a changed comma is a changed comma.
_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_MOST_TOKENS: Final = 4_000
# How many pairs of equal tokens one pass may have to look at; the number of passes is at most that of the tokens.
_MOST_PAIRS: Final = 40_000
_MOST_SIGNS: Final = 200_000
_GAP: Final = 3
_SAME: Final[tuple[Kind, ...]] = ("same",)
_OTHER: Final[tuple[Kind, ...]] = ("removed", "added")


@dataclass(frozen=True, slots=True)
class Change:
    """A run of a correction as it is drawn."""

    kind: Kind
    text: Text


def diff_words(old: str, new: str) -> list[Run]:
    """Runs in reading order, each `same`, `removed` or `added`. Joining same and removed gives `old`, same and added
    `new`. By words; by lines where that were too much work, and as one change where even that is."""
    if old == new:
        return [("same", old)] if old else []
    if max(len(old), len(new)) > _MOST_SIGNS:
        return _joined([("removed", old), ("added", new)])
    for tokens in (_WORD, _LINE):
        one, other = tokens.findall(old), tokens.findall(new)
        before = _shared(one, other)
        after = _shared(one[before:][::-1], other[before:][::-1])
        middle, instead = one[before : len(one) - after], other[before : len(other) - after]
        if _is_small(middle, instead):
            changed = _smoothed(_changed(middle, instead))
            return _joined([("same", "".join(one[:before])), *changed, ("same", "".join(one[len(one) - after :]))])
    return _joined([("removed", old), ("added", new)])


def changes(old: str, new: str) -> tuple[Change, ...]:
    """The same runs, made ready for a page: hidden characters marked."""
    return tuple(Change(kind, text(run)) for kind, run in diff_words(old, new))


def _shared(one: list[str], other: list[str]) -> int:
    """How many tokens both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _is_small(one: list[str], other: list[str]) -> bool:
    if max(len(one), len(other)) > _MOST_TOKENS:
        return False
    there = Counter(token for token in other if not token.isspace())
    return sum(there[token] for token in one) <= _MOST_PAIRS


def _changed(one: list[str], other: list[str]) -> list[Run]:
    # Spaces alone anchor nothing: they only join what already matches.
    found: list[Run] = []
    for tag, i, j, k, m in SequenceMatcher(str.isspace, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(one[i:j])))
        else:
            found += [("removed", "".join(one[i:j])), ("added", "".join(other[k:m]))]
    return found


def _smoothed(runs: list[Run]) -> list[Run]:
    """A gap without a word between two changes is read as part of one change."""
    smooth: list[Run] = []
    for place, (kind, run) in enumerate(runs):
        is_inside = 0 < place < len(runs) - 1 and runs[place - 1][0] != "same" and runs[place + 1][0] != "same"
        if kind == "same" and is_inside and len(run) < _GAP and run.isspace():
            smooth += [("removed", run), ("added", run)]
        else:
            smooth.append((kind, run))
    return smooth


def _joined(runs: list[Run]) -> list[Run]:
    """Neighbours of a kind as one; between two stretches that stayed, first all that went and then all that came."""
    joined: list[Run] = []
    for is_same, group in groupby((run for run in runs if run[1]), key=lambda run: run[0] == "same"):
        part = list(group)
        for kind in _SAME if is_same else _OTHER:
            said = "".join(run for each, run in part if each == kind)
            joined += [(kind, said)] if said else []
    return joined
