"""`manage.py up`: serve everything until Ctrl-C."""

import hashlib
import os
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from governance.monitoring import metrics
from governance.project import embedded, supervisor

# Installed with the packages but on none of our pages; compressing them would take half a minute.
UNSERVED = ["rest_framework", "redoc"]


class Command(BaseCommand):
    help = "Serves web, worker and scheduler, on embedded servers unless DATABASE_URL and REDIS_URL name others."
    requires_system_checks: list[str] = []  # noqa: RUF012  as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="web processes, one a core")

    def handle(self, *, port: int, host: str, workers: int, **options: Any) -> None:
        try:
            serve(port=port, host=host, workers=workers, say=self._say)
        except (supervisor.CannotServe, embedded.Unavailable) as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def serve(
    *,
    port: int,
    host: str = "127.0.0.1",
    workers: int,
    say: Callable[[str], None],
    when_open: Callable[[], None] | None = None,
) -> None:
    """Migrate, then serve until SIGINT or SIGTERM. When the web server answers, `when_open` is called in a thread.

    Raises CannotServe or embedded.Unavailable with a sentence when it cannot, or not any more.
    """
    lock = supervisor.hold_home(settings.HOME)
    servers = _Servers()
    try:
        supervisor.require_free(host, port)
        prepare()
        os.environ["PORT"] = str(port)
        supervisor.tell_when_open(host, port, when_open or (lambda: say(greeting(port))))
        wanted = supervisor.children(
            host=host, port=port, workers=workers, counters=metrics.directory(),
            sealer_database=settings.DATABASE_SEALER_URL,
        )  # fmt: skip
        supervisor.Supervisor(wanted, say).run(servers.check)
    finally:
        servers.release()
        os.close(lock)


def prepare() -> None:
    """Bring the database and the static files up to this version of the program."""
    call_command("migrate", interactive=False, verbosity=0)
    collect_static()
    metrics.forget_processes()
    connections.close_all()


def collect_static() -> None:
    """Bring the static files to where they are served from, when any of them has changed since the last time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(UNSERVED):
            digest.update(f"{path} {storage.size(path)} {storage.get_modified_time(path)}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=UNSERVED)
    stamp.write_text(digest.hexdigest())


def greeting(port: int) -> str:
    """What the terminal is told when the web server answers."""
    where = f"embedded PostgreSQL and Redis, data in {settings.HOME}" if settings.EMBEDDED else "the configured servers"
    return f"Countersign serves http://localhost:{port}/ on {where}. Health: /healthz · Ctrl-C stops everything."


class _Servers:
    """The embedded servers this process holds, if any: looked after as long as it serves."""

    def __init__(self) -> None:
        self.wanted = {"postgres": not os.environ.get("DATABASE_URL"), "redis": not os.environ.get("REDIS_URL")}
        self.hold = embedded.ensure(settings.HOME, **self.wanted) if any(self.wanted.values()) else None

    def check(self) -> None:
        # Only a keeper killed by force ends while we hold its server; a new one takes its place.
        if self.hold and not self.hold.is_kept():
            embedded.ensure(settings.HOME, **self.wanted)

    def release(self) -> None:
        if self.hold:
            self.hold.release()
