"""A TCP proxy between the program and a server of its, which can be gone, and can lose the answer to a commit."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable

# PostgreSQL's wire: "a COMMIT is complete", and "ready, in no transaction" at the end of an answer.
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
_READY = b"Z\x00\x00\x00\x05I"


class Proxy:
    """Listens on a port of its own and passes bytes on. `connect` opens the way to the server.

    `is_gone`: every connection is cut and none is taken. `loses`: a share of the answers that say a transaction is
    over, by COMMIT or by itself, is kept back and the connection cut: the client cannot know whether it happened.
    """

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.connect, self.is_gone, self.loses, self.lost = connect, False, 0.0, 0
        self.dice = random.Random(0)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def go(self) -> None:
        """From now on nobody is there."""
        self.is_gone = True
        with self._lock:
            for end in self._open:
                _cut(end)

    def come_back(self) -> None:
        self.is_gone = False

    def close(self) -> None:
        self.go()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        try:
            server = None if self.is_gone else self.connect()
        except OSError:
            server = None
        if server is None:
            client.close()
            return
        with self._lock:
            self._open |= {client, server}
        there = threading.Thread(target=self._pump, args=(client, server, False), daemon=True)
        there.start()
        self._pump(server, client, True)
        there.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if answers and self.loses and self._is_lost(chunk):
                    break
                target.sendall(chunk)
        _cut(source)
        _cut(target)

    def _is_lost(self, chunk: bytes) -> bool:
        is_over = _COMMITTED in chunk or (chunk.endswith(_READY) and b"C\x00\x00\x00" in chunk)
        if is_over and self.dice.random() < self.loses:
            self.lost += 1
            return True
        return False


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
