"""Working time: weekly hours in a time zone without holidays, and the arithmetic of lengths in it. Pure.

Hours are those of the clock on the wall: a shift from 01:00 to 05:00 lasts three hours in the night that springs
forward and five in the night that falls back. A time that the clock skips counts from the moment it is passed; one that
it shows twice counts the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY: Final = 24 * 60
_LONGEST: Final = 20 * 366
_NOTHING: Final = timedelta(0)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Calendar:
    """When somebody works.

    `hours` has for each day, Monday first, the spans in minutes since its midnight; one that ends after 1,440 goes on
    into the next day. `dates` are free, and the public holidays of `country` (ISO 3166) and `subdivision`.
    """

    zone: str
    hours: tuple[tuple[Span, ...], ...]
    country: str = ""
    subdivision: str = ""
    dates: frozenset[date] = field(default=frozenset())

    @property
    def weekly(self) -> timedelta:
        """How much is worked in a week without holidays."""
        return timedelta(minutes=sum(end - start for day in self.hours for start, end in day))

    def is_free(self, day: date) -> bool:
        """Whether nobody works on that day whatever the weekday says."""
        return day in self.dates or (bool(self.country) and day in _holidays(self.country, self.subdivision, day.year))

    def is_open(self, at: datetime) -> bool:
        """Whether it is working time at that moment."""
        return any(start <= at < end for start, end in self._from(at, days=2))

    def add(self, start: datetime, length: timedelta) -> datetime:
        """The moment at which `length` of working time has passed since `start`; `start` itself for no length.

        Raises ValueError when that takes more than twenty years.
        """
        left = length
        if left <= _NOTHING:
            return start
        for opens, closes in self._from(start, days=_LONGEST):
            begins = max(opens, start)
            if closes - begins >= left:
                return begins + left
            left -= closes - begins
        raise ValueError("So much working time does not come in twenty years.")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two moments; nothing when they are the wrong way round."""
        total = _NOTHING
        for opens, closes in self._from(start, days=_LONGEST):
            if opens >= end:
                break
            total += max(min(closes, end) - max(opens, start), _NOTHING)
        return total

    def opens_after(self, at: datetime) -> datetime:
        """When working time begins next; `at` itself while it is working time. Raises ValueError as `add` does."""
        for opens, closes in self._from(at, days=_LONGEST):
            if closes > at:
                return max(opens, at)
        raise ValueError("Nobody works within twenty years.")

    def at_most(self, length: timedelta) -> timedelta:
        """No `length` of working time takes longer by the clock, as long as holidays fill less than half the weeks."""
        return timedelta(weeks=2 * (length / self.weekly) + 2)

    def _from(self, at: datetime, *, days: int) -> Iterator[tuple[datetime, datetime]]:
        """The spans that end after `at`, in order and without overlaps, as moments in UTC."""
        first = at.astimezone(_zone(self.zone)).date() - timedelta(days=1)
        until = datetime.min.replace(tzinfo=UTC)
        for offset in range(days + 2):
            for opens, closes in _spans(self, first + timedelta(days=offset)):
                begins, until = max(opens, until), max(closes, until)
                if begins < closes and closes > at:
                    yield begins, closes


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


@lru_cache(maxsize=16_384)
def _spans(calendar: Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    if calendar.is_free(day):
        return ()
    zone = _zone(calendar.zone)
    return tuple((_moment(day, start, zone), _moment(day, end, zone)) for start, end in calendar.hours[day.weekday()])


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which the wall clock of that day shows this time or a later one."""
    wall = datetime.combine(day, time(0)) + timedelta(minutes=minutes)
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # The clock skips it: by the offset of before it lies after the jump, by that of afterwards before it.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), at
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (low, middle) if middle.astimezone(zone).replace(tzinfo=None) >= wall else (middle, high)
    return high.replace(microsecond=0)
