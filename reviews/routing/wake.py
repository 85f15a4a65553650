"""Calling the router: one message for however many outputs arrive before it comes."""

from __future__ import annotations

import logging
import time
from threading import Event, Lock, Thread
from typing import Final

from django.core.cache import cache
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from reviews.routing.calling import CALL_SECONDS, CALLED
from reviews.routing.tasks import route_waiting

QUIET_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)
_quiet_until = 0.0

# A process calls at most fifty times a second, however much comes in: the router gathers for longer than that anyway.
PAUSE_SECONDS: Final = 0.02
_wanted = Event()
_starting = Lock()
_caller: Thread | None = None


def wake() -> bool:
    """Tells a worker that items wait; whether this call sent a message. For doors, after their commit.

    A broker that is gone costs one failed attempt every two seconds: the schedule finds what waits.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        if not cache.add(CALLED, 1, timeout=CALL_SECONDS):
            return False
        route_waiting.apply_async(retry=False)
    except (RedisError, KombuError, OSError) as error:
        _quiet_until = time.monotonic() + QUIET_SECONDS
        _log.warning("The router could not be called (%s); the schedule will find what waits.", type(error).__name__)
        return False
    return True


def wake_soon() -> None:
    """Has a thread of this process `wake` the router at once, so that no request waits for Redis."""
    global _caller
    _wanted.set()
    if _caller is None or not _caller.is_alive():  # the first time, and after a fork
        with _starting:
            if _caller is None or not _caller.is_alive():
                _caller = Thread(target=_call_whenever_wanted, name="router caller", daemon=True)
                _caller.start()


def _call_whenever_wanted() -> None:
    while True:
        _wanted.wait()
        _wanted.clear()
        wake()
        time.sleep(PAUSE_SECONDS)
