"""Celery's door to retention. What is to be erased is a predicate on the tables; losing a task loses nothing."""

from celery import shared_task

from reviews import erasing

BATCH = 200


@shared_task(name="reviews.tasks.keep_to_retention")
def keep_to_retention() -> int:
    """Erase what the policies in force no longer let be kept; how many outputs."""
    return erasing.keep_to_retention(limit=BATCH)
