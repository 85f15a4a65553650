"""When an answer of the AI counts as correct: a person's has the same values at every `correct_when` pointer."""

from __future__ import annotations

from typing import Any

from governance.contracts import pointer
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING, same


def is_correct(contract: Contract, ai_output: Any, person_output: Any) -> bool:
    """Whether the AI's output agrees with the person's at every `correct_when` pointer; as a whole when there is none.

    Numbers compare as decimals, booleans are never numbers; absent in both is equal, absent in one is not.
    """
    places = contract.correct_when or (("output",),)
    return all(_same_at(tokens[1:], ai_output, person_output) for tokens in places)


def _same_at(tokens: pointer.Tokens, one: Any, other: Any) -> bool:
    mine, theirs = pointer.get(one, tokens), pointer.get(other, tokens)
    if mine is MISSING or theirs is MISSING:
        return mine is theirs
    return same(mine, theirs)
