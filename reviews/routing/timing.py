"""When an item is due, and when each step of its ladder is. Pure.

The steps' times count from the due time. A step is never due before the one under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from governance.policies.policy import Breach, ServiceLevel
from governance.worktime import Calendar


def due_at(sla: ServiceLevel, calendar: Calendar | None, arrived_at: datetime) -> datetime:
    """By when the item should be decided; in working time where its queue has a calendar."""
    return _after(calendar, arrived_at, sla.due_in)


def step_at(sla: ServiceLevel, calendar: Calendar | None, due_at: datetime, rung: int) -> datetime | None:
    """When the step after `rung` steps is due; None when there is no further step."""
    return _after(calendar, due_at, sla.on_breach[rung].after) if rung < len(sla.on_breach) else None


def _after(calendar: Calendar | None, start: datetime, length: timedelta) -> datetime:
    return calendar.add(start, length) if calendar else start + length


def rung_under(sla: ServiceLevel, done: Sequence[Breach]) -> int:
    """How many steps of a new ladder count as climbed by an item that has climbed `done` of the one before: those at
    its foot that do what was done already."""
    known, rung = {step.do for step in done}, 0
    while rung < len(sla.on_breach) and sla.on_breach[rung].do in known:
        rung += 1
    return rung
