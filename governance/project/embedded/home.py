"""The data directory: where everything lies, its secrets, and the addresses of the servers inside it."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107, and a client may add to it
POSTGRES_PORT = 5432  # names the socket file; over TCP the port is a free one

_MAKERS: dict[str, Callable[[], str]] = {
    "draw_keys": lambda: f"1:{secrets.token_hex(32)}",
    "origin": lambda: f"countersign.local/{secrets.token_hex(6)}",
}


class Unavailable(RuntimeError):
    """The embedded servers cannot run here; the text tells a person why and what to do."""


class Addresses(NamedTuple):
    """URLs of the embedded servers: the runtime role, Redis, and the role that owns the tables."""

    database: str
    redis: str
    database_owner: str


def open_home(home: Path) -> None:
    """Make the data directory where there is none. Raises Unavailable when it cannot be written."""
    try:
        if not home.is_dir():
            home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True)
        for name, mode in {"secrets": 0o700, "run": 0o711, "logs": 0o700}.items():
            (home / name).mkdir(mode=mode, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"COUNTERSIGN_HOME {home} cannot be used: {error.strerror} ({error.filename}).") from error
    if not os.access(home / "run", os.W_OK) or not os.access(home / "secrets", os.R_OK | os.W_OK | os.X_OK):
        raise Unavailable(f"COUNTERSIGN_HOME {home} belongs to somebody else; name a directory of your own.")


def secret(home: Path, name: str) -> str:
    """The secret of that name: made at random on first use, then the same for ever. Stored with mode 600."""
    path = home / "secrets" / name
    try:
        return path.read_text()
    except FileNotFoundError:
        open_home(home)
    fresh = path.with_name(f".{name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_MAKERS.get(name, lambda: secrets.token_urlsafe(48))())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # only the first of two processes succeeds, and both read what it wrote
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text()


def socket_directory(home: Path) -> Path | None:
    """The directory of PostgreSQL's socket, or None when its path is too long and 127.0.0.1 serves instead."""
    directory = home / "run" / "postgres"
    length = len(os.fsencode(directory / f".s.PGSQL.{POSTGRES_PORT}"))
    return directory if length <= SOCKET_PATH_LIMIT else None


def state(home: Path, service: str) -> dict[str, int]:
    """Process ids (`keeper`, `server`) of the running service, as its keeper wrote them; empty when it does not run."""
    try:
        written: dict[str, int] = json.loads((home / "run" / f"{service}.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return written


def last_port(home: Path, service: str) -> int | None:
    """The TCP port on which the service listens, or listened last; it takes the same one again if it can."""
    try:
        return int((home / "run" / f"{service}.port").read_text())
    except (FileNotFoundError, ValueError):
        return None


def addresses(home: Path) -> Addresses:
    """URLs of the embedded servers of this home. They answer while somebody holds the servers (`ensure`)."""
    directory, port = socket_directory(home), last_port(home, "postgres") or POSTGRES_PORT
    place = f"/countersign?host={quote(str(directory), safe='')}" if directory else f"127.0.0.1:{port}/countersign"

    def database(role: str) -> str:
        return f"postgresql://{role}:{secret(home, role)}@{place}"

    redis_port = last_port(home, "redis") or 6379
    redis = f"redis://:{secret(home, 'redis')}@127.0.0.1:{redis_port}/0"
    return Addresses(database("countersign_app"), redis, database("countersign_owner"))
