"""Web, worker, scheduler and sealer as children of one process: started together, restarted when they die, ended so."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from governance.project.embedded.children import dies_with_parent

PROJECT = Path(__file__).resolve().parents[2]
# Threads a web process may have: most of them sleep, see governance.project.waiting.
THREADS = 600
DEATHS, WITHIN_SECONDS = 5, 60.0


class CannotServe(RuntimeError):
    """Serving is not possible or not any more; the text is for the person at the terminal."""


@dataclass(frozen=True)
class Child:
    """A process to keep running. `stop_seconds` is how long it may take to end its work when asked to."""

    name: str
    command: tuple[str, ...]
    stop_seconds: float = 20.0
    environment: dict[str, str] = field(default_factory=dict)


def children(*, host: str, port: int, workers: int, counters: Path, sealer_database: str = "") -> tuple[Child, ...]:
    """What makes up a serving installation, in the order of starting; they are stopped in the reverse order.

    `counters` is the directory in which the web processes share their counters; `sealer_database` the database as the
    sealer's own role, where it has one.
    """
    python = sys.executable
    celery: tuple[str, ...] = (python, "-m", "celery", "--app", "governance.project.celery", "--quiet")
    worker: tuple[str, ...] = (
        "worker",
        "--queues",
        "route,deliver,analyse",
        "--concurrency",
        "2",
        "--loglevel",
        "WARNING",
    )
    worker += ("--without-gossip", "--without-mingle")
    beat = ("beat", "--scheduler", "governance.project.beat:Steady", "--pidfile", "", "--loglevel", "WARNING")
    web: tuple[str, ...] = (python, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port))
    web += ("--workers", str(workers))
    web += ("--blocking-threads", str(THREADS), "--backpressure", str(THREADS + 50), "--backlog", "2048", "--no-ws")
    web += ("--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "error")
    web += ("governance.project.wsgi:application",)
    return (
        Child("worker", celery + worker, stop_seconds=65.0),
        Child("scheduler", celery + beat),
        Child(
            "sealer",
            (python, str(PROJECT / "manage.py"), "seal"),
            environment={"DATABASE_URL": sealer_database} if sealer_database else {},
        ),
        # Hundreds of threads would otherwise make glibc keep an arena of memory for each of the busy ones.
        Child("web", web, environment={"MALLOC_ARENA_MAX": "2", "PROMETHEUS_MULTIPROC_DIR": str(counters)}),
    )


class Supervisor:
    """Keeps children running until told to stop. Everything happens in the thread that calls `run`."""

    def __init__(self, wanted: Sequence[Child], say: Callable[[str], None]) -> None:
        self.wanted, self.say = wanted, say
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.deaths: dict[str, list[float]] = {child.name: [] for child in wanted}
        self.restart_at: dict[str, float] = {}
        self.signals = 0

    def run(self, check: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM, then stop all. `check` is called about twice a second. Raises CannotServe."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for child in self.wanted:
                self._start(child)
            while not self.signals:
                self._look_after()
                check()
                time.sleep(0.2 if self.restart_at else 0.5)
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start(self, child: Child) -> None:
        self.restart_at.pop(child.name, None)
        self.running[child.name] = subprocess.Popen(  # noqa: S603
            child.command,
            cwd=PROJECT,
            env=os.environ | child.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; what each leaves behind can be ended as a group
            preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self.wanted:
            due = self.restart_at.get(child.name)
            if due is not None:
                if now >= due:
                    self._start(child)
                continue
            code = self.running[child.name].poll()
            if code is not None:
                self._plan_restart(child, code, now)

    def _plan_restart(self, child: Child, code: int, now: float) -> None:
        _end_group(self.running[child.name].pid)
        recent = [when for when in self.deaths[child.name] if now - when < WITHIN_SECONDS] + [now]
        self.deaths[child.name] = recent
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if len(recent) >= DEATHS:
            raise CannotServe(
                f"The {child.name} {how}, {len(recent)} times within {WITHIN_SECONDS:.0f} s. Everything is stopped."
            )
        pause = 0.5 * 2 ** (len(recent) - 1)
        self.say(f"The {child.name} {how}; it is started again in {pause:g} s.")
        self.restart_at[child.name] = now + pause

    def _stop(self) -> None:
        for child in reversed(self.wanted):
            process = self.running.get(child.name)
            if process is None:
                continue
            if process.poll() is None:
                process.terminate()
                self._await_end(process, child.stop_seconds)
            _end_group(process.pid)
            process.wait()

    def _await_end(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        deadline, asked = time.monotonic() + seconds, self.signals
        while process.poll() is None and time.monotonic() < deadline and self.signals <= max(asked, 1):
            time.sleep(0.05)  # a second Ctrl-C ends the patience

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals == 1:
            self.say("Stopping …")


def hold_home(home: Path) -> int:
    """Claim the home while the returned descriptor is open. Raises CannotServe when another process has it."""
    path = home / "run" / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(descriptor, 20).decode() or "unknown"
        os.close(descriptor)
        raise CannotServe(
            f"Countersign already serves from {home} (process {owner}). Stop that one first, "
            "or give this one a COUNTERSIGN_HOME and a port of its own."
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def require_free(host: str, port: int) -> None:
    """Raises CannotServe when something listens on the port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotServe(
                f"Port {port} of {host} cannot be had: {error.strerror}. Choose another with --port."
            ) from error


def tell_when_open(host: str, port: int, tell: Callable[[], None]) -> None:
    """Call `tell` once, from a thread of its own, as soon as the web server takes connections."""
    address = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104

    def look() -> None:
        while True:
            try:
                socket.create_connection((address, port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return tell()

    threading.Thread(target=look, daemon=True).start()


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # nothing left, as it should be
        os.killpg(group, signal.SIGKILL)
