"""Celery's door to monitoring."""

from celery import shared_task

from governance.monitoring import health


@shared_task
def heartbeat() -> None:
    """Tell `/healthz` that the scheduler, the broker and a worker are alive."""
    health.beat()
