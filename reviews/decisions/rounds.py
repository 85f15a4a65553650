"""When a round of review is over, who is asked next, and which verdict counts. Pure.

Seats 1 and 2 judge independently. Where they disagree a third adjudicates, and her verdict is final whatever it is. An
audit that is not held changes nothing by itself, so it begins with one seat; a "wrong" is looked at by a second person
before it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from governance.contracts.correctness import is_correct
from governance.contracts.schema import Contract
from governance.contracts.values import same

State = Literal["open", "awaiting_second", "adjudication", "closed"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one seat said. `output` is the person's own answer, None where she gave none."""

    seat: int
    verdict: str
    output: Any
    is_correct: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What follows: the item's state, the seat that opens (None for none), and the opinion that ends the round."""

    state: State
    opens: int | None = None
    final: Opinion | None = None


def agree(contract: Contract | None, one: Opinion, other: Opinion) -> bool:
    """Whether two opinions are the same verdict and, for overrides, equal at every `correct_when` pointer."""
    if one.verdict != other.verdict:
        return False
    if one.verdict != "override":
        return True
    return same(one.output, other.output) if contract is None else is_correct(contract, one.output, other.output)


def next_step(opinions: Sequence[Opinion], *, reviewers: int, confirms_wrong: bool, contract: Contract | None) -> Step:
    """What follows from the opinions that stand, in the order of their seats.

    `reviewers` is how many judge at first; `confirms_wrong` says that a single "wrong" needs a second person.
    """
    if not opinions:
        return Step("open")
    first, *others = opinions
    adjudicated = next((opinion for opinion in others if opinion.seat == 3), None)
    if adjudicated is not None:
        return Step("closed", final=adjudicated)
    if not others:
        if reviewers > 1:
            return Step("awaiting_second")
        if confirms_wrong and not first.is_correct:
            return Step("awaiting_second", opens=2)
        return Step("closed", final=first)
    second = others[0]
    if agree(contract, first, second):
        return Step("closed", final=second)
    return Step("adjudication", opens=3)
