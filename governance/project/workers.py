"""What Celery is told: how a worker takes its messages, and what the scheduler calls how often.

It reads nothing of the environment; that is `settings`.
"""

from django.conf import settings

broker_url = settings.REDIS_URL
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]  # a message that could run code when it is read is refused
# A task is only a hint to look at a table, so it may be lost or run twice; late acknowledgement makes losing it rare.
task_acks_late = True
# A child that is killed takes its message with it, unless the message goes back to the broker.
task_reject_on_worker_lost = True
# A process takes one message and no second one to keep waiting behind it: a long delivery holds up nobody's routing.
worker_prefetch_multiplier = 1
# Tasks do small batches for 40 seconds at most and end by themselves; the soft limit is for a database that hangs, the
# hard one for what hangs beyond help.
task_soft_time_limit = 50
task_time_limit = 60
# Asked to stop, a worker ends what it is at before it goes; no task lasts longer than the hard limit.
worker_soft_shutdown_timeout = 60
# No message is sent for later than now (no eta, no countdown): Redis would hand it out again and again until then. What
# is due later is a time in a table, and a schedule looks.
# Longer than the hard limit, else Redis hands a running task to a second worker.
broker_transport_options = {"visibility_timeout": 300}
broker_connection_retry_on_startup = True
worker_hijack_root_logger = False
task_default_queue = "route"
task_routes = {
    "reviews.routing.*": {"queue": "route"},
    "reviews.delivery.*": {"queue": "deliver"},
    "governance.monitoring.*": {"queue": "analyse"},
    "governance.evidence.*": {"queue": "analyse"},
    "governance.notices.*": {"queue": "analyse"},
    "reviews.quality.*": {"queue": "analyse"},
    "reviews.precedents.*": {"queue": "analyse"},
    "reviews.tasks.*": {"queue": "analyse"},
}
beat_schedule = {
    "route what the broker lost": {"task": "reviews.routing.tasks.route_waiting", "schedule": 5.0},
    "keep to the service levels": {
        "task": "reviews.routing.tasks.keep_time",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    # A tick that waited behind a long round has nothing left to say.
    "deliver what is due": {
        "task": "reviews.delivery.tasks.deliver_due",
        "schedule": 1.0,
        "options": {"expires": 1},
    },
    "send letters": {"task": "governance.notices.tasks.send_due", "schedule": 5.0, "options": {"expires": 5}},
    "forget old notices": {"task": "governance.notices.tasks.forget_old", "schedule": 3600.0},
    "look at the evidence": {"task": "governance.monitoring.tasks.take_due_looks", "schedule": 3600.0},
    "keep the counts": {
        "task": "governance.monitoring.tasks.keep_counts",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "begin scheduled policies": {"task": "governance.monitoring.tasks.activate_due_policies", "schedule": 5.0},
    "check the guards": {"task": "governance.monitoring.tasks.check_guards", "schedule": 10.0},
    "watch the audits": {"task": "governance.monitoring.tasks.watch_audits", "schedule": 60.0},
    "open incidents": {"task": "reviews.quality.tasks.open_incidents", "schedule": 10.0},
    "remember decided cases": {
        "task": "reviews.precedents.tasks.remember",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "check what was uploaded": {
        "task": "governance.evidence.tasks.check_uploads",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "check ranges": {"task": "governance.evidence.tasks.check_ranges", "schedule": 3.0, "options": {"expires": 3}},
    "write bundles": {"task": "governance.evidence.tasks.write_bundles", "schedule": 3.0, "options": {"expires": 3}},
    "replay known answers": {"task": "reviews.quality.tasks.seed_known_answers", "schedule": 30.0},
    "keep to the retention": {"task": "reviews.tasks.keep_to_retention", "schedule": 60.0, "options": {"expires": 60}},
    "hand the head out": {"task": "governance.monitoring.tasks.publish_head", "schedule": 600.0},
    "heartbeat": {"task": "governance.monitoring.tasks.heartbeat", "schedule": 5.0},
}
