"""Holding the embedded servers: the first holder starts them, the last one to leave stops them."""

import atexit
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from governance.project.embedded import postgres, redis
from governance.project.embedded.home import Unavailable, open_home, state

_PROJECT = Path(__file__).resolve().parents[3]
_START_SECONDS, _LEAVE_SECONDS = 90, 70
_ANSWERS = {"postgres": postgres.answers, "redis": redis.answers}
# These look at no row: starting a database for them would only cost time.
_WITHOUT_SERVERS = {
    "check",
    "collectstatic",
    "help",
    "makemigrations",
    "spectacular",
    "version",
    "--help",
    "-h",
    "--version",
}


class Hold:
    """A hold on embedded servers. Leaving it, or dying, lets them stop once nobody else holds them."""

    def __init__(self, home: Path, locks: dict[str, int]) -> None:
        self.home, self._locks, self._process = home, locks, os.getpid()
        atexit.register(self.release)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def is_kept(self) -> bool:
        """Whether every server held still has the keeper that restarts it."""
        return all(_is_kept(self.home, name) for name in self._locks)

    def release(self) -> None:
        """Let go. The last holder waits until the servers have stopped. A forked child's call does nothing."""
        if os.getpid() != self._process:
            return
        last = [name for name, lock in self._locks.items() if _try_lock(lock)]
        for lock in self._locks.values():
            os.close(lock)
        self._locks = {}
        for name in last:
            _await_end(self.home, name)


def ensure(home: Path, *, postgres: bool = True, redis: bool = True, durable: bool = True) -> Hold:
    """Hold the embedded servers of this home, starting those that do not run. Safe to call from many processes.

    `durable=False` starts a PostgreSQL that does not wait for the disk (tests only). Raises Unavailable with a
    sentence for the person at the terminal when a server cannot run here.
    """
    open_home(home)
    names = [name for name, wanted in (("postgres", postgres), ("redis", redis)) if wanted]
    starting = {name: _lock(home, f"{name}.start", fcntl.LOCK_EX) for name in names}
    users = {name: _lock(home, f"{name}.users", fcntl.LOCK_SH) for name in names}
    try:
        _bring_up(home, names, durable=durable)
    except BaseException:
        for lock in users.values():
            os.close(lock)
        raise
    finally:
        for lock in starting.values():
            os.close(lock)
    return Hold(home, users)


def ensure_for_command(argv: Sequence[str], environ: Mapping[str, str]) -> Hold | None:
    """What manage.py calls before Django reads its settings: holds the servers that the environment does not name.

    None when both are named or the command needs no server.
    """
    command = argv[1] if len(argv) > 1 else "help"
    postgres, redis = not environ.get("DATABASE_URL"), not environ.get("REDIS_URL")
    if command in _WITHOUT_SERVERS or "--help" in argv or not (postgres or redis):
        return None
    home = Path(environ.get("COUNTERSIGN_HOME") or _PROJECT / "var").resolve()
    return ensure(home, postgres=postgres, redis=redis)


def _lock(home: Path, name: str, how: int) -> int:
    descriptor = os.open(home / "run" / name, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, how)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_kept(home: Path, name: str) -> bool:
    descriptor = os.open(home / "run" / f"{name}.keeper", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _start(home: Path, name: str, *, durable: bool) -> subprocess.Popen[str]:
    log = (home / "logs" / "keeper.log").open("a")
    command = [sys.executable, "-m", "governance.project.embedded.keeper", str(home), name]
    keeper = subprocess.Popen(  # noqa: S603
        [*command, *([] if durable else ["--hurried"])],
        cwd=_PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )
    log.close()
    return keeper


def _first_word(keeper: subprocess.Popen[str]) -> str | None:
    """What the keeper says when its server is up (None) or cannot be (a sentence)."""
    line = keeper.stdout.readline() if keeper.stdout else ""
    if not line:
        return "A server's keeper ended without a word; see logs/keeper.log under COUNTERSIGN_HOME."
    said: dict[str, str] = json.loads(line)
    return said.get("error")


def _bring_up(home: Path, names: Sequence[str], *, durable: bool) -> None:
    """Wait until each server answers, starting those that nobody keeps.

    That a keeper is there proves nothing: it may be the one that a `kill -9` is just ending, or one whose server has
    died and is being started again. Only an answer does.
    """
    deadline = time.monotonic() + _START_SECONDS
    while missing := [name for name in names if not _is_up(home, name)]:
        if time.monotonic() > deadline:
            raise Unavailable(f"{missing[0]} of {home} does not come up; see its log under {home / 'logs'}.")
        keepers = [_start(home, name, durable=durable) for name in missing if not _is_kept(home, name)]
        if errors := [error for keeper in keepers if (error := _first_word(keeper))]:
            raise Unavailable("\n".join(dict.fromkeys(errors)))
        time.sleep(0.02)


def _is_up(home: Path, name: str) -> bool:
    return _is_kept(home, name) and bool(state(home, name)) and _ANSWERS[name](home)


def _await_end(home: Path, name: str) -> None:
    began = time.monotonic()
    while _is_kept(home, name) and time.monotonic() - began < _LEAVE_SECONDS:
        if state(home, name) and time.monotonic() - began > 2:
            return  # somebody took it over in the moment we let go
        time.sleep(0.02)
