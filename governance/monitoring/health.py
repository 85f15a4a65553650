"""`/healthz`: whether this installation can do its job, part by part."""

from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

HEARTBEAT = "countersign:heartbeat"
FRESH_SECONDS = 30  # the schedule beats every five


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when every part is `ok`, else 503; each part that is not says in a few words what it lacks."""
    parts = {name: look() for name, look in _PARTS.items()}
    is_well = all(part == "ok" for part in parts.values())
    answer = JsonResponse({"status": "ok" if is_well else "unwell", "parts": parts}, status=200 if is_well else 503)
    # Whoever asks is told; Django would add an error to the log each time.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def beat() -> None:
    """Note that scheduler, broker and worker are alive: called by a worker for a task that the scheduler sent."""
    _broker().set(HEARTBEAT, "1", ex=FRESH_SECONDS)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "not reachable"
    return "ok"


def _migrations() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            missing = _known_migrations() - set(cursor.fetchall())
    except DatabaseError:
        return "not known"
    return f"{len(missing)} not applied" if missing else "ok"


def _broker_answers() -> str:
    try:
        _broker().ping()
    except redis.RedisError:
        return "not reachable"
    return "ok"


def _worker() -> str:
    try:
        beats = _broker().exists(HEARTBEAT)
    except redis.RedisError:
        return "not known"
    return "ok" if beats else f"no heartbeat for {FRESH_SECONDS} s"


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


@cache
def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


_PARTS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker_answers,
    "worker": _worker,
}
