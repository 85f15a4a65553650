"""Decisions as an Apache Parquet file, written while it is read: a row group a few thousand rows, zstd.

The writer wants a reader to pull from and a file to write to; a thread of its own sits between, which touches no
database: chunks go in by a queue of one, bytes come out as they are ready.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any, Final

import msgspec
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

_TEXT, _TRUTH, _WHOLE, _MOMENT = DataType.utf8(), DataType.bool(), DataType.int64(), DataType.timestamp("us", tz="UTC")
_TYPES: Final[dict[str, DataType]] = {
    "id": _TEXT, "system": _TEXT, "item": _TEXT, "output": _TEXT, "external_id": _TEXT, "reviewer": _TEXT,
    "simulated": _TRUTH, "round": _WHOLE, "seat": _WHOLE, "verdict": _TEXT, "correction": _TEXT, "reasons": _TEXT,
    "comment": _TEXT, "correct": _TRUTH, "blind": _TRUTH, "ai_said": _TEXT, "person_said": _TEXT,
    "confidence": DataType.float64(), "rule": _TEXT, "model_version": _TEXT, "policy": _WHOLE, "decided_at": _MOMENT,
    "final_at": _MOMENT, "undone_at": _MOMENT, "took_ms": _WHOLE, "supersedes": _TEXT, "superseded_by": _TEXT,
}  # fmt: skip
COLUMNS: Final = tuple(_TYPES)
GROUP: Final = 10_000
_encode = msgspec.json.Encoder(enc_hook=str).encode
Chunk = list[dict[str, Any]]


def flat(row: dict[str, Any], column: str) -> Any:
    """What a row says in a column of a table: texts, numbers, truths and times only; None where it says nothing."""
    who = row["reviewer"]
    if column == "reviewer":
        return str(who["name"] or who["id"])
    if column == "simulated":
        return who["simulated"]
    value = row[column]
    if column == "reasons":
        return " ".join(value)
    if column == "correction":
        return None if value is None else _encode(value).decode()
    return value


class _Sink(io.BytesIO):
    """Where the writer writes: what it wrote waits in a list for whoever streams it."""

    def __init__(self) -> None:
        self.ready: deque[bytes] = deque()

    def write(self, data: Any) -> int:
        self.ready.append(bytes(data))
        return len(data)

    def writable(self) -> bool:
        return True

    def take(self) -> bytes:
        parts = [self.ready.popleft() for _ in range(len(self.ready))]
        return b"".join(parts)


def as_parquet(chunks: Iterator[Chunk], columns: Sequence[str]) -> Iterator[bytes]:
    """The file, piece by piece. Times are microseconds in UTC; a correction is JSON; reasons are joined by blanks."""
    schema = Schema([Field(name, _TYPES[name], nullable=True) for name in columns])
    sink, passed = _Sink(), Queue[RecordBatch | None](maxsize=1)
    batches = iter(passed.get, None)

    def write() -> None:
        try:
            reader = RecordBatchReader.from_batches(schema, batches)
            write_parquet(reader, sink, compression="zstd(3)", max_row_group_size=GROUP)
        finally:
            deque(batches, maxlen=0)  # after a failure what still comes is passed over, so that nobody waits for ever

    with ThreadPoolExecutor(1, "parquet") as pool:
        writing = pool.submit(write)
        try:
            for rows in chunks:
                passed.put(_batch(rows, schema, columns))
                if ready := sink.take():
                    yield ready
        finally:
            passed.put(None)
        writing.result()
    yield sink.take()


def _batch(rows: Chunk, schema: Schema, columns: Sequence[str]) -> RecordBatch:
    return RecordBatch.from_arrays([_array(name, [flat(row, name) for row in rows]) for name in columns], schema=schema)


def _array(name: str, values: list[Any]) -> Array:
    type = _TYPES[name]
    if type == _MOMENT:
        moments = [None if value is None else round(value.timestamp() * 1_000_000) for value in values]
        return Array(moments, _WHOLE).cast(_MOMENT)
    if type == _TEXT:
        return Array([None if value is None else str(value) for value in values], _TEXT)
    return Array(values, type)
