"""Celery's door to quality. Each task looks its work up in the tables; losing one loses nothing."""

from celery import shared_task

from reviews.quality import known_answers


@shared_task(name="reviews.quality.tasks.seed_known_answers")
def seed_known_answers() -> int:
    """Replays the errors that the items of the last minutes drew; how many."""
    return known_answers.seed_due()
