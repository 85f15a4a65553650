"""The whole history as a stream: read in keyset chunks, so that no long snapshot keeps vacuum from its work."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from governance.people.actors import Actor
from reviews.decisions import history
from reviews.models.decisions import DecisionQuerySet

CHUNK: Final = 1000
COLUMNS: Final = (
    "id", "system", "item", "output", "external_id", "reviewer", "simulated", "round", "seat", "verdict", "correction",
    "reasons", "comment", "correct", "blind", "ai_said", "person_said", "confidence", "rule", "model_version", "policy",
    "decided_at", "final_at", "undone_at", "took_ms", "supersedes", "superseded_by",
)  # fmt: skip
_encode = msgspec.json.Encoder(enc_hook=str).encode
# What a spreadsheet would run as a formula when a cell begins with it (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def jsonl(decisions: DecisionQuerySet, reader: Actor) -> Iterator[bytes]:
    """One JSON object a line, newest first."""
    for rows in _chunks(decisions, reader):
        yield b"".join(_encode(row) + b"\n" for row in rows)


def as_csv(decisions: DecisionQuerySet, reader: Actor) -> Iterator[bytes]:
    """RFC 4180 with a header, newest first. What a spreadsheet would run as a formula gets an apostrophe before it."""
    yield _lines([COLUMNS])
    for rows in _chunks(decisions, reader):
        yield _lines([[_cell(row, column) for column in COLUMNS] for row in rows])


FORMATS: Final[dict[str, Callable[[DecisionQuerySet, Actor], Iterator[bytes]]]] = {"jsonl": jsonl, "csv": as_csv}


def _chunks(decisions: DecisionQuerySet, reader: Actor) -> Iterator[list[dict[str, Any]]]:
    decisions = decisions.with_what_is_around().order_by("-pk")
    after = decisions
    while rows := list(after[:CHUNK]):
        yield history.told(rows, reader)
        after = decisions.filter(pk__lt=rows[-1].pk)


def _cell(row: dict[str, Any], column: str) -> str:
    who = row["reviewer"]
    flat = {**row, "reviewer": who["name"] or who["id"], "simulated": who["simulated"]}
    value = flat[column]
    if value is None:
        return ""
    if column == "reasons":
        value = " ".join(value)
    elif column == "correction":
        value = _encode(value).decode()
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, int | float):
        return str(value)
    return _harmless(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()
