"""What is told: the kinds of notices, for the settings page, the mails and the webhooks. Pure."""

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """Why somebody is told, as the settings page says it, and the roles whose holders can be."""

    says: str
    roles: frozenset[str]


def _kind(says: str, roles: str) -> Kind:
    return Kind(says, frozenset(roles.split()))


KINDS: Final[dict[str, Kind]] = {
    "policy.proposed": _kind("A policy waits for a signature that you may give", "approver owner"),
    "policy.asked": _kind("Somebody asks about your proposal, or answers your question", "owner approver lead auditor"),
    "policy.approved": _kind("Your proposal is signed", "owner"),
    "policy.declined": _kind("Your proposal is declined", "owner"),
    "policy.activated": _kind("A policy is put in force", "owner"),
    "policy.refused": _kind("A scheduled policy could not begin", "owner approver"),
    "policy.rolled_back": _kind("A policy is taken back, by a guard or by a person", "owner approver lead"),
    "system.halted": _kind("A system is halted", "owner lead approver engineer"),
    "system.lifted": _kind("A halt is lifted", "owner lead approver engineer"),
    "incident.opened": _kind("An incident is opened", "owner lead"),
    "tier.asked": _kind("A lower risk tier waits for a signature that you may give", "approver owner"),
    "tier.decided": _kind("The lower risk tier you asked for is decided", "owner admin"),
    "item.late": _kind("An item that you have, or one of your queue, is late", "reviewer lead"),
    "item.escalated": _kind("Late items of your queue are raised or escalated", "lead"),
    "item.hold_over": _kind("An item that you put off waits again", "reviewer lead"),
}

# Webhooks learn of these by rows of their own, which name what they are about.
_ELSEWHERE: Final = ("policy.activated", "incident.opened")
EVENTS: Final = tuple(kind for kind in KINDS if kind not in _ELSEWHERE)
"""The kinds that a webhook is told of through a notice."""
