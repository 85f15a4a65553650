"""The Celery application. Celery carries work, never truth: each task looks its work up in PostgreSQL."""

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun, worker_ready

from governance.project import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.project.settings")

# It is about messages that run code when they are read; ours are JSON and nothing else is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("countersign")
app.config_from_object("governance.project.workers")
app.autodiscover_tasks(
    [
        "governance.monitoring",
        "governance.evidence",
        "governance.notices",
        "reviews",
        "reviews.routing",
        "reviews.delivery",
        "reviews.quality",
        "reviews.precedents",
    ]
)

# A task logs under the request that caused it; and Celery leaves the logging as the settings made it.
before_task_publish.connect(logs.send_context)
task_prerun.connect(logs.receive_context)
task_postrun.connect(logs.drop_context)
setup_logging.connect(logs.configured)


@worker_ready.connect
def beat_at_once(**_: object) -> None:
    """A fresh worker tells `/healthz` so now, and not when the schedule comes round."""
    app.send_task("governance.monitoring.tasks.heartbeat", queue="analyse")
