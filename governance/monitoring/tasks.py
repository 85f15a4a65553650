"""Celery's door to monitoring."""

from celery import shared_task

from governance.evidence import publishing
from governance.monitoring import guards, health, watching
from governance.policies import amending
from governance.tuning import keeping, looks


@shared_task
def heartbeat() -> None:
    """Tell `/healthz` that the scheduler, the broker and a worker are alive."""
    health.beat()


@shared_task
def take_due_looks() -> int:
    """Take the looks at the evidence that the policies' schedules ask for now; how many were taken."""
    return len(looks.take_due())


@shared_task
def keep_counts() -> int:
    """Count on what has become final, so that no page and no look counts it again; how many thresholds."""
    return keeping.keep_all()


@shared_task
def watch_audits() -> int:
    """Open an incident for each policy in force whose audits alarm; how many were opened."""
    return len(watching.watch())


@shared_task
def activate_due_policies() -> int:
    """Put in force what was scheduled for now; how many were."""
    return len(amending.activate_due())


@shared_task
def check_guards() -> int:
    """Take back every policy whose guard is crossed; how many were."""
    return len(guards.check())


@shared_task
def publish_head() -> list[str]:
    """Hand the day's head of the log to those who keep it outside; the ways that were due."""
    return publishing.publish_due()
