"""Celery's scheduler, for a clock that may be put back: what is due is not put off until the clock has caught up."""

from __future__ import annotations

import time
from typing import Any, Final

from celery.beat import Scheduler

STEPPED_SECONDS: Final = 2.0


class Steady(Scheduler):
    """When the wall clock has moved otherwise than time has passed, all intervals begin anew.

    The original keeps by the wall clock when each entry is next due. Set an hour ahead for a moment and then right
    again, it would call nothing for an hour.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.ahead = _ahead()
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Sends what is due; how many seconds to wait before the next look."""
        ahead = _ahead()
        if abs(ahead - self.ahead) > STEPPED_SECONDS:
            self.ahead = ahead
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        wait: float = super().tick(*args, **options)
        return wait


def _ahead() -> float:
    return time.time() - time.monotonic()
