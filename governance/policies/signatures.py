"""Whose signatures a change of policy needs. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

Seat = frozenset[str]

_EITHER: Final[Seat] = frozenset({"approver", "owner"})
_APPROVER: Final[Seat] = frozenset({"approver"})
_OWNER: Final[Seat] = frozenset({"owner"})


def required(*, loosens: bool, risk_tier: str) -> tuple[Seat, ...]:
    """The signatures needed, each as the roles that may give it; two signatures are two people.

    Tightening: an approver or an owner. Loosening: an approver, and on a high tier an owner as well.
    """
    if not loosens:
        return (_EITHER,)
    return (_APPROVER, _OWNER) if risk_tier == "high" else (_APPROVER,)


def missing(seats: Sequence[Seat], signed_as: Iterable[str]) -> tuple[Seat, ...]:
    """The seats that stay empty after people have signed in these roles."""
    left = list(seats)
    for role in signed_as:
        seat = next((seat for seat in left if role in seat), None)
        if seat is not None:
            left.remove(seat)
    return tuple(left)


def role_for(seats: Sequence[Seat], roles: Iterable[str]) -> str | None:
    """The role in which somebody with these roles would fill one of the empty seats; None when in none of them."""
    return next((role for seat in seats for role in sorted(seat) if role in set(roles)), None)


def in_words(seat: Seat) -> str:
    """`an approver`, `an approver or an owner`."""
    return " or ".join(f"an {role}" for role in sorted(seat))
