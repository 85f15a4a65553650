"""Personal data as those see it who have no right to it."""

from __future__ import annotations

from typing import Any, Final

from governance.contracts import pointer
from governance.contracts.pointer import Tokens
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING

MASK: Final = "•••••"
EVERY: Final = "*"


def mask(contract: Contract, document: dict[str, Any]) -> dict[str, Any]:
    """A copy of `{input, output, attributes}` (any part of it) with every personal field replaced by MASK.

    `*` in a pointer stands for every element or member. A text or number where the contract expects a container is
    masked as a whole: a broken output must not show what a kept contract hides. The original is not touched.
    """
    masked: Any = document
    for tokens in contract.personal_data:
        if tokens[0] in document:
            masked = _without(masked, tokens)
    return dict(masked)


def mask_fields(contract: Contract, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a verdict's trace, keyed by dotted field, with the personal ones masked, whole or in part."""
    masked = {}
    for name, found in values.items():
        where, value = pointer.split_field(name), found
        for tokens in contract.personal_data:
            shared = min(len(tokens), len(where))
            if all(mine in (EVERY, theirs) for mine, theirs in zip(tokens[:shared], where[:shared], strict=True)):
                value = _without(value, tokens[shared:])
        masked[name] = value
    return masked


def _without(value: Any, tokens: Tokens) -> Any:
    if not tokens:
        return MASK
    if not isinstance(value, (dict, list)):
        return value if value is None else MASK
    head, rest = tokens[0], tokens[1:]
    if head == EVERY:
        if isinstance(value, dict):
            return {key: _without(member, rest) for key, member in value.items()}
        return [_without(element, rest) for element in value]
    member = pointer.child(value, head)
    if member is MISSING:
        return value if isinstance(value, dict) or not value else _mask_list(value, head)
    return pointer.put(value, (head,), _without(member, rest))


def _mask_list(value: list[Any], head: str) -> list[Any]:
    """A list where the contract expects an object: the name means nothing in it, so all of it is hidden."""
    return value if head.isdigit() else [MASK for _ in value]
