"""Reading a calendar: when a queue works."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays

from governance.contracts.reading import Reading, join
from governance.worktime import DAY, DAYS, Calendar, Span

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_RANGE: Final = re.compile(rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?")
_MOST_DATES: Final = 400


def read_calendar(reading: Reading, data: Any, at: str) -> Calendar | None:
    """The calendar; None when it cannot be one."""
    before = len(reading.problems)
    data = reading.mapping(data, at, allowed=("time_zone", "hours", "holidays"), required=("time_zone", "hours"))
    zone = reading.text(data, "time_zone", at)
    if zone and not _is_zone(zone):
        reading.wrong(join(at, "time_zone"), "unknown-zone", "This is no time zone; write it as Europe/Berlin.")
    hours = _hours(reading, data.get("hours", {}), join(at, "hours"))
    country, subdivision, dates = _holidays(reading, data.get("holidays", {}), join(at, "holidays"))
    if len(reading.problems) > before:
        return None
    return Calendar(zone, hours, country, subdivision, dates)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def _hours(reading: Reading, data: Any, at: str) -> tuple[tuple[Span, ...], ...]:
    week: dict[str, tuple[Span, ...]] = {}
    if not isinstance(data, dict):
        reading.wrong(at, "wrong-type", "This must be a mapping from days, such as mon-fri, to spans of hours.")
        return ()
    for name, spans in data.items():
        here = join(at, str(name))
        match = _RANGE.fullmatch(str(name))
        days = _days(match) if match else []
        if not days:
            reading.wrong(here, "not-a-day", "Days are mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri.")
        for day in days:
            if day in week:
                reading.wrong(here, "duplicate", f"The hours of {day} are said twice.")
            week[day] = _spans(reading, spans, here)
    if not any(week.values()):
        reading.wrong(at, "contradiction", "Somebody has to work at some time.")
    return tuple(week.get(day, ()) for day in DAYS)


def _days(match: re.Match[str]) -> list[str]:
    first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
    return list(DAYS[first : last + 1])


def _spans(reading: Reading, data: Any, at: str) -> tuple[Span, ...]:
    texts = [data] if isinstance(data, str) else data
    if not isinstance(texts, list):
        reading.wrong(at, "wrong-type", 'This must be a span such as "09:00-17:30", or a list of them.')
        return ()
    spans: list[Span] = []
    for text in texts:
        match = _SPAN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            reading.wrong(at, "not-a-span", 'This must be a span such as "09:00-17:30"; write it in quotes.')
            continue
        start = int(match[1]) * 60 + int(match[2])
        end = int(match[3]) * 60 + int(match[4]) if match[3] else DAY
        spans.append((start, end if end > start else end + DAY))
    spans.sort()
    if any(one[1] > other[0] for one, other in pairwise(spans)):
        reading.wrong(at, "contradiction", "The spans of a day must not overlap.")
    return tuple(spans)


def _holidays(reading: Reading, data: Any, at: str) -> tuple[str, str, frozenset[date]]:
    data = reading.mapping(data, at, allowed=("country", "subdivision", "dates"))
    country = reading.text(data, "country", at, longest=2).upper()
    subdivision = reading.text(data, "subdivision", at, longest=8)
    known = holidays.list_supported_countries(include_aliases=False)
    if country and country not in known:
        reading.wrong(join(at, "country"), "unknown-country", "No holidays are known of this country; list the dates.")
    elif subdivision and subdivision not in known.get(country, ()):
        reading.wrong(join(at, "subdivision"), "unknown-subdivision", "This country has no such subdivision.")
    dates: set[date] = set()
    for index, text in enumerate(reading.sequence(data, "dates", at, most=_MOST_DATES)):
        try:
            dates.add(date.fromisoformat(text))
        except (TypeError, ValueError):
            reading.wrong(join(join(at, "dates"), index), "not-a-date", 'This must be a date such as "2026-12-24".')
    return country, subdivision, frozenset(dates)
