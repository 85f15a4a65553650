"""Celery's door to precedents. What is due is found in the tables; losing a task loses nothing."""

import time
from typing import Final

from celery import shared_task

from reviews.precedents import remembering

WORK_SECONDS: Final = 20.0


@shared_task(name="reviews.precedents.tasks.remember")
def remember() -> int:
    """Remembers what decided cases were about, for at most 20 seconds; how many."""
    until, done = time.monotonic() + WORK_SECONDS, 0
    while time.monotonic() < until:
        some = remembering.remember()
        done += some
        if some < remembering.BATCH:
            break
    if done:
        remembering.forget()
    return done
