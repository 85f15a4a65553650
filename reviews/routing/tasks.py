"""Routing as a Celery task: a hint to look at the table, which may come late, twice or not at all."""

import time
from typing import Final

from celery import shared_task
from django.core.cache import cache

from reviews.routing.calling import CALLED
from reviews.routing.waiting import route_waiting as route_batch

GATHER_SECONDS: Final = 0.05
WORK_SECONDS: Final = 40.0


@shared_task(name="reviews.routing.tasks.route_waiting")
def route_waiting() -> int:
    """Routes until nothing waits, for at most 40 seconds; how many items it routed."""
    # What arrives within a moment is routed together. From the deletion on, intake calls again: an output that commits
    # after this task's last look finds no call outstanding.
    time.sleep(GATHER_SECONDS)
    cache.delete(CALLED)
    until, routed = time.monotonic() + WORK_SECONDS, 0
    while time.monotonic() < until:
        batch = route_batch()
        if not batch:
            break
        routed += batch
    return routed
