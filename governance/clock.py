"""PostgreSQL's time, by which everything is dated that becomes a fact in the log or in a row: on whatever machine it is
made, and whatever the wall clock there says.

`read` asks. `now` does not: it is what PostgreSQL said last plus what has passed since by the machine's steady clock.
Each new connection and each output taken in says it anew, and intake has PostgreSQL refuse a time that is not its own.
"""

from __future__ import annotations

import os
import struct
import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import uuid_utils
from django.db import connection

_ASK: Final = "SELECT clock_timestamp()"
# This one goes on while a machine sleeps; where there is none, the steady clock that Python has.
_BOOT: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)
_TICKS: Final = 4096 * 1000  # a second
_CHANCE, _VARIANT = (1 << 62) - 1, 1 << 63
_pack = struct.Struct(">QQ").pack
_latest = 0
_heard: float | None = None  # seconds since 1970 by PostgreSQL's clock less those of the steady clock


def steady() -> float:
    """Seconds on a clock that nobody sets; from when they count means nothing."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


def hear(told: datetime, *, asked: float) -> None:
    """Keeps what PostgreSQL told as its time, in an answer to what was asked when `steady` was `asked`.

    It was so late at some moment between the two, so what is known is moved into these bounds and no further: a slow
    answer does not make a good clock worse.
    """
    global _heard
    seconds = told.timestamp()
    at_least, at_most = seconds - steady(), seconds - asked
    _heard = at_least if _heard is None else min(max(_heard, at_least), at_most)


def read() -> datetime:
    """PostgreSQL's time, by one query."""
    asked = steady()
    with connection.cursor() as cursor:
        cursor.execute(_ASK)
        told: datetime = cursor.fetchone()[0]
    hear(told, asked=asked)
    return told


def now() -> datetime:
    """PostgreSQL's time without a query, as exact as its last answer was quick."""
    return read() if _heard is None else datetime.fromtimestamp(_heard + steady(), UTC)


def new_id() -> UUID:
    """A UUIDv7 of `now`, later than all that this process made before: an entry's id tells its time, and that of other
    rows their order."""
    return UUID(bytes=_id_bytes())


def quick_id() -> uuid_utils.UUID:
    """The same in the form that is made sooner, for what comes by the thousand."""
    return uuid_utils.UUID(bytes=_id_bytes())


def _id_bytes() -> bytes:
    """RFC 9562, section 6.2, method 3: milliseconds, twelve bits of their fraction, and 62 random bits."""
    global _latest
    stamp = int((read().timestamp() if _heard is None else _heard + steady()) * _TICKS)
    if _latest - _TICKS < stamp <= _latest:  # further back, and it is the clock that was set
        stamp = _latest + 1
    _latest = stamp
    head = ((stamp >> 12) << 16) | 0x7000 | (stamp & 0xFFF)
    chance = int.from_bytes(os.urandom(8), "big") & _CHANCE | _VARIANT
    return _pack(head, chance)


def listen(*, connection: Any, **_: Any) -> None:
    """Called with each new connection: what it says is not counted among anybody's queries."""
    asked = steady()
    with connection.wrap_database_errors:
        hear(connection.connection.execute(_ASK).fetchone()[0], asked=asked)
