"""Sealing: entries that wait get their places, in one transaction with the tree they grow and the head that is signed.

Writers only insert; this gives the order afterwards. Any number of sealers may run: they wait for one another on the
row of the head. Nothing but PostgreSQL is needed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import connection, transaction

from governance.evidence import log, merkle, note, tiles
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Signer
from governance.evidence.record import record
from governance.models import LogCheckpoint, LogHead, LogKey, LogTile, PendingEntry
from governance.people.actors import machine

BATCH: Final = 5_000
SEALER: Final = machine("sealer")

# Lowest turn first: whoever cites an entry has written later, so causes always come before what they cause. Never from
# a remembered turn on: turns are drawn before the commit, and a late commit would be passed over.
_PLACE: Final = """
WITH taken AS (
    DELETE FROM governance_pendingentry
    WHERE id IN (SELECT id FROM governance_pendingentry ORDER BY id LIMIT %(limit)s)
    RETURNING id, entry_id
), numbered AS MATERIALIZED (
    SELECT t.entry_id, %(size)s::bigint + row_number() OVER (ORDER BY t.id) - 1 AS index, e.leaf_hash
    FROM taken t LEFT JOIN governance_entry e ON e.id = t.entry_id
), placed AS (
    INSERT INTO governance_sealed (index, entry_id, key)
    SELECT index, entry_id, coalesce(countersign_key(leaf_hash), 0) FROM numbered ORDER BY index
)
SELECT leaf_hash FROM numbered ORDER BY index
"""


class NotSealable(RuntimeError):
    """Sealing would sign something untrue, so it has stopped; the text says what was found."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What one round sealed: how many entries, and the signed head after them."""

    count: int
    size: int
    note: str


class Memory:
    """The last head that this sealer signed or accepted, kept in a file outside the database: a database that was set
    back to an older state cannot make it sign a second history."""

    def __init__(self, path: Path, origin: str) -> None:
        self.path, self.origin = path, origin

    def read(self) -> Checkpoint | None:
        """Raises NotSealable when the file is of another log or unreadable."""
        if not self.path.exists():
            return None
        try:
            kept = Checkpoint.parse(self.path.read_text())
        except (OSError, ValueError) as error:
            raise NotSealable(f"{self.path} should hold the last head of the log and does not.") from error
        if kept.origin != self.origin:
            raise NotSealable(f"{self.path} is of the log {kept.origin}, and this one is {self.origin}.")
        return kept

    def write(self, head: Checkpoint) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".fresh")
        with fresh.open("w") as file:
            file.write(head.text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self.path)


def log_id(origin: str) -> UUID:
    """The subject of the entries that are about the log itself."""
    return uuid5(NAMESPACE_URL, f"tlog:{origin}")


def seal(signers: Sequence[Signer], memory: Memory, *, limit: int = BATCH) -> Sealing | None:
    """Seals at most `limit` entries, oldest first, and signs the head after them; None when nothing waits.

    Raises NotSealable when the log is another one, was set back or changed since this sealer last looked, or an entry
    that waits is not there.
    """
    if not PendingEntry.objects.exists():
        return None
    with transaction.atomic():
        row = _held_head(memory.origin)
        before = log.of_row(row)
        _check(before, memory)
        leaves = _placed(before.size, limit)
        if not leaves:
            return None
        edge, full = tiles.append(before.size, before.edge, b"".join(leaves))
        after = Checkpoint(memory.origin, before.size + len(leaves), tiles.root(edge))
        signed = note.make(after.text, signers)
        LogTile.objects.bulk_create([LogTile(level=t.level, number=t.number, hashes=t.hashes) for t in full])
        LogCheckpoint.objects.create(size=after.size, root=after.root, note=signed)
        _move_head(after, edge)
    memory.write(after)
    return Sealing(len(leaves), after.size, signed)


def acknowledge(signers: Sequence[Signer], origin: str) -> bool:
    """Writes into the log which keys sign it, when they are others than before; whether they were.

    The entry names the public keys that came and went, so that a change of keys is itself sealed.
    """
    with transaction.atomic():
        _held_head(origin)
        now = {str(signer.key) for signer in signers}
        before = set(LogKey.objects.filter(retired_at=None).values_list("text", flat=True))
        if now == before:
            return False
        came, went = sorted(now - before), sorted(before - now)
        entry = record(
            "log_keys", actor=SEALER, kind="log", id=log_id(origin),
            detail={"keys": sorted(now), "added": came, "retired": went},
        )  # fmt: skip
        again = LogKey.objects.filter(text__in=came).update(retired_at=None, entry_id=entry.id)
        if again < len(came):
            LogKey.objects.bulk_create([LogKey(text=key, entry_id=entry.id) for key in came], ignore_conflicts=True)
        LogKey.objects.filter(text__in=went).update(retired_at=entry.at, entry_id=entry.id)
    return True


def _held_head(origin: str) -> LogHead:
    """The row of the head, locked until the transaction ends; made with the first entry."""
    row = LogHead.objects.select_for_update().first()
    if row is None:
        LogHead.objects.bulk_create([LogHead(origin=origin, root=merkle.EMPTY)], ignore_conflicts=True)
        row = LogHead.objects.select_for_update().get()
    if row.origin != origin:
        raise NotSealable(f"The log in this database is {row.origin}, and COUNTERSIGN_ORIGIN says {origin}.")
    return row


def _check(before: log.Head, memory: Memory) -> None:
    """That the log is the one this sealer left, or that one grown."""
    kept = memory.read()
    if kept is None:
        return
    if before.size < kept.size:
        raise NotSealable(
            f"The log has {before.size} entries, and {kept.size} were signed already: the database was set back to an "
            "older state. Signing on would make two histories under one name."
        )
    root = merkle.range_root(0, kept.size, log.tree(before)) if before.size > kept.size else before.root
    if root != kept.root:
        raise NotSealable(f"The first {kept.size} entries of the log are not those that were signed.")


def _placed(size: int, limit: int) -> list[bytes]:
    """The leaf hashes of the entries that got the next places, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, {"limit": limit, "size": size})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    if any(row[0] is None for row in rows):
        raise NotSealable("An entry waits for its seal that is not in the log: somebody has taken it away.")
    return [bytes(row[0]) for row in rows]


def _move_head(after: Checkpoint, edge: Sequence[bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE governance_loghead SET size = %s, root = %s, edge = %s, sealed_at = clock_timestamp()",
            [after.size, after.root, b"".join(edge)],
        )
