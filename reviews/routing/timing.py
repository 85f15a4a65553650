"""When an item is due, and when each step of its ladder is. Pure.

The steps' times count from the due time. A step is never due before the one under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from governance.policies.policy import Breach, ServiceLevel


def due_at(sla: ServiceLevel, arrived_at: datetime) -> datetime:
    """By when the item should be decided."""
    return arrived_at + sla.due_in


def step_at(sla: ServiceLevel, due_at: datetime, rung: int) -> datetime | None:
    """When the step after `rung` steps is due; None when there is no further step."""
    return due_at + sla.on_breach[rung].after if rung < len(sla.on_breach) else None


def rung_under(sla: ServiceLevel, done: Sequence[Breach]) -> int:
    """How many steps of a new ladder count as climbed by an item that has climbed `done` of the one before: those at
    its foot that do what was done already."""
    known, rung = {step.do for step in done}, 0
    while rung < len(sla.on_breach) and sla.on_breach[rung].do in known:
        rung += 1
    return rung
