"""How urgent an item is: the moment that orders a queue, earliest first. Pure.

    urgent at = due at - (due at - arrived at) x priority / 100

Priority 0 waits its turn until it is due, priority 100 counts as due when it arrived. Age counts by itself: whatever
arrives later than an item's moment stands behind it, however high its priority, so nothing starves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from governance.policies.calendarwords import calendar_words
from governance.worktime import Calendar

MOST_PRIORITY: Final = 100


def urgent_at(arrived_at: datetime, due_at: datetime, priority: int) -> datetime:
    """The moment by which an item is ordered. `priority` is 0 to 100; beyond, it counts as the nearer of the two."""
    return due_at - brought_forward(arrived_at, due_at, priority)


def brought_forward(arrived_at: datetime, due_at: datetime, priority: int) -> timedelta:
    """By how much a priority brings an item forward; nothing when it was due before it arrived."""
    allowed = max(due_at - arrived_at, timedelta(0))
    return allowed * min(max(priority, 0), MOST_PRIORITY) // MOST_PRIORITY


def urgency_sentence(arrived_at: datetime, due_at: datetime, priority: int) -> str:
    """The formula with this item's figures, for the person who asks why it comes now."""
    due = f"It is due on {due_at:%-d %B at %H:%M} UTC"
    forward = brought_forward(arrived_at, due_at, priority)
    if not forward:
        return f"{due}, and items are taken in the order in which they are due."
    return f"{due}, and its priority of {priority} brings it {length(forward)} forward in the queue."


def time_left_sentence(calendar: Calendar, due_at: datetime, now: datetime) -> str:
    """How much working time is left until it is due, and when the queue works."""
    works = f"The queue works {calendar_words(calendar)}"
    if due_at < now:
        return f"{works}: it is {length(calendar.between(due_at, now))} of working time late."
    return f"{works}: {length(calendar.between(now, due_at))} of working time are left."


def due_words(calendar: Calendar | None, due_at: datetime, now: datetime) -> str:
    """When it is due, counted in the time of its queue: `in 2 h 10 min of working time`, `38 min late`."""
    first, last = sorted((due_at, now))
    left = length(calendar.between(first, last) if calendar else last - first)
    said = f"{left} late" if due_at < now else f"in {left}"
    return f"{said}, in working time" if calendar else said


def length(time: timedelta) -> str:
    """A length of time in its two largest units: `3 h 12 min`."""
    seconds = int(time.total_seconds())
    parts = ((seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    said = [f"{amount} {unit}" for amount, unit in parts if amount]
    return " ".join(said[:2]) or "0 s"
