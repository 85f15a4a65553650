"""Celery's door to the evidence: what takes longer than a page may."""

from celery import shared_task

from governance.evidence import uploads


@shared_task
def check_uploads() -> int:
    """Verify one bundle that was uploaded and waits; whether there was one."""
    return int(any(uploads.verify(id) for id in uploads.waiting()[:1]))
