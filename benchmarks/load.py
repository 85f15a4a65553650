"""Load for the benchmarks: HTTP clients that cost little, a server as `up` starts it, and the CPU that others used."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from governance.project.embedded.ports import free_port
from governance.project.supervisor import THREADS

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Round:
    """What a round of load came to: requests or rows in so many seconds, and the slowest percent in milliseconds."""

    count: int
    seconds: float
    p50: float
    p95: float
    p99: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds


def request(path: str, body: bytes, *, key: str = "", kind: str = "application/json") -> bytes:
    """The bytes of a POST on a connection that stays open."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask(path: str, *, key: str = "", cookie: str = "") -> bytes:
    """The bytes of a GET on a connection that stays open."""
    said = f"Authorization: Bearer {key}\r\n" if key else f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{said}\r\n".encode()


def send(
    port: int, work: Sequence[Sequence[bytes]], *, expect: bytes = b"HTTP/1.1 20", rows: int = 1, every: float = 0.0
) -> Round:
    """Sends each client's requests one after the other, all clients at once. `rows` is what one request counts.

    `every` is the pause in seconds from the start of one request to the start of the next, if that was quicker.
    """

    def client(requests: Sequence[bytes], times: list[float]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for data in requests:
                began = time.perf_counter()
                link.sendall(data)
                answer = _answer(link)
                if not answer.startswith(expect):
                    raise RuntimeError(f"Answered {answer[:300]!r}.")
                times.append(time.perf_counter() - began)
                if every:
                    time.sleep(max(0.0, began + every - time.perf_counter()))

    return side_by_side(client, work, rows=rows)


def side_by_side(
    call: Callable[[Sequence[bytes], list[float]], None], work: Sequence[Sequence[bytes]], *, rows: int
) -> Round:
    """Runs `call` with each part of the work in a thread of its own. Raises what the first of them raised."""
    times: list[list[float]] = [[] for _ in work]
    failures: list[BaseException] = []
    start = threading.Barrier(len(work) + 1)

    def run(place: int) -> None:
        start.wait()
        try:
            call(work[place], times[place])
        except BaseException as error:  # noqa: BLE001  it is raised again below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failures:
        raise failures[0]
    every = sorted(moment for part in times for moment in part)
    p50, p95, p99 = (every[int(len(every) * share)] * 1e3 for share in (0.5, 0.95, 0.99))
    return Round(len(every) * rows, seconds, p50, p95, p99)


def _answer(link: socket.socket) -> bytes:
    """One whole answer; of a chunked one, its last bytes are enough."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(link)
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            body = body[-5:] + _more(link)
        return head
    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        missing -= len(_more(link))
    return data


def _more(link: socket.socket) -> bytes:
    part = link.recv(1 << 20)
    if not part:
        raise RuntimeError("The server hung up.")
    return part


@contextmanager
def served(application: str, *, threads: int = THREADS, workers: int = 2) -> Iterator[tuple[int, int]]:
    """A Granian server of `application`: its port and process id."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", str(workers),
        "--blocking-threads", str(threads), "--backpressure", str(threads + 50), "--no-ws", "--log-level", "error",
        application,
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "COUNTERSIGN_AS_OWNER"}
    environment |= {"MALLOC_ARENA_MAX": "2", "LOG_LEVEL": "ERROR"}
    server = subprocess.Popen(command, cwd=PROJECT, env=environment)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError(f"{application} cannot be served.") from None
                time.sleep(0.1)
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def cpu_of(*roots: int) -> float:
    """Seconds of CPU that these processes and all below them have used so far, as far as they still run."""
    total = 0.0
    for root in roots:
        for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
            try:
                used = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += used.user + used.system
    return total
