"""PostgreSQL's binary COPY format, as far as intake's columns need it. Pure.

Source: the chapter on COPY of PostgreSQL's manual, "Binary Format". Fields are length and bytes, big-endian.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_length = struct.Struct(">i").pack
_small = struct.Struct(">ih").pack
_whole = struct.Struct(">ii").pack
_moment = struct.Struct(">iq").pack
TRUE: Final = b"\0\0\0\1\1"
FALSE: Final = b"\0\0\0\1\0"


def count(columns: int) -> bytes:
    """What a row begins with."""
    return struct.pack(">h", columns)


def data(value: bytes | None) -> bytes:
    """A text (in UTF-8), bytea or uuid field."""
    return NULL if value is None else _length(len(value)) + value


def text(value: str | None) -> bytes:
    return NULL if value is None else data(value.encode())


def whole(value: int | None) -> bytes:
    """An integer field of 32 bits."""
    return NULL if value is None else _whole(4, value)


def large(value: int | None) -> bytes:
    """An integer field of 64 bits."""
    return NULL if value is None else _moment(8, value)


def small(value: int) -> bytes:
    """An integer field of 16 bits."""
    return _small(2, value)


def boolean(value: bool) -> bytes:
    return TRUE if value else FALSE


def moment(value: datetime | None) -> bytes:
    """A timestamp with time zone: microseconds since 2000."""
    if value is None:
        return NULL
    past = value - _EPOCH
    return _moment(8, (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds)
