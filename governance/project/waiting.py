"""The door that web requests come through: a few at a time inside Django, any number waiting outside it.

Granian gives each request a thread, and there are hundreds of them. Only as many as there are *slots* are inside
Django at once, and a slot, not a thread, owns a database connection. A producer that asks `GET outputs/{id}/?wait=55`
leaves its slot while nothing is decided, so that five hundred waiting clients cost a sleeping thread each and nothing
else. One connection per process listens on the channel `countersign_resolved` and wakes those concerned.

The application says that waiting makes sense by a header `X-Countersign-Wait: OUTPUT-ID [SECONDS]`, seconds being the
time until the decision there is becomes final. The header never leaves this door.
"""

import re
import select
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from queue import LifoQueue, SimpleQueue
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from django.core.cache import caches
from django.db import connections
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from governance.project.resolutions import Resolutions

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

WAIT_HEADER = "X-Countersign-Wait"
LONGEST_WAIT = 55.0  # seconds
_WAITABLE = re.compile(r"^/api/v1/outputs/([0-9a-f-]{36})/$")


class Slot:
    """A place inside Django with its own database connection and cache client, used by one thread at a time."""

    def __init__(self) -> None:
        self.database = connections.create_connection("default")
        self.database.inc_thread_sharing()
        self.cache = caches.create_connection("default")

    def __enter__(self) -> None:
        self._drop_dead_connection()
        connections["default"] = self.database
        caches["default"] = self.cache

    def __exit__(self, *_: object) -> None:
        del connections["default"]
        del caches["default"]

    def _drop_dead_connection(self) -> None:
        # A server that went away has said so on the socket, and a look there costs a fiftieth of a query.
        link = self.database.connection
        if link is None:
            return
        news = select.poll()
        if not link.closed:
            news.register(link.fileno(), select.POLLIN)
        if link.closed or (news.poll(0) and not self.database.is_usable()):
            self.database.close()


class Answer:
    """What the application answered, complete, so that it can be sent when the slot is free again."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body: Iterable[bytes] = ()

    def begin(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        """The `start_response` handed to the application."""
        self.status, self.headers = status, headers

    def wait(self) -> float | None:
        """Seconds until the answer changes by itself, infinity when unknown; None when there is nothing to wait for."""
        for name, value in self.headers:
            if name == WAIT_HEADER:
                _, _, seconds = value.partition(" ")
                return float(seconds) if seconds else float("inf")
        return None

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the answer to the server, without what was meant for this door only."""
        start_response(self.status, [pair for pair in self.headers if pair[0] != WAIT_HEADER])
        return self.body


class Stream:
    """A long answer: it has a slot to itself while it lasts, and only a few of them run in a process."""

    def __init__(self, response: StreamingHttpResponse, slots: "LifoQueue[Slot]") -> None:
        self.response, self.slots, self.slot = response, slots, slots.get()
        self.chunks, self.is_closed = iter(response), False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self.slot:
            return next(self.chunks)

    def close(self) -> None:
        """End the answer; the server calls it also when the client went away. Its slot is given back once."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            with self.slot:
                self.response.close()
        finally:
            self.slots.put(self.slot)


class Door:
    """The WSGI application: `application` behind `slots` slots, with at most `waiters` requests waiting outside."""

    def __init__(self, application: Application, *, slots: int, waiters: int, streams: int, largest_body: int) -> None:
        self.application, self.largest_body = application, largest_body
        self.slots: SimpleQueue[Slot] = SimpleQueue()
        for _ in range(slots):
            self.slots.put(Slot())
        # The one used last comes first: a new connection costs what a batch of a hundred outputs does.
        self.streams: LifoQueue[Slot] = LifoQueue()
        for _ in range(streams):
            self.streams.put(Slot())
        self.waiting, self.waiters, self.count = 0, waiters, Lock()
        self.resolutions = Resolutions()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self._take_body(environ)
        output = self._awaited(environ)
        if output is None or not self._enter():
            return self._answer(environ).send(start_response)
        try:
            return self._answer_when_resolved(environ, *output).send(start_response)
        finally:
            with self.count:
                self.waiting -= 1

    def _answer(self, environ: Environ) -> Answer:
        answer = Answer()
        slot = self.slots.get()
        try:
            with slot:
                response = self.application(environ, answer.begin)
                if isinstance(response, HttpResponseBase) and not response.streaming:
                    answer.body = list(response)
                    response.close()
                    return answer
        finally:
            self.slots.put(slot)
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            answer.body = Stream(response, self.streams)
        else:
            answer.body = response
        return answer

    def _answer_when_resolved(self, environ: Environ, output: str, seconds: float) -> Answer:
        until = time.monotonic() + seconds
        # Listening begins before the first look, else a decision between the two would wake nobody.
        with self.resolutions.listen(output) as news:
            while True:
                answer = self._answer(environ)
                changes_in, left = answer.wait(), until - time.monotonic()
                if changes_in is None or left <= 0:
                    return answer
                news.wait(min(changes_in, left))

    def _enter(self) -> bool:
        with self.count:
            if self.waiting >= self.waiters:
                return False
            self.waiting += 1
            return True

    def _take_body(self, environ: Environ) -> None:
        # A slow upload must not hold a slot. A body over the limit is refused by the application, unread.
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return
        if 0 < length <= self.largest_body:
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))

    def _awaited(self, environ: Environ) -> tuple[str, float] | None:
        """The output waited for and how long, or None for any other request."""
        query = environ.get("QUERY_STRING", "")
        if "wait=" not in query or environ["REQUEST_METHOD"] != "GET":
            return None
        match = _WAITABLE.match(environ["PATH_INFO"])
        asked = parse_qs(query).get("wait", [""])[-1]
        if match is None or not asked.isascii() or not asked.isdigit():
            return None
        return match[1], min(float(asked), LONGEST_WAIT)
