"""What a sitting came to: how many, how long, what it changed, and how often somebody else agreed later."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from governance import clock
from governance.models import Person
from reviews import overview
from reviews.models import Decision
from reviews.overview import Week
from reviews.pages.desk.alike import standing_decisions
from reviews.pages.desk.session import LAST, PAUSE, Made, began, last_made, sitting
from reviews.quality import intervals

_MOST: Final = overview.MOST_DECISIONS
_KEPT: Final = timedelta(hours=12)
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Summary:
    """Her last sitting, if it ended within twelve hours. `changed` are the newest overrides that changed the outcome.

    `agreed`, `low` and `high` are millionths: how often a second reviewer said the same, with the 95 % interval; None
    and meaningless before anybody has.
    """

    now: datetime
    since: datetime
    until: datetime
    told: Week
    is_capped: bool
    changed: tuple[Made, ...]
    last: tuple[Made, ...]
    agreed: int | None
    low: int
    high: int

    @property
    def length(self) -> timedelta:
        return self.until - self.since


def summary(person: Person) -> Summary | None:
    """What the last sitting of this person came to; None when it is over for half a day, or there was none."""
    now = clock.read()
    recent = standing_decisions(person.pk, _MOST)
    if not recent or now - recent[0].decided_at > _KEPT:
        return None
    made = sitting(recent, recent[0].decided_at)
    told = overview.week(person, since=made[-1].decided_at)
    low, high = intervals.interval(told.agreed, told.paired)
    agreed = told.agreed * _MILLION // told.paired if told.paired else None
    return Summary(
        now, began(made[-1]), made[0].decided_at, told, len(made) == _MOST, last_made(_changed(made, now), now),
        last_made(made[:LAST], now), agreed, low, high,
    )  # fmt: skip


def sat_lately(person: Person) -> bool:
    """Whether her sitting goes on: she decided something before a pause would have ended it."""
    last = standing_decisions(person.pk, 1)
    return bool(last) and clock.read() - last[0].decided_at <= PAUSE


def _changed(made: Sequence[Decision], now: datetime) -> list[Decision]:
    """What changed the outcome. A blind answer that she can still take back is not compared before her eyes."""
    told = (each for each in made if not each.is_blind or (each.final_at <= now and not each.is_open))  # type: ignore[attr-defined]
    return list(itertools.islice((each for each in told if each.verdict == "override" and not each.is_correct), LAST))
