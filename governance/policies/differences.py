"""What changes between two texts of clauses, word by word. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

Kind = Literal["same", "added", "removed", "changed"]
Mark = Literal["same", "added", "removed"]
_WORDS: Final = re.compile(r"\S+|\s+")
# Two clauses with less in common are two clauses, not one that was edited.
_AKIN: Final = 0.5
# Beyond this many comparisons a change is no longer an edit, and is told as what went and what came.
_MOST_PAIRS: Final = 2500


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: what became of it, and its words in runs, each with what became of them."""

    kind: Kind
    runs: tuple[tuple[Mark, str], ...]


def differences(old: Sequence[str], new: Sequence[str]) -> tuple[Clause, ...]:
    """The clauses of `new` in order, with those of `old` that are gone where they stood."""
    found: list[Clause] = []
    for what, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if what == "equal":
            found += [Clause("same", (("same", text),)) for text in new[c:d]]
        else:
            found += _replaced(old[a:b], new[c:d])
    return tuple(found)


def _replaced(gone: Sequence[str], come: Sequence[str]) -> list[Clause]:
    """Each new clause beside the old one that it most resembles, if any; both keep their order."""
    found, before, partners = [], 0, _partners(gone, come)
    for number, text in enumerate(come):
        partner = partners.get(number)
        if partner is None:
            found.append(Clause("added", (("added", text),)))
            continue
        found += [Clause("removed", (("removed", other),)) for other in gone[before:partner]]
        found.append(Clause("changed", _words(gone[partner], text)))
        before = partner + 1
    return found + [Clause("removed", (("removed", other),)) for other in gone[before:]]


def _partners(gone: Sequence[str], come: Sequence[str]) -> dict[int, int]:
    """For a new clause's place the place of its old one: the most alike first, and no two pairs cross."""
    if len(gone) * len(come) > _MOST_PAIRS:
        return {}
    alike = [
        (SequenceMatcher(a=_WORDS.findall(old), b=_WORDS.findall(new), autojunk=False).ratio(), at, number)
        for at, old in enumerate(gone) for number, new in enumerate(come)
    ]  # fmt: skip
    partners: dict[int, int] = {}
    for ratio, at, number in sorted(alike, key=lambda pair: (-pair[0], pair[1], pair[2])):
        is_free = number not in partners and at not in partners.values()
        if ratio >= _AKIN and is_free and all((n < number) == (a < at) for n, a in partners.items()):
            partners[number] = at
    return partners


def _words(old: str, new: str) -> tuple[tuple[Mark, str], ...]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    runs: list[tuple[Mark, str]] = []
    for what, a, b, c, d in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if what == "equal":
            runs.append(("same", "".join(after[c:d])))
            continue
        if b > a:
            runs.append(("removed", "".join(before[a:b])))
        if d > c:
            runs.append(("added", "".join(after[c:d])))
    return tuple(runs)
