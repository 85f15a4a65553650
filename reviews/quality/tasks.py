"""Celery's door to quality. Each task looks its work up in the tables; losing one loses nothing."""

from celery import shared_task

from reviews.quality import known_answers, wrong_audits


@shared_task(name="reviews.quality.tasks.seed_known_answers")
def seed_known_answers() -> int:
    """Replays the errors that the items of the last minutes drew; how many."""
    return known_answers.seed_due()


@shared_task(name="reviews.quality.tasks.open_incidents")
def open_incidents() -> int:
    """Open an incident for each released output that an audit has found wrong for good; how many."""
    return len(wrong_audits.open_incidents())
