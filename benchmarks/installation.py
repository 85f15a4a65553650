"""An installation to measure on: embedded servers that wait for the disk, thrown away afterwards.

Every benchmark gets a database, a Redis number and a process of its own, so that none finds what another left.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg

from benchmarks.load import PROJECT
from governance.project import embedded
from governance.project.embedded.ports import free_port

OURS = ("DATABASE_", "REDIS_URL", "COUNTERSIGN_", "SECRET_KEY", "DEBUG", "PUBLIC_URL", "PORT", "PROMETHEUS_")


@dataclass(frozen=True)
class Installation:
    """A home with running servers and a migrated database `countersign`, of which benchmarks get copies."""

    home: Path
    environment: dict[str, str]

    def environment_for(self, number: int) -> dict[str, str]:
        """The environment of the benchmark of that number, from 1 on: a database and a Redis number of its own."""
        name = f"bench_{number}"
        places = embedded.addresses(self.home)
        with psycopg.connect(places.database_owner.replace("/countersign?", "/postgres?"), autocommit=True) as link:
            link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            link.execute(f'CREATE DATABASE "{name}" TEMPLATE countersign')
        return self.environment | {
            "DATABASE_URL": _at(places.database, name), "DATABASE_OWNER_URL": _at(places.database_owner, name),
            "REDIS_URL": _at(places.redis, str(number)),
        }  # fmt: skip


@contextmanager
def installation() -> Iterator[Installation]:
    """A new installation in a temporary home, with its static files collected; it is gone after the block."""
    home = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    try:
        home.chmod(0o711)
        plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        plain |= {"COUNTERSIGN_HOME": str(home), "LOG_LEVEL": "ERROR", "LOG_FORMAT": "json"}
        plain |= {"COUNTERSIGN_SECOND_FACTOR": "0"}  # those who load it have no telephones
        with embedded.ensure(home, durable=True):
            secrets = {"SECRET_KEY": "secret_key", "COUNTERSIGN_DRAW_KEYS": "draw_keys", "COUNTERSIGN_ORIGIN": "origin"}
            plain |= {variable: embedded.secret(home, name) for variable, name in secrets.items()}
            prepare = "import django; django.setup(); from django.core.management import call_command; "
            prepare += "from governance.management.commands import up; up.prepare(); call_command('log_key', 'new')"
            owner = plain | {"COUNTERSIGN_AS_OWNER": "1", "DJANGO_SETTINGS_MODULE": "governance.project.settings"}
            subprocess.run(
                [sys.executable, "-c", prepare], cwd=PROJECT, env=owner, check=True, stdout=subprocess.DEVNULL
            )
            yield Installation(home, owner)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def everything(*, workers: int = 2, log: IO[str] | None = None) -> Iterator[tuple[int, int]]:
    """`manage.py up` on this benchmark's servers: web, worker and scheduler; its port and process id, once healthy.

    What it says on standard error goes to `log`, where one is given.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "COUNTERSIGN_AS_OWNER"}
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=log)
    try:
        _await_health(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)


def _await_health(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError as error:  # refused as long as nothing listens, 503 as long as a part is missing
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The installation does not become healthy: {error}.") from error
        time.sleep(0.2)


def _at(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
