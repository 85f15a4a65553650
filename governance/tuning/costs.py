"""What a threshold costs and how many people it needs: displays and constraints, never part of the guarantee.

Money is in the currency of the policy, loads are per day, shares are of 1.
"""

from __future__ import annotations

from dataclasses import dataclass

OCCUPANCY = 0.85


@dataclass(frozen=True)
class Prices:
    """Cost of one review and of one wrong output released, in one currency. Raises ValueError when negative."""

    review: float
    wrong_release: float

    def __post_init__(self) -> None:
        if not (self.review >= 0 and self.wrong_release >= 0):
            raise ValueError("A price cannot be negative.")


@dataclass(frozen=True)
class Traffic:
    """What passes a day and how it is looked at: outputs a day, audit rate, share of errors that reviewers find."""

    outputs_per_day: float
    audit_rate: float
    sensitivity: float = 1.0

    def __post_init__(self) -> None:
        shares_fit = 0 <= self.audit_rate <= 1 and 0 <= self.sensitivity <= 1
        if not (self.outputs_per_day >= 0 and shares_fit):
            raise ValueError("The load cannot be negative, and rates lie between 0 and 1.")


def reviews_per_day(traffic: Traffic, released_share: float) -> float:
    """Items a day before people: everything not released, and the audits of what is."""
    return traffic.outputs_per_day * ((1 - released_share) + traffic.audit_rate * released_share)


def daily_cost(traffic: Traffic, prices: Prices, *, released_share: float, risk: float, wrong_below: float) -> float:
    """Cost a day at a threshold: reviews and audits, wrong outputs released, and errors that reviewers miss.

    `risk` is the share of wrong ones among the released (the estimate, or its bound for the cautious figure);
    `wrong_below` is the share of all outputs that is both wrong and under the threshold.
    """
    reviews = prices.review * reviews_per_day(traffic, released_share)
    escaped = risk * released_share + (1 - traffic.sensitivity) * wrong_below
    return reviews + prices.wrong_release * traffic.outputs_per_day * escaped


def pays_to_release(p_wrong: float, prices: Prices, *, sensitivity: float = 1.0) -> bool:
    """Whether releasing one output costs no more than reviewing it (C. K. Chow 1970; C. Elkan 2001).

    `p_wrong` is the calibrated probability that it is wrong; reviewing only saves what reviewers would find.
    """
    return p_wrong * sensitivity * prices.wrong_release <= prices.review


def reviewers_needed(reviews: float, *, handling_seconds: float, productive_seconds: float) -> float:
    """Reviewers for a daily number of reviews, each working `productive_seconds` a day at 85 % occupancy.

    A fraction is meant: "1.4 more reviewers". Raises ValueError when times are not positive.
    """
    if not (handling_seconds > 0 and productive_seconds > 0):
        raise ValueError("Handling time and productive time must be positive.")
    return reviews * handling_seconds / (productive_seconds * OCCUPANCY)


def reviewers_missing(needed: float, available: float) -> float:
    """How many more reviewers are needed than there are; 0.0 when there are enough."""
    return max(0.0, needed - available)
