"""The limit for routing: what Celery moves when every item is a message of its own and its task does nothing."""

import os

from celery import Celery

QUEUE = "bench"
app = Celery("bare", broker=os.environ.get("REDIS_URL"))
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=1, worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)  # fmt: skip


@app.task(name="nothing")
def nothing(number: int) -> None:
    """Does nothing."""
