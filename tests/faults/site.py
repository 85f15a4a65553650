"""An installation of the suite's own, served by `manage.py up`, with its processes within reach.

The suite holds the servers itself and puts a proxy before each, so that a connection can be lost between a commit and
its answer, and the broker be gone for as long as is wanted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import redis

from governance.evidence import keys
from governance.project import embedded
from governance.project.embedded.ports import free_port
from tests.faults.proxy import Proxy

PROJECT = Path(__file__).resolve().parents[2]
_OURS = ("DATABASE", "REDIS", "COUNTERSIGN", "DJANGO", "SECRET_KEY", "PROMETHEUS", "PYTEST", "PORT")
_SECRETS = {"SECRET_KEY": "secret_key", "COUNTERSIGN_DRAW_KEYS": "draw_keys", "COUNTERSIGN_ORIGIN": "origin"}
LEASE_SECONDS, WAL_MEGABYTES = 5, 1024
_SAID = (
    "could not serialize access", "statement timeout", "deadlock detected", "user request", "No space left on device",
    "terminated by signal 9",
)  # fmt: skip


class Site:
    """The program under fault. Whoever asks for a process gets only those of this home."""

    def __init__(self, folder: Path, *, small_wal: bool = False) -> None:
        self.folder, self.home, self.port = folder, folder / "home", free_port(None)
        self.log = (folder / "log").open("a")
        self.hold = embedded.ensure(self.home)
        self.has_small_wal = small_wal and self._mount_wal()
        self.addresses = embedded.addresses(self.home)
        self.database_line, self.broker_line = Proxy(self._to_postgres), Proxy(self._to_redis)
        self.clock = folder / "clock"
        self.set_clock(0)
        keys.make(self.home / "secrets" / "sealing_key", origin=embedded.secret(self.home, "origin"))
        own_clock = self._own_clock()
        self.has_own_clock = bool(own_clock)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)} | {
            "COUNTERSIGN_HOME": str(self.home), "COUNTERSIGN_ALLOW_PRIVATE_WEBHOOKS": "1", "LOG_LEVEL": "WARNING",
            "COUNTERSIGN_LEASE_SECONDS": str(LEASE_SECONDS), "LOG_FORMAT": "console",
            "DATABASE_URL": self._through(self.addresses.database, self.database_line, "/countersign"),
            "DATABASE_OWNER_URL": self._through(self.addresses.database_owner, self.database_line, "/countersign"),
            "REDIS_URL": self._through(self.addresses.redis, self.broker_line, "/0"),
            **{variable: embedded.secret(self.home, name) for variable, name in _SECRETS.items()},
            **own_clock,
        }  # fmt: skip
        self.starts = 0
        self.process = self._start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _mount_wal(self) -> bool:
        """Puts the write-ahead log on a file system of its own that can be filled, where this machine lets us."""
        if os.geteuid() != 0 or not shutil.which("mount"):
            return False
        self.hold.release()
        wal, aside = self.home / "postgres" / "pg_wal", self.folder / "wal"
        subprocess.run(["cp", "-a", str(wal), str(aside)], check=True)
        owner = wal.stat()
        options = f"size={WAL_MEGABYTES}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(wal)], capture_output=True)
        if mounted.returncode == 0:
            subprocess.run(["cp", "-a", f"{aside}/.", str(wal)], check=True)
        shutil.rmtree(aside)
        self.hold = embedded.ensure(self.home)
        return mounted.returncode == 0

    def fill_wal(self) -> None:
        """Takes all the room that is left beside the write-ahead log."""
        wal = self.home / "postgres" / "pg_wal"
        room = os.statvfs(wal)
        with (wal / "full").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, (room.f_bavail - 1) * room.f_bsize))

    def empty_wal(self) -> None:
        (self.home / "postgres" / "pg_wal" / "full").unlink(missing_ok=True)

    def set_clock(self, seconds: int) -> None:
        """The clock of the program's processes, and of theirs alone, is so much ahead of the right time."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
        self.clock.chmod(0o644)

    def _own_clock(self) -> dict[str, str]:
        """The environment in which a process has the suite's clock; nothing where there is no C compiler."""
        compiler, library = shutil.which("cc"), self.folder / "clock.so"
        if compiler is None or not sys.platform.startswith("linux"):
            return {}
        source = Path(__file__).with_name("clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
        return {"LD_PRELOAD": str(library), "FAULT_CLOCK": str(self.clock)}

    def _through(self, url: str, line: Proxy, path: str) -> str:
        """The same user and password, by way of the proxy."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.username or ''}:{parts.password}@127.0.0.1:{line.port}{path}"

    def _to_postgres(self) -> socket.socket:
        asked = psycopg.conninfo.conninfo_to_dict(embedded.addresses(self.home).database)
        host, port = str(asked["host"]), int(asked.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port), timeout=5)
        end = socket.socket(socket.AF_UNIX)
        end.connect(f"{host}/.s.PGSQL.{port}")
        return end

    def _to_redis(self) -> socket.socket:
        parts = urlsplit(embedded.addresses(self.home).redis)
        end = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
        end.settimeout(None)
        return end

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
        """Starts the program again when it has given up, as an init system would, and a server whose keeper has."""
        if not self.hold.is_kept():
            with contextlib.suppress(embedded.Unavailable):
                embedded.ensure(self.home)
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

    def command(self, *arguments: str, fails: bool = False) -> str:
        """What a command of manage.py says on this installation. Raises RuntimeError unless it may fail."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=PROJECT, env=self.environment, capture_output=True, text=True
        )
        if done.returncode and not fails:
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

    def said(self) -> dict[str, int]:
        """How often PostgreSQL's log tells of what was to happen to it."""
        text = "".join(file.read_text(errors="replace") for file in (self.home / "logs").glob("postgres.log*"))
        return {words: text.count(words) for words in _SAID}

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
        self.log.close()
        self.database_line.close()
        self.broker_line.close()
        self.hold.release()
        if self.has_small_wal:
            subprocess.run(["umount", "--lazy", str(self.home / "postgres" / "pg_wal")], check=True)


def _line(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return ()
