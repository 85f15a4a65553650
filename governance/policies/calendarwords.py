"""A calendar in plain English. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from governance.worktime import DAY, DAYS, Calendar, Span

_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar_words(calendar: Calendar) -> str:
    """When somebody works: `Mon to Fri 09:00–12:00, Europe/Berlin, without the public holidays of DE`."""
    days = [(name, calendar.hours[index]) for index, name in enumerate(_NAMES[: len(DAYS)])]
    runs = [(hours, [name for name, _ in run]) for hours, run in groupby(days, key=lambda day: day[1]) if hours]
    said = "; ".join(f"{_run(names)} {' and '.join(_span(span) for span in hours)}" for hours, names in runs)
    free = []
    if calendar.country:
        where = "-".join(part for part in (calendar.country, calendar.subdivision) if part)
        free.append(f"the public holidays of {where}")
    if calendar.dates:
        count = len(calendar.dates)
        free.append(f"{count} free day{'s' if count > 1 else ''} of its own")
    return f"{said}, {calendar.zone}{', without ' + ' and '.join(free) if free else ''}"


def _run(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _span(span: Span) -> str:
    return "–".join(f"{minutes % DAY // 60:02}:{minutes % 60:02}" if minutes != DAY else "24:00" for minutes in span)
