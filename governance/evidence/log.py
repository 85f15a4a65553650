"""Reading the sealed log: places, tiles, entry bundles, checkpoints and proofs. Changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from governance.evidence import merkle, note, tiles
from governance.evidence.checkpoint import Checkpoint
from governance.models import LogCheckpoint, LogHead, LogTile, Sealed
from governance.refusals import NotFound

_ENTRIES = """
SELECT e.leaf FROM governance_sealed s JOIN governance_entry e ON e.id = s.entry_id
WHERE s.index >= %s AND s.index < %s ORDER BY s.index
"""


# An entry's place, the newest head as it is signed, and the edge of the tree under it, all of one moment.
_STANDING = """
SELECT s.index, c.size, c.note || coalesce(w.lines, ''), h.origin, h.size, h.root, h.edge
FROM governance_sealed s
CROSS JOIN governance_loghead h
CROSS JOIN LATERAL (SELECT size, note FROM governance_logcheckpoint ORDER BY size DESC LIMIT 1) c
CROSS JOIN LATERAL (
    SELECT string_agg(line, '' ORDER BY id) AS lines FROM governance_cosignature WHERE checkpoint_id = c.size
) w
WHERE s.entry_id = %s
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The log as far as it is sealed."""

    origin: str
    size: int
    root: bytes
    edge: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is in the log: its place, the hashes beside its way to the root, and the head they lead to."""

    index: int
    path: list[bytes]
    note: str

    def as_text(self) -> str:
        """The receipt in C2SP tlog-proof form."""
        lines = [base64.b64encode(part).decode() for part in self.path]
        return "\n".join(["c2sp.org/tlog-proof@v1", f"index {self.index}", *lines, "", self.note])


def head() -> Head | None:
    """The head; None as long as nothing was ever sealed."""
    row = LogHead.objects.filter(size__gt=0).first()
    return of_row(row) if row else None


def of_row(row: LogHead) -> Head:
    return Head(row.origin, row.size, bytes(row.root), tuple(tiles.edge_of(row.size, bytes(row.edge))))


def latest_checkpoint() -> LogCheckpoint | None:
    return LogCheckpoint.objects.order_by("-size").first()


def head_of(checkpoint: LogCheckpoint) -> Checkpoint:
    """What a checkpoint says, its signatures unchecked."""
    return Checkpoint.parse(note.take_apart(checkpoint.note)[0])


def note_of(checkpoint: LogCheckpoint) -> str:
    """The signed checkpoint with the cosignatures that witnesses gave for it."""
    return checkpoint.note + "".join(checkpoint.cosignatures.order_by("id").values_list("line", flat=True))


def places(entries: Collection[UUID]) -> dict[UUID, int]:
    """The index of each of these entries that is sealed."""
    return dict(Sealed.objects.filter(entry__in=list(entries)).values_list("entry_id", "index"))


def tree(head: Head) -> merkle.Subtree:
    """The tree of the log as it stands at this head, read from its tiles."""

    def read(level: int, number: int) -> bytes:
        if level < len(head.edge) and number == head.size >> tiles.HEIGHT * (level + 1):
            return head.edge[level]
        return bytes(LogTile.objects.values_list("hashes", flat=True).get(level=level, number=number))

    return tiles.subtree_of(read)


def tile(level: int, number: int, width: int) -> bytes:
    """The first `width` hashes of a tile. Raises NotFound for what is not sealed that far."""
    now = head()
    full = LogTile.objects.filter(level=level, number=number).values_list("hashes", flat=True).first()
    if full is None:
        is_edge = now is not None and level < len(now.edge) and number == now.size >> tiles.HEIGHT * (level + 1)
        full = now.edge[level] if now is not None and is_edge else b""
    hashes = bytes(full)[: width * merkle.SIZE]
    if len(hashes) < width * merkle.SIZE:
        raise NotFound("The log has no such tile.")
    return hashes


def entries(start: int, end: int) -> list[bytes]:
    """The leaves from index `start` up to `end`, excluded."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, [start, end])
        return [bytes(row[0]) for row in cursor.fetchall()]


def entry_bundle(number: int, width: int) -> bytes:
    """The first `width` entries of a bundle of 256. Raises NotFound for what is not sealed that far."""
    start = number * tiles.WIDTH
    found = entries(start, start + width) if start < 2**62 else []
    if len(found) < width:
        raise NotFound("The log has no such entries.")
    return tiles.bundle(found)


def prove(entry: UUID) -> Proof | None:
    """The proof that an entry is in the log, under the newest checkpoint; None while it waits for its seal."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [entry])
        row = cursor.fetchone()
    if row is None:
        return None
    index, size, signed, origin, sealed, root, edge = row
    head = Head(origin, sealed, bytes(root), tuple(tiles.edge_of(sealed, bytes(edge))))
    return Proof(index, merkle.inclusion_proof(index, size, tree(head)), signed)


def prove_all(indexes: Collection[int], under: LogCheckpoint | None = None) -> dict[int, Proof]:
    """The proofs for these places, all under one checkpoint, the newest when none is given."""
    # The checkpoint first: whatever is sealed in between, the tree has grown past it and never lags behind.
    checkpoint = under or latest_checkpoint()
    now = head()
    if now is None or checkpoint is None:
        raise NotFound("Nothing is sealed yet.")
    subtree, signed = tree(now), note_of(checkpoint)
    return {
        index: Proof(index, merkle.inclusion_proof(index, checkpoint.size, subtree), signed)
        for index in sorted(indexes)
    }
