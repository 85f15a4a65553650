"""Celery's door to delivery. The schedule rings it each second; losing a ring loses nothing."""

from celery import shared_task

from reviews.delivery import sending


@shared_task(name="reviews.delivery.tasks.deliver_due")
def deliver_due() -> int:
    """Sends what is due; the attempts made. Running twice, or at once with another, does no harm."""
    return sending.deliver_due().attempts
