"""News of resolved outputs: one listening connection per process wakes whoever waits for one of them."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections

CHANNEL = "countersign_resolved"
_CHECK_SECONDS = 20.0  # how often a quiet connection is asked whether it still lives
_RETRY_SECONDS = 1.0
_BLIND_SECONDS = 2.0  # how long a waiter sleeps at most while nobody listens

_log = logging.getLogger(__name__)


class News:
    """What one waiting request sleeps on. Woken by news of its output, or when news may have been missed."""

    def __init__(self, resolutions: "Resolutions") -> None:
        self._resolutions = resolutions
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self, seconds: float) -> None:
        """Sleep until there is news, at most so many seconds."""
        if not self._resolutions.is_listening:
            seconds = min(seconds, _BLIND_SECONDS)
        self._bell.acquire(timeout=max(seconds, 0.001))

    def ring(self) -> None:
        """Wake the waiting request; one that is not asleep yet will not fall asleep. Only the listener rings."""
        if self._bell.locked():
            self._bell.release()


class Resolutions:
    """Requests waiting for outputs, by output id, and the thread that hears of them."""

    def __init__(self) -> None:
        self.is_listening = False
        self._waiting: dict[str, set[News]] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._first_try = threading.Event()

    @contextmanager
    def listen(self, output: str) -> Iterator[News]:
        """News of one output from now on, for as long as the block lasts."""
        news = News(self)
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._hear, name="resolutions", daemon=True)
                self._thread.start()
            self._waiting.setdefault(output, set()).add(news)
        self._first_try.wait()
        try:
            yield news
        finally:
            with self._guard:
                waiting = self._waiting[output]
                waiting.discard(news)
                if not waiting:
                    del self._waiting[output]

    def _hear(self) -> None:
        while True:
            try:
                self._hear_until_lost()
            except psycopg.Error as error:
                _log.warning("the connection that hears of resolutions was lost: %s", type(error).__name__)
            self.is_listening = False
            self._first_try.set()
            time.sleep(_RETRY_SECONDS)

    def _hear_until_lost(self) -> None:
        parameters = connections.create_connection("default").get_connection_params()
        wanted = {key: parameters[key] for key in ("host", "port", "dbname", "user", "password") if parameters.get(key)}
        with psycopg.connect(
            **wanted, autocommit=True, connect_timeout=5, application_name="countersign waiting"
        ) as link:
            link.execute(f"LISTEN {CHANNEL}")
            self.is_listening = True
            if self._first_try.is_set():
                self._ring_all()  # what happened while nobody listened is not known
            self._first_try.set()
            while True:
                for notification in link.notifies(timeout=_CHECK_SECONDS):
                    self._ring(notification.payload.partition(" ")[0])
                link.execute("SELECT 1")

    def _ring(self, output: str) -> None:
        with self._guard:
            for news in self._waiting.get(output, ()):
                news.ring()

    def _ring_all(self) -> None:
        with self._guard:
            for group in self._waiting.values():
                for news in group:
                    news.ring()
