"""Celery's door to notices. The schedule rings it; losing a ring loses nothing."""

from celery import shared_task

from governance.notices import sending


@shared_task
def send_due() -> int:
    """Send the letters that are due; the attempts made. Running twice, or at once with another, does no harm."""
    return sending.send_due().attempts


@shared_task
def forget_old() -> int:
    """Take away what was told more than a month ago; how many rows."""
    return sending.forget_old()
