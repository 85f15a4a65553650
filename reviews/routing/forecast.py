"""How long until it is an item's turn, and when a queue is empty. Pure.

Decisions are taken as coming one after the other at an unknown steady rate. When `done` came in a time T, the time
until `ahead` more have come is T x ahead / (done + 1/2) x F, where F has Fisher's distribution with 2 ahead and
2 done + 1 degrees of freedom: the predictive distribution under Jeffreys' prior (Gelman et al., Bayesian Data
Analysis, 2.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scipy.special import fdtri

from governance.worktime import Calendar

FEWEST: Final = 5  # decisions; from fewer nothing is foretold


@dataclass(frozen=True, slots=True)
class Wait:
    """Half of such waits are no longer than `p50`, nine of ten no longer than `p90`; by the clock on the wall."""

    p50: timedelta
    p90: timedelta


def expected_wait(
    ahead: int, *, done: int, within: timedelta, now: datetime, calendar: Calendar | None = None
) -> Wait | None:  # fmt: skip
    """The wait of an item with `ahead` items before it, from the `done` decisions of the time `within` (working time,
    where there is a calendar); None when too little is known."""
    if done < FEWEST or within <= timedelta(0):
        return None
    return Wait(*(_until(_quantile(ahead + 1, done, within, q), now, calendar) for q in (0.5, 0.9)))


def empties_in(
    waiting: int, *, came: int, done: int, within: timedelta, now: datetime, calendar: Calendar | None = None
) -> timedelta | None:  # fmt: skip
    """When the queue is empty if it goes on as within the last time; None when more comes than goes, or too little is
    known."""
    if not waiting:
        return timedelta(0)
    if done < FEWEST or done <= came or within <= timedelta(0):
        return None
    return _until(within * waiting / (done - came), now, calendar)


def _quantile(count: int, done: int, within: timedelta, q: float) -> timedelta:
    return within * (count / (done + 0.5) * float(fdtri(2 * count, 2 * done + 1, q)))


def _until(length: timedelta, now: datetime, calendar: Calendar | None) -> timedelta:
    if calendar is None:
        return length
    try:
        return calendar.add(now, length) - now
    except ValueError:
        return timedelta.max
