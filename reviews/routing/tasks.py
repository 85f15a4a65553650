"""Routing as Celery tasks: hints to look at the table, which may come late, twice or not at all."""

import time
from collections.abc import Callable
from typing import Final

from celery import shared_task
from django.core.cache import cache

from reviews.routing.assigning import assign_waiting
from reviews.routing.calling import CALLED
from reviews.routing.ladder import climb_due
from reviews.routing.reminders import tell_holds_over
from reviews.routing.retiming import retime_waiting
from reviews.routing.waiting import route_waiting as route_batch

GATHER_SECONDS: Final = 0.05
WORK_SECONDS: Final = 20.0


@shared_task(name="reviews.routing.tasks.route_waiting")
def route_waiting() -> int:
    """Routes until nothing waits, and gives out what is to be given; for at most 20 seconds each; how many items."""
    # What arrives within a moment is routed together. From the deletion on, intake calls again: an output that commits
    # after this task's last look finds no call outstanding.
    time.sleep(GATHER_SECONDS)
    cache.delete(CALLED)
    return _until_done(route_batch) + _until_done(assign_waiting)


@shared_task(name="reviews.routing.tasks.keep_time")
def keep_time() -> int:
    """Times what waits by the policies in force, takes every step that is due, and reminds people of what they put off;
    how many items it looked at."""
    return _until_done(retime_waiting) + _until_done(climb_due) + _until_done(tell_holds_over)


def _until_done(batch: Callable[[], int]) -> int:
    """Does one batch after the other until nothing is left, for at most 20 seconds; how many items in all."""
    until, done = time.monotonic() + WORK_SECONDS, 0
    while time.monotonic() < until:
        some = batch()
        if not some:
            break
        done += some
    return done
