"""A producer's webhook that fails, hangs, drips, redirects and drops the line, but takes each message in the end."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAYS = ("fail", "hang", "drip", "redirect", "drop", "answer-lost")


class Receiver:
    """Every message taken, by `webhook-id`. While `is_bad`, two of three are first met with a fault of some kind."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        self.times: dict[str, int] = defaultdict(int)
        self.is_bad, self.struck = False, Counter[str]()
        self._dice = random.Random(0)
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with contextlib.suppress(ConnectionError):  # the sender has lost its patience
                    site._meet(self, self.headers["webhook-id"], json.loads(body))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def begin(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def _meet(self, request: BaseHTTPRequestHandler, id: str, message: dict[str, Any]) -> None:
        self.times[id] += 1
        way = self._dice.choice(WAYS) if self.is_bad and self.times[id] == 1 and self._dice.random() < 0.66 else "take"
        if way != "take":
            self.struck[way] += 1
        if way in ("take", "answer-lost"):
            self.taken[id] = message
        if way == "hang":
            time.sleep(4)
        if way in ("drop", "answer-lost"):
            request.close_connection = True
            request.connection.close()
            return
        status = {"take": 204, "redirect": 307}.get(way, 503)
        request.send_response(status)
        if way == "redirect":
            request.send_header("location", "http://127.0.0.1:1/")
        request.send_header("content-length", "0" if way != "drip" else "40")
        request.end_headers()
        for _ in range(40 if way == "drip" else 0):
            request.wfile.write(b".")
            time.sleep(0.1)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
