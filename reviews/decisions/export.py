"""The whole history as a stream: read in keyset chunks, so that no long snapshot keeps vacuum from its work."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from governance.people.actors import Actor
from reviews.decisions import history, parquet
from reviews.models.decisions import DecisionQuerySet

CHUNK: Final = 1000
_encode = msgspec.json.Encoder(enc_hook=str).encode
# What a spreadsheet would run as a formula when a cell begins with it (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
Rows = Iterator[list[dict[str, Any]]]


def jsonl(chunks: Rows, columns: Sequence[str]) -> Iterator[bytes]:
    """One JSON object a line, newest first."""
    kept = {*columns, *({"reviewer"} if "simulated" in columns else ())}
    for rows in chunks:
        yield b"".join(_encode({name: row[name] for name in row if name in kept}) + b"\n" for row in rows)


def as_csv(chunks: Rows, columns: Sequence[str]) -> Iterator[bytes]:
    """RFC 4180 with a header, newest first. What a spreadsheet would run as a formula gets an apostrophe before it."""
    yield lines([columns])
    for rows in chunks:
        yield lines([[_cell(row, column) for column in columns] for row in rows])


FORMATS: Final[dict[str, Callable[[Rows, Sequence[str]], Iterator[bytes]]]] = {
    "jsonl": jsonl, "csv": as_csv, "parquet": parquet.as_parquet,
}  # fmt: skip
MEDIA_TYPES: Final = {
    "jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet",
}  # fmt: skip


def chunks(decisions: DecisionQuerySet, reader: Actor) -> Rows:
    """The decisions as this reader may see them, a thousand at a time, newest first."""
    decisions = decisions.with_what_is_around().order_by("-pk")
    after = decisions
    while rows := list(after[:CHUNK]):
        yield history.told(rows, reader)
        after = decisions.filter(pk__lt=rows[-1].pk)


def _cell(row: dict[str, Any], column: str) -> str:
    value = parquet.flat(row, column)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return harmless(value.isoformat() if hasattr(value, "isoformat") else str(value))


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def lines(rows: Sequence[Sequence[str]]) -> bytes:
    """The rows as CSV (RFC 4180)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()
