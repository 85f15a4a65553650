"""The process that keeps one embedded server: starts it, restarts it, and stops it when nobody holds it any more.

Run as `python -m governance.project.embedded.keeper HOME SERVICE [--hurried]`. It outlives the command that started it
for as long as another one holds the server, and it notices a holder's death by `kill -9` too: holding is a shared file
lock, and this process waits for the exclusive one.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TextIO

from governance.project.embedded.children import dies_with_parent
from governance.project.embedded.home import Unavailable
from governance.project.embedded.postgres import Postgres
from governance.project.embedded.redis import Redis

START_SECONDS, STOP_SECONDS = 60, 60
LOG_BYTES = 10_000_000
_SERVICES: dict[str, type[Postgres] | type[Redis]] = {"postgres": Postgres, "redis": Redis}


class Keeper:
    """Keeps one server of one home running."""

    def __init__(self, service: Postgres | Redis) -> None:
        self.service = service
        self.state = service.home / "run" / f"{service.name}.json"
        self.events: SimpleQueue[str] = SimpleQueue()
        self.child: subprocess.Popen[str]

    def start(self) -> None:
        """Start the server and wait until it answers. Raises Unavailable when it does not within START_SECONDS."""
        log = self._open_log()
        self.child = subprocess.Popen(  # noqa: S603
            self.service.command(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            cwd="/",
            start_new_session=True,
            preexec_fn=dies_with_parent(self.service.stop_signal),  # noqa: PLW1509
            **self.service.user.identity,
        )
        log.close()
        if self.child.stdin:
            self.child.stdin.write(getattr(self.service, "configuration", ""))
            self.child.stdin.close()
        self._await_ready()
        self.state.with_suffix(".port").write_text(str(self.service.port))
        written = {"keeper": os.getpid(), "server": self.child.pid}
        fresh = self.state.with_suffix(".half")
        fresh.write_text(json.dumps(written))
        fresh.rename(self.state)
        threading.Thread(target=self._tell_death, args=(self.child,), daemon=True).start()

    def serve(self, users: int) -> None:
        """Stay until nobody holds the server, restarting it when it dies. `users` is the holders' lock."""
        signal.signal(signal.SIGTERM, self._on_signal)
        threading.Thread(target=self._tell_unused, args=(users,), daemon=True).start()
        deaths: list[float] = []
        while self.events.get() == "died":
            now = time.monotonic()
            deaths = [when for when in deaths if now - when < 60] + [now]
            if len(deaths) > 5:
                raise Unavailable(f"{self.service.name} died {len(deaths)} times in a minute; see {self._log_path}.")
            time.sleep(0.1 * 2 ** len(deaths))
            self.service.clear_leftovers()
            self.start()
        self.stop()

    def stop(self) -> None:
        """Stop the server in its own orderly way, and only if that fails by force."""
        self.state.unlink(missing_ok=True)
        if self.child.poll() is not None:
            return
        self.child.send_signal(self.service.stop_signal)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.service.is_ready(self.child.pid):
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.child.kill()
                self.child.wait()
                path = self._log_path
                said = path.read_text(errors="replace").strip()[-600:]
                raise Unavailable(f"{self.service.name} does not start; the end of {path} says:\n{said}")
            time.sleep(0.01)

    @property
    def _log_path(self) -> Path:
        return self.service.home / "logs" / f"{self.service.name}.log"

    def _open_log(self) -> TextIO:
        path = self._log_path
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("a")

    def _tell_unused(self, users: int) -> None:
        fcntl.flock(users, fcntl.LOCK_EX)
        self.events.put("unused")

    def _tell_death(self, child: subprocess.Popen[str]) -> None:
        child.wait()
        self.events.put("died")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.events.put("signal")


def main(home: Path, name: str, *, durable: bool) -> int:
    """Keep the service; what to tell the one who waits goes to standard output as one line of JSON, then it closes."""
    run = home / "run"
    own = os.open(run / f"{name}.keeper", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _tell({"error": f"{name} of {home} has a keeper already."})
        return 1
    users = os.open(run / f"{name}.users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        service = _SERVICES[name](home, durable=durable)
        (run / f"{name}.json").unlink(missing_ok=True)
        service.prepare()
        keeper = Keeper(service)
        keeper.start()
    except (Unavailable, OSError) as error:
        _tell({"error": str(error)})
        return 1
    _tell({"ready": True})
    keeper.serve(users)
    return 0


def _tell(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    os.close(nowhere)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the holders, not for what they share
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], durable="--hurried" not in sys.argv))
