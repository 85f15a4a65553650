"""The whole log recomputed from its rows: what the stand-alone verifier checks of a bundle, asked of the database.

It uses the verifier's own code for entries, and adds what only the rows can show: columns that differ from the entry,
entries that neither have a place nor wait for one, heads and tiles that are not those of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.db import connection

from governance.evidence import leaf, log, merkle, note, tiles
from governance.evidence.bundle import OF_OUTPUTS
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.leaf import time_text
from governance.evidence.note import Key
from governance.evidence.verifier import Log, subtree_of, tree_of
from governance.models import LogCheckpoint, LogKey, LogTile, PolicyVersion

CHUNK: Final = 2_000
_SEALED: Final = """
SELECT s.index, e.id, e.at, e.type, e.subject, e.rev, e.leaf, e.leaf_hash
FROM governance_sealed s LEFT JOIN governance_entry e ON e.id = s.entry_id
WHERE s.index >= %s AND s.index < %s ORDER BY s.index
"""
_PENDING: Final = """
SELECT p.id, e.id, e.at, e.type, e.subject, e.rev, e.leaf, e.leaf_hash
FROM governance_pendingentry p LEFT JOIN governance_entry e ON e.id = p.entry_id ORDER BY p.id
"""
_LOST: Final = """
SELECT e.id, e.type FROM governance_entry e
WHERE NOT EXISTS (SELECT FROM governance_sealed s WHERE s.entry_id = e.id)
  AND NOT EXISTS (SELECT FROM governance_pendingentry p WHERE p.entry_id = e.id) LIMIT 50
"""
_PAYLOADS: Final = "SELECT entry_id, name, salt, content FROM governance_payload WHERE entry_id = ANY(%s)"
_CONTENTS: Final = """
SELECT output_id, salt_key, input, output_json, context, gate_inputs FROM governance_outputcontent
WHERE output_id = ANY(%s) AND octet_length(salt_key) > 0
"""
Say = Callable[[int, int], None]
Row = tuple[Any, ...]


class Rows:
    """What the verifier asks a bundle for, out of the tables. `load` brings the payloads of a chunk of entries."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = dict(PolicyVersion.objects.values_list("digest", "document"))
        self.payloads: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        if name.startswith("policies/"):
            document = self.policies.get(name[9:-5])
            return None if document is None else document.encode()
        return self.payloads.get(name)

    def load(self, rows: Iterable[Row]) -> None:
        found = [row for row in rows if row[1] is not None]
        hashes, judged = (
            {row[1]: bytes(row[7]).hex() for row in found},
            {row[4]: row for row in found if row[3] == "judged"},
        )
        self.payloads = {}
        with connection.cursor() as cursor:
            cursor.execute(_PAYLOADS, [list(hashes)])
            for entry, name, salt, content in cursor.fetchall():
                self._keep(hashes[entry], name, bytes(salt), bytes(content))
            cursor.execute(_CONTENTS, [list(judged)])
            for output, salt_key, *texts in cursor.fetchall():
                for name, text in zip(OF_OUTPUTS, texts, strict=True):
                    self._keep(hashes[judged[output][1]], name, leaf.salt_for(bytes(salt_key), name), text.encode())

    def _keep(self, hash: str, name: str, salt: bytes, content: bytes) -> None:
        self.payloads[f"payloads/{hash}/{name}"] = salt.hex().encode() + b"\n" + content


def verify(say: Say | None = None, *, trusted: Iterable[Key] = ()) -> dict[str, Any]:
    """Everything, in the order of the log: how many entries, and what does not verify.

    Without `trusted` keys those count that the log itself names. `say` hears how many entries are done, of how many.
    """
    head, say = log.head(), say or (lambda done, of: None)
    size = head.size if head else 0
    rows = Rows()
    found = Log(rows, head.origin if head else "")
    hashes = [_chunk(found, rows, chunk, start, say, size) for start, chunk in _sealed(size)]
    levels = tree_of(b"".join(hashes))
    if head is not None:
        _check_head(found, head, levels)
        _check_heads(found, head, levels, tuple(trusted) or own_keys())
    pending = _check_pending(found, rows, size)
    found.finish("all")
    return {
        "origin": found.origin, "entries": size, "pending": pending,
        "findings": [{"rule": rule, "where": where, "says": says} for rule, where, says in found.findings],
        "counts": dict(sorted(found.count.items())),
    }  # fmt: skip


def _sealed(size: int) -> Iterator[tuple[int, list[Row]]]:
    """The sealed rows chunk by chunk, each with the index that it begins with."""
    for start in range(0, size, CHUNK):
        with connection.cursor() as cursor:
            cursor.execute(_SEALED, [start, min(start + CHUNK, size)])
            yield start, cursor.fetchall()


def _chunk(found: Log, rows: Rows, chunk: list[Row], start: int, say: Say, size: int) -> bytes:
    """Checks some rows; their leaf hashes, joined, computed anew from their bytes."""
    rows.load(chunk)
    hashes = [check_row(found, row, f"entry {row[0]}") for row in chunk]
    wanted = range(start, min(start + CHUNK, size))
    if [row[0] for row in chunk] != [*wanted]:
        found.find("place", f"entries {wanted.start} to {wanted.stop - 1}", "not every place in the log has one entry")
    say(wanted.stop, size)
    return b"".join(hashes)


def check_row(found: Log, row: Row, where: str) -> bytes:
    """Checks one row of a chunk that was loaded; its leaf hash, computed anew from its bytes."""
    index, id, at, type, subject, rev, content, hash = row
    if id is None:
        found.find("row", where, "the entry that stood here is gone")
        return bytes(32)
    content = bytes(content)
    digest = leaf.leaf_hash(content)
    if digest != bytes(hash):
        found.find("row", where, "the hash that the database keeps is not the one of the entry")
    found.take(index, content, digest.hex())
    said = found.last
    columns = (str(id), time_text(at), type, str(subject), rev)
    if said and columns != (said["id"], said["at"], said["type"], said["subject"]["id"], said["subject"]["rev"]):
        found.find("row", where, "its columns say something else than the entry")
    return digest


def _check_head(found: Log, head: log.Head, levels: list[bytes]) -> None:
    """That the tiles and the root are those of the rows."""
    for level, hashes in enumerate(levels):
        count, full = len(hashes) // tiles.FULL, LogTile.objects.filter(level=level).order_by("number")
        numbers = []
        for number, kept in full.values_list("number", "hashes").iterator(64):
            numbers.append(number)
            if bytes(kept) != hashes[number * tiles.FULL : (number + 1) * tiles.FULL]:
                found.find("tile", f"tile/{level}/{tiles.path(number)}", "its hashes are not those of the entries")
        if numbers != [*range(count)]:
            found.find("tile", f"tile/{level}", "a tile is missing, or one too many is there")
        edge = head.edge[level] if level < len(head.edge) else b""
        if edge != hashes[count * tiles.FULL :]:
            found.find("tile", f"tile/{level}", "the hashes of its right edge are not those of the entries")
    if tiles.root(head.edge) != head.root or merkle.range_root(0, head.size, _subtree(levels)) != head.root:
        found.find("root", "head", "the entries do not lead to the root that the database keeps")


def _check_heads(found: Log, head: log.Head, levels: list[bytes], keys: tuple[Key, ...]) -> None:
    """That every signed head is signed by a key of this log and is a beginning of it."""
    newest, subtree = 0, _subtree(levels)
    for checkpoint in LogCheckpoint.objects.order_by("size").iterator(CHUNK):
        newest, where = checkpoint.size, f"head {checkpoint.size}"
        try:
            said = Checkpoint.parse(note.open(checkpoint.note, keys).text)
        except (note.NotVerified, ValueError) as error:
            found.find("signature", where, error)
            continue
        is_this = said.origin == head.origin and said.size == checkpoint.size <= head.size
        if not is_this or said.root != bytes(checkpoint.root) or merkle.range_root(0, said.size, subtree) != said.root:
            found.find("checkpoint", where, "it is not the head of the first entries of this log")
    if newest != head.size:
        found.find("checkpoint", "head", "the newest head is not signed")


def _check_pending(found: Log, rows: Rows, size: int) -> int:
    """That what waits is in order too, and that nothing neither waits nor has a place; how many wait."""
    with connection.cursor() as cursor:
        cursor.execute(_PENDING)
        waiting = cursor.fetchall()
        cursor.execute(_LOST)
        for id, type in cursor.fetchall():
            found.find("place", f"entry ({type}, {id})", "it has no place in the log and does not wait for one")
    for start in range(0, len(waiting), CHUNK):
        chunk = waiting[start : start + CHUNK]
        rows.load(chunk)
        for offset, row in enumerate(chunk):
            check_row(found, (size + start + offset, *row[1:]), f"waiting entry {start + offset}")
    return len(waiting)


def own_keys() -> tuple[Key, ...]:
    """The keys that the log itself names, those retired too."""
    return tuple(Key.parse(text) for text in LogKey.objects.values_list("text", flat=True))


def _subtree(levels: list[bytes]) -> merkle.Subtree:
    return subtree_of(lambda level, number: levels[level][number * tiles.FULL : (number + 1) * tiles.FULL])
