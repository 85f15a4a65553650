"""An installation of the suite's own, served by `manage.py up`, with its processes within reach."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import redis

from governance.project import embedded
from governance.project.embedded.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
_OURS = ("DATABASE", "REDIS", "COUNTERSIGN", "DJANGO", "SECRET_KEY", "PROMETHEUS", "PYTEST", "PORT")
LEASE_SECONDS = 5


class Site:
    """The program under fault. Whoever asks for a process gets only those of this home."""

    def __init__(self, folder: Path) -> None:
        self.home, self.port = folder / "home", free_port(None)
        self.log = (folder / "log").open("a")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)} | {
            "COUNTERSIGN_HOME": str(self.home), "COUNTERSIGN_ALLOW_PRIVATE_WEBHOOKS": "1", "LOG_LEVEL": "WARNING",
            "COUNTERSIGN_LEASE_SECONDS": str(LEASE_SECONDS),
        }  # fmt: skip
        self.starts = 0
        self.process = self._start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        command = [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1"]
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def look_after(self) -> None:
        """Starts the program again when it has given up, as an init system would."""
        if self.process.poll() is not None:
            self.process = self._start()

    def await_healthy(self, seconds: float = 180) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look_after()
            try:
                if httpx.get(f"{self.base}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise TimeoutError(f"The site is not healthy after {seconds:.0f} s; see {self.log.name}.")

    def command(self, *arguments: str) -> str:
        """What a command of manage.py says on this installation. Raises CalledProcessError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=PROJECT, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def database(self, seconds: float = 60) -> psycopg.Connection[Any]:
        """A connection as the owner, as soon as PostgreSQL answers. Raises OperationalError when it does not."""
        until = time.monotonic() + seconds
        while True:
            try:
                return psycopg.connect(
                    embedded.addresses(self.home).database_owner, autocommit=True, connect_timeout=5
                )  # fmt: skip
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.3)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(embedded.addresses(self.home).redis, socket_timeout=3)

    def server(self, name: str) -> int:
        """The process of the embedded server `postgres` or `redis`."""
        return int(json.loads((self.home / "run" / f"{name}.json").read_text())["server"])

    def children(self, *words: str) -> list[psutil.Process]:
        """The direct children of the program whose command line has all these words."""
        found = psutil.Process(self.process.pid).children() if self.process.poll() is None else []
        return [child for child in found if all(word in " ".join(_line(child)) for word in words)]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
        self.log.close()


def _line(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return ()
