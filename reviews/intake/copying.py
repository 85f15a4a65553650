"""A chunk of dossiers into the tables by binary COPY, straight into the final tables since the ids are made here."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from governance.evidence.record import COLUMNS
from reviews.intake import wire
from reviews.intake.dossiers import Dossier, Setting

_ENTRY: Final = ("id", "at", "type", "subject_kind", "subject", "rev", "system", "leaf")
assert _ENTRY == COLUMNS  # noqa: S101  the order of the fields below
OUTPUT: Final = (
    "system_id", "received_at", "policy_id", "contract_version", "traceparent", "key", "revision",
    "model", "model_version", "prompt_version", "segment", "lane", "rule", "threshold", "propensity", "is_audit",
    "is_held", "is_breached", "status", "resolved_by", "final_at",
    "id", "entry_id", "body_digest", "confidence", "external_id", "case_key",
)  # fmt: skip
CONTENT: Final = ("output_id", "salt_key", "input", "output_json", "context", "gate_inputs", "verdict")
_ITEM: Final = (
    "system_id", "created_at", "round", "reviewers", "state", "priority", "route", "purpose", "is_blind",
    "id", "output_id", "entry_id",
)  # fmt: skip
_one_id = struct.Struct(">i16s").pack
_three_ids = struct.Struct(">i16si16si16s").pack
_ids_and_digest = struct.Struct(">i16si16si32s").pack
_id_and_salt = struct.Struct(">i16si32s").pack


def copy(dossiers: Sequence[Dossier], setting: Setting, *, now: datetime) -> None:
    """Writes the rows of all dossiers in the running transaction; `now` is PostgreSQL's time, and when outputs that the
    policy resolves are final. Raises IntegrityError when an external id is taken."""
    # The entries first: an output that comes without one is refused at once.
    _send("governance_entry", _ENTRY, _entries(dossiers, setting))
    _send("governance_output", OUTPUT, outputs(dossiers, setting, now))
    _send("governance_outputcontent", CONTENT, contents(dossiers))
    items = _items(dossiers, setting)
    if items:
        _send("reviews_item", _ITEM, items)


def _send(table: str, columns: tuple[str, ...], rows: Iterable[bytes]) -> None:
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement) as pipe:
        pipe.write(b"".join((wire.HEADER, *rows, wire.TRAILER)))


def _entries(dossiers: Sequence[Dossier], setting: Setting) -> list[bytes]:
    common = wire.moment(setting.at) + wire.text("judged") + wire.text("output")
    start, system = wire.count(len(_ENTRY)), wire.data(setting.system.bytes)
    after = wire.whole(1) + system
    return [
        b"".join((start, _one_id(16, d.entry.bytes), common, _one_id(16, d.id.bytes), after, wire.data(d.leaf)))
        for d in dossiers
    ]


def outputs(dossiers: Sequence[Dossier], setting: Setting, now: datetime) -> list[bytes]:
    force = setting.force
    start = (
        wire.count(len(OUTPUT))
        + wire.data(setting.system.bytes)
        + wire.moment(setting.at)
        + wire.data(force.version_id.bytes if force else None)
        + wire.text(force.contract.version if force else None)
        + wire.text(setting.traceparent)
        + wire.data(setting.key.bytes if setting.key else None)
        + wire.small(1)
    )
    known: dict[Any, bytes] = {}
    rows = []
    for d in dossiers:
        judged, body, verdict = d.judged, d.judged.arrival.body, d.judged.verdict
        alike = (
            body.model, body.model_version, body.prompt_version, verdict.lane, verdict.rule, verdict.threshold,
            verdict.propensity, verdict.is_audit, verdict.is_breached, judged.status,
        )  # fmt: skip
        middle = known.get(alike)
        if middle is None:
            middle = known[alike] = _said(d, now)
        confidence = judged.arrival.confidence
        rows.append(
            b"".join((
                start, middle, _ids_and_digest(16, d.id.bytes, 16, d.entry.bytes, 32, judged.arrival.digest),
                wire.whole(confidence), wire.text(body.external_id), wire.large(judged.case),
            ))
        )  # fmt: skip
    return rows


def _said(d: Dossier, now: datetime) -> bytes:
    """The fields that all outputs with the same model and the same verdict share."""
    judged, body, verdict = d.judged, d.judged.arrival.body, d.judged.verdict
    return (
        wire.text(body.model or "")
        + wire.text(body.model_version or "")
        + wire.text(body.prompt_version)
        + wire.text(verdict.segment)
        + wire.text(verdict.lane)
        + wire.text(verdict.rule)
        + wire.whole(verdict.threshold)
        + wire.whole(verdict.propensity)
        + wire.boolean(verdict.is_audit)
        + wire.boolean(verdict.is_held)
        + wire.boolean(verdict.is_breached)
        + wire.text(judged.status)
        + wire.text(judged.resolved_by)
        + wire.moment(now if judged.resolved_by else None)
    )


def contents(dossiers: Sequence[Dossier]) -> list[bytes]:
    start, data = wire.count(len(CONTENT)), wire.data
    return [
        b"".join((
            start, _id_and_salt(16, d.id.bytes, 32, d.salt_key), data(d.judged.arrival.input),
            data(d.judged.arrival.output), data(d.judged.arrival.context), data(d.gate_inputs), data(d.verdict),
        ))
        for d in dossiers
    ]  # fmt: skip


def _items(dossiers: Sequence[Dossier], setting: Setting) -> list[bytes]:
    start = (
        wire.count(len(_ITEM)) + wire.data(setting.system.bytes) + wire.moment(setting.at) + wire.small(1)
        + wire.small(1) + wire.text("open") + wire.small(0) + wire.data(b"\1{}")
    )  # fmt: skip
    return [
        b"".join((
            start, wire.text(d.judged.purpose), wire.boolean(d.judged.is_blind),
            _three_ids(16, d.item.bytes, 16, d.id.bytes, 16, d.entry.bytes),
        ))
        for d in dossiers
        if d.item is not None
    ]  # fmt: skip
