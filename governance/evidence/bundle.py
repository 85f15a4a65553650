"""Bundles: the sealed log, or a part of it with proofs, as one zip file that anybody can check without us.

The same log and the same selection give the same bytes: names are sorted and times fixed. Nothing is read under a long
snapshot, since that would slow down every claim meanwhile.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

from django.db import connection

from governance.evidence import controls, counting, leaf, log, tiles
from governance.evidence.leaf import time_text
from governance.models import Entry, LogCheckpoint, LogKey, LogTile, PolicyVersion, Sealed
from governance.refusals import Conflict

CHUNK: Final = 2_000
HEADS: Final = 64
OF_OUTPUTS: Final = ("input", "output", "context", "gate_inputs")
_README: Final = """A bundle of evidence, made by Countersign.

To check it you need Python 3.11 or newer and nothing else:

    python verify.py BUNDLE.zip --trust KEYFILE

KEYFILE holds the public key of the log, one line. Get it from the people who run the log by another way than this file:
whoever can make a bundle can also put a key and a verify.py into it. The program is one file, to be read in an hour:
compare it with a copy that you trust, or write your own: the formats are public (RFC 9162, RFC 8785, and of C2SP
signed-note, tlog-checkpoint, tlog-tiles, tlog-proof).

  manifest.json     what this bundle is
  checkpoint        the signed head of the log that everything here leads to
  checkpoints.txt   earlier heads
  controls.json     which requirements of laws and standards each type of entry has to do with (counts: manifest.json)
  keys.txt          the public keys that the log signs with, for comparison only
  tile/             the hashes of the log and its entries, in the layout of tlog-tiles (a bundle of the whole log)
  entries/, proofs/ single entries, each with its proof (a selection)
  policies/         the policy documents, each under its SHA-256
  payloads/         what entries commit to, as far as it is disclosed: a line with the salt in hex, then the content
  verify.py         checks all of it
"""
_PAYLOADS: Final = """
SELECT e.leaf_hash, p.name, p.salt, p.content
FROM governance_payload p JOIN governance_entry e ON e.id = p.entry_id JOIN governance_sealed s ON s.entry_id = e.id
WHERE s.key >= %(key)s AND (e.leaf_hash, p.name) > (%(hash)s, %(name)s) AND s.index < %(size)s
  AND (%(all)s OR s.key = ANY(%(wanted)s)) AND (%(names)s::text[] IS NULL OR p.name = ANY(%(names)s))
ORDER BY s.key, e.leaf_hash, p.name LIMIT %(limit)s
"""
_CONTENTS: Final = """
SELECT e.leaf_hash, c.salt_key, c.input, c.output_json, c.context, c.gate_inputs
FROM governance_entry e JOIN governance_outputcontent c ON c.output_id = e.subject
JOIN governance_sealed s ON s.entry_id = e.id
WHERE s.key >= %(key)s AND e.leaf_hash > %(hash)s AND e.type = 'judged' AND s.index < %(size)s
  AND octet_length(c.salt_key) > 0
  AND (%(all)s OR s.key = ANY(%(wanted)s))
ORDER BY s.key, e.leaf_hash LIMIT %(limit)s
"""
Say = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries: written from `since` up to `until`, in `system`, or about one of `subjects`; with them comes all
    that they cite. Nothing given is the whole log."""

    since: datetime | None = None
    until: datetime | None = None
    system: UUID | None = None
    subjects: frozenset[UUID] = frozenset()

    @property
    def is_whole(self) -> bool:
        return self == Selection()


def write(
    file: BinaryIO, selection: Selection, *, payloads: str = "all", system: str | None = None, say: Say | None = None,
    most: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Writes the bundle and returns its manifest. `payloads` is what is disclosed: all, gate (what the policy's
    conditions read) or none. `say` hears after each file how many steps are done, of how many. Raises Conflict when
    nothing is sealed, something was erased meanwhile, or a selection has more than `most` entries."""
    checkpoint = log.latest_checkpoint()
    if checkpoint is None:
        raise Conflict("Nothing is sealed yet, so there is nothing to hand out.")
    before = erasures()
    say = say or (lambda done, of: None)
    chosen = None if selection.is_whole else _chosen(selection, checkpoint.size, most)
    manifest: dict[str, Any] = {
        "format": "countersign-bundle@1", "kind": "whole" if chosen is None else "selection", "payloads": payloads,
        "origin": log.head_of(checkpoint).origin, "size": checkpoint.size,
        "entries": checkpoint.size if chosen is None else len(chosen), "system": system,
        "from": time_text(selection.since) if selection.since else None,
        "to": time_text(selection.until) if selection.until else None,
    }  # fmt: skip
    manifest |= {
        "controls": hashlib.sha256(controls.as_json()).hexdigest(),
        "types": {name: [count, newest] for name, (count, newest) in sorted(_types(chosen, checkpoint.size).items())},
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        steps = _steps(checkpoint.size if chosen is None else len(chosen), is_whole=chosen is None)
        for name, content in _members(checkpoint, chosen, manifest, payloads):
            _put(archive, name, content)
            say(*steps(name))
    if payloads != "none" and erasures() != before:
        raise Conflict("Something was erased while the bundle was written; write it again.")
    return manifest


def _members(
    checkpoint: LogCheckpoint, chosen: dict[bytes, Chosen] | None, manifest: dict[str, Any], payloads: str
) -> Iterator[tuple[str, bytes]]:
    """The files of the bundle by name, in the order of their names."""
    heads = "" if chosen is not None else "\n\n".join(_heads(checkpoint.size))
    yield "README.txt", _README.encode()
    yield "checkpoint", log.note_of(checkpoint).encode()
    yield "checkpoints.txt", heads.encode()
    yield "controls.json", controls.as_json()
    if chosen is not None:
        for each in sorted(chosen.values(), key=lambda one: str(one.id)):
            yield f"entries/{each.id}.json", each.content
    yield (
        "keys.txt",
        "".join(f"{key}\n" for key in LogKey.objects.order_by("text").values_list("text", flat=True)).encode(),
    )
    yield "manifest.json", json.dumps(manifest, indent=2, sort_keys=True).encode()
    if payloads != "none":
        yield from _disclosed(checkpoint.size, chosen, None if payloads == "all" else ["gate_inputs"])
    for digest, document in _policies(chosen):
        yield f"policies/{digest}.json", document.encode()
    if chosen is None:
        yield from _tiles(checkpoint.size)
    else:
        proofs = log.prove_all([each.index for each in chosen.values()], checkpoint)
        for each in sorted(chosen.values(), key=lambda one: str(one.id)):
            yield f"proofs/{each.id}.tlog-proof", proofs[each.index].as_text().encode()
    yield "verify.py", Path(__file__).with_name("verifier.py").read_bytes()


def _steps(entries: int, *, is_whole: bool) -> Callable[[str], tuple[int, int]]:
    """How far the writing is once the file of this name is there. Two steps an entry: its content, which comes in the
    order of hashes, and the entry itself or its proof, whichever is written later."""
    last, each, read, written = ("tile/entries/", tiles.WIDTH, 0, 0) if is_whole else ("proofs/", 1, 0, 0)

    def after(name: str) -> tuple[int, int]:
        nonlocal read, written
        if name.startswith("payloads/"):
            read = entries * int(name[9:17], 16) // 2**32
        elif name.startswith(last):
            read, written = entries, min(written + each, entries)
        return read + written, 2 * entries

    return after


@dataclass(frozen=True, slots=True)
class Chosen:
    """An entry with its place and its bytes."""

    id: UUID
    index: int
    content: bytes


def _chosen(selection: Selection, size: int, most: int | None) -> dict[bytes, Chosen]:
    """The entries chosen and all that they cite, by their hashes, as far as they are sealed under this size."""
    found: dict[bytes, Chosen] = {}
    entries = Entry.objects.all()
    if selection.subjects:
        entries = entries.filter(subject__in=selection.subjects)
    if selection.system:
        entries = entries.filter(system=selection.system)
    if selection.since:
        entries = entries.filter(at__gte=selection.since)
    if selection.until:
        entries = entries.filter(at__lt=selection.until)
    open = [bytes(hash) for hash in entries.values_list("leaf_hash", flat=True).iterator(CHUNK)]
    while open:
        rows = sealed(open[:CHUNK], size)
        open = open[CHUNK:]
        fresh = {hash: one for hash, one in rows.items() if hash not in found}
        found |= fresh
        if most is not None and len(found) > most:
            raise Conflict(
                f"That is more than {most:,} entries. Choose fewer days or one system, or take the whole log."
            )
        cited = {hash for one in fresh.values() for hash in cited_by(json.loads(one.content))}
        open += [hash for hash in cited if hash not in found]
    return found


def sealed(hashes: Sequence[bytes], size: int) -> dict[bytes, Chosen]:
    """The entries of these hashes that are sealed under this size, by their hashes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.leaf_hash, e.id, s.index, e.leaf FROM governance_entry e JOIN governance_sealed s"
            " ON s.entry_id = e.id WHERE s.key = ANY(%s) AND e.leaf_hash = ANY(%s) AND s.index < %s",
            [[Sealed.key_of(hash) for hash in hashes], list(hashes), size],
        )
        return {bytes(hash): Chosen(id, index, bytes(content)) for hash, id, index, content in cursor.fetchall()}


def cited_by(entry: dict[str, Any]) -> list[bytes]:
    """The hashes that an entry names: its causes, the one before it, and what put its policy in force."""
    named = [*entry["causes"], entry["subject"]["prev"], entry.get("policy", {}).get("entry")]
    return [bytes.fromhex(hash) for hash in named if hash]


def _types(chosen: dict[bytes, Chosen] | None, size: int) -> dict[str, tuple[int, int]]:
    """Of each type how many entries the bundle has, and the place of the newest."""
    if chosen is None:
        return counting.in_log(size)
    found: dict[str, tuple[int, int]] = {}
    for each in chosen.values():
        type = json.loads(each.content)["type"]
        count, newest = found.get(type, (0, 0))
        found[type] = (count + 1, max(newest, each.index))
    return found


def _heads(size: int) -> list[str]:
    """Earlier heads: some spread evenly, and all that a witness has signed."""
    every = LogCheckpoint.objects.filter(size__lt=size)
    sizes = list(every.order_by("size").values_list("size", flat=True))
    spread = {sizes[at * len(sizes) // HEADS] for at in range(HEADS)} if len(sizes) > HEADS else set(sizes)
    spread |= set(every.filter(cosignatures__isnull=False).values_list("size", flat=True))
    return [log.note_of(each) for each in LogCheckpoint.objects.filter(size__in=spread).order_by("size")]


def _policies(chosen: dict[bytes, Chosen] | None) -> Iterable[tuple[str, str]]:
    documents = PolicyVersion.objects.order_by("digest").values_list("digest", "document")
    if chosen is not None:
        named = {json.loads(each.content).get("policy", {}).get("digest") for each in chosen.values()}
        documents = documents.filter(digest__in=named - {None})
    return dict(documents).items()


def _disclosed(size: int, chosen: dict[bytes, Chosen] | None, names: list[str] | None) -> Iterator[tuple[str, bytes]]:
    """What entries commit to, each behind a line with its salt."""
    asked = {
        "size": size,
        "all": chosen is None,
        "wanted": [Sealed.key_of(hash) for hash in chosen or ()],
        "limit": CHUNK,
    }
    both = heapq.merge(_kept(asked, names), _contents(asked, names))
    for hash, name, salt, content in both:
        yield f"payloads/{hash.hex()}/{name}", salt.hex().encode() + b"\n" + content


def _kept(asked: dict[str, Any], names: list[str] | None) -> Iterator[tuple[bytes, str, bytes, bytes]]:
    for hash, name, salt, content in _chunks(_PAYLOADS, {**asked, "names": names}):
        yield bytes(hash), name, bytes(salt), bytes(content)


def _contents(asked: dict[str, Any], names: list[str] | None) -> Iterator[tuple[bytes, str, bytes, bytes]]:
    for hash, salt_key, *texts in _chunks(_CONTENTS, asked):
        for name, text in sorted(zip(OF_OUTPUTS, texts, strict=True)):
            if names is None or name in names:
                yield bytes(hash), name, leaf.salt_for(bytes(salt_key), name), text.encode()


def _chunks(statement: str, asked: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement by keyset, each chunk under a snapshot of its own."""
    after: tuple[bytes, str] = (b"", "")
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                statement, {**asked, "hash": after[0], "name": after[1], "key": Sealed.key_of(after[0].ljust(8, b"\0"))}
            )
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < asked["limit"]:
            return
        after = (bytes(rows[-1][0]), rows[-1][1] if isinstance(rows[-1][1], str) else "")


def _tiles(size: int) -> Iterator[tuple[str, bytes]]:
    """The tiles of the whole log: the hashes level by level, then the entries."""
    count, level = size, 0
    while count:
        for number, hashes in _level(level, count // tiles.WIDTH):
            yield f"tile/{level}/{tiles.path(number)}", hashes
        if left := count % tiles.WIDTH:
            number = count // tiles.WIDTH
            yield f"tile/{level}/{tiles.path(number, left)}", log.tile(level, number, left)
        count, level = count // tiles.WIDTH, level + 1
    for start in range(0, size, tiles.WIDTH):
        width = min(tiles.WIDTH, size - start)
        number = start // tiles.WIDTH
        yield f"tile/entries/{tiles.path(number, width)}", log.entry_bundle(number, width)


def _level(level: int, count: int) -> Iterator[tuple[int, bytes]]:
    full = LogTile.objects.filter(level=level, number__lt=count).order_by("number")
    for number, hashes in full.values_list("number", "hashes").iterator(64):
        yield number, bytes(hashes)


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type, member.external_attr, member.create_system = zipfile.ZIP_STORED, 0o644 << 16, 3
    archive.writestr(member, content)


def erasures() -> int:
    """How often something was erased."""
    return Entry.objects.filter(type="erased").count()
