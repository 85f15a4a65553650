"""Taking decisions away: the stream of an export with its evidence. One entry before the first byte says who takes
what, one after the last says how much it was; a stream that broke off says that too."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import redis
from django.core.cache import cache
from django.db import transaction

from governance import clock
from governance.evidence.record import Draft, record
from governance.people.actors import Actor
from reviews.decisions import export
from reviews.decisions.parquet import COLUMNS
from reviews.models.decisions import DecisionQuerySet

KEPT_SECONDS: Final = 3600


def columns_of(asked: Sequence[str]) -> list[str]:
    """The columns that were asked for, in their order; all of them when none was. Unknown names are left out."""
    return [name for name in COLUMNS if name in asked] or list(COLUMNS)


def stream(
    decisions: DecisionQuerySet, *, format: str, asked: Mapping[str, str], columns: Sequence[str], by: Actor,
    system: UUID | None = None, token: str = "",
) -> Iterator[bytes]:  # fmt: skip
    """The decisions in this format. The entry is written before this returns, so that nothing is taken without one.
    Under `token` the number of decisions written so far can be asked for (`progress`)."""
    begun = _begun(format, asked, columns, by=by, system=system, id=clock.new_id())
    return _told(decisions, format, columns, by=by, system=system, begun=begun, token=token)


@transaction.atomic
def _begun(
    format: str, asked: Mapping[str, str], columns: Sequence[str], *, by: Actor, system: UUID | None, id: UUID
) -> Draft:
    detail = {"format": format, "columns": list(columns), "filters": sorted(asked)}
    filters = json.dumps(dict(sorted(asked.items())), ensure_ascii=False).encode()
    return record(
        "decisions_exported",
        actor=by,
        kind="export",
        id=id,
        system=system,
        detail=detail,
        payloads={"filters": filters},
    )


@transaction.atomic
def _ended(begun: Draft, detail: Mapping[str, Any], *, by: Actor, system: UUID | None) -> None:
    record(
        "decisions_export_ended", actor=by, kind="export", id=begun.subject, system=system, detail=dict(detail),
        causes=[begun.hash.hex()],
    )  # fmt: skip


def _told(
    decisions: DecisionQuerySet, format: str, columns: Sequence[str], *, by: Actor, system: UUID | None, begun: Draft,
    token: str,
) -> Iterator[bytes]:  # fmt: skip
    rows, size, digest, is_whole = [0], 0, hashlib.sha256(), False

    def counted() -> export.Rows:
        for chunk in export.chunks(decisions, by):
            rows[0] += len(chunk)
            _note(token, {"rows": rows[0]})
            yield chunk

    try:
        for piece in export.FORMATS[format](counted(), columns):
            size += len(piece)
            digest.update(piece)
            yield piece
        is_whole = True
    finally:
        detail = {"rows": rows[0], "bytes": size, "sha256": digest.hexdigest(), "complete": is_whole}
        _ended(begun, detail, by=by, system=system)
        _note(token, {**detail, "entry": str(begun.id)})


def fresh_token() -> str:
    """A name under which the page asks how far its download is."""
    return secrets.token_urlsafe(16)


def progress(token: str) -> dict[str, Any]:
    """How many `rows` were written so far, and `bytes`, `sha256`, `complete`, `entry` at the end; empty while nobody
    has begun, or when nobody remembers."""
    with contextlib.suppress(redis.RedisError):
        return cache.get(f"export:{token}") or {}
    return {}


def _note(token: str, said: dict[str, Any]) -> None:
    # How far it is, is a comfort; without Redis the export goes on all the same.
    if token:
        with contextlib.suppress(redis.RedisError):
            cache.set(f"export:{token}", said, KEPT_SECONDS)
