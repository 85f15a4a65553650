"""A range of the log verified piece by piece, so that a page can show how far it is: the verifier's own checks of each
entry together with all that it cites, its place in the tiles, and the tiles under the signed root.

A piece needs no memory of the one before. What puts policies in force is read with every piece, since a policy's end is
cited by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.evidence import bundle, leaf, log, merkle, note, tiles
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Key
from governance.evidence.verification import Row, Rows, check_row, own_keys
from governance.evidence.verifier import Log
from governance.models import LogTile
from governance.refusals import NotFound

PIECE: Final = 2 * tiles.WIDTH
_COLUMNS: Final = """
SELECT s.index, e.id, e.at, e.type, e.subject, e.rev, e.leaf, e.leaf_hash
FROM governance_sealed s LEFT JOIN governance_entry e ON e.id = s.entry_id
"""
# Written out, not as a parameter: only so the planner sees that the index of the rare types answers.
_OF_POLICIES: Final = """
SELECT e.leaf_hash FROM governance_entry e JOIN governance_sealed s ON s.entry_id = e.id
WHERE e.type IN ('proposed', 'approved', 'declined', 'activated', 'bootstrapped', 'restored', 'canary_set',
                 'trial_ended') AND s.index < %s
"""
_ERASED: Final = """
SELECT leaf_hash FROM governance_entry WHERE type = 'erased' AND subject_kind = 'person'
UNION ALL SELECT leaf_hash FROM governance_entry WHERE subject = ANY(%s) AND type = 'erased'
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a piece showed: findings as (rule, where, what is wrong), and how many of what were looked at."""

    findings: tuple[tuple[str, str, str], ...]
    counts: dict[str, int]


def examine(first: int, last: int, *, origin: str, size: int) -> Found:
    """Checks the entries at the places `first` up to `last` (excluded), of a log of which `size` are sealed."""
    own = _rows("WHERE s.index >= %s AND s.index < %s ORDER BY s.index", [first, last])
    around = _around(own, first, last, size)
    rows = Rows()
    rows.load([*own, *around])
    found = Log(rows, origin)
    for row in (row for row in around if row[0] < first):
        check_row(found, row, f"entry {row[0]}")
    before = dict(found.count)
    hashes = b"".join(check_row(found, row, f"entry {row[0]}") for row in own)
    if [row[0] for row in own] != [*range(first, last)]:
        found.find("place", f"entries {first} to {last - 1}", "not every place in the log has one entry")
    else:
        _check_tiles(found, first, hashes)
    counts = {name: count - before.get(name, 0) for name, count in found.count.items()}
    for row in (row for row in around if row[0] >= last):
        check_row(found, row, f"entry {row[0]}")
    found.finish("all")
    return Found(tuple(found.findings), {name: count for name, count in counts.items() if count})


def examine_head(text: str, *, keys: Iterable[Key] = ()) -> Found:
    """Checks a signed head of this log: its signature (by `keys`, else by those that the log names), the root that its
    tiles lead to, and the tiles above the lowest one."""
    found = Log(None, "")
    try:
        said = Checkpoint.parse(note.open(text, tuple(keys) or own_keys()).text)
        now = log.head()
        if now is None or said.origin != now.origin or said.size > now.size:
            raise note.NotVerified("It is not a head of this log as it stands.")
        if tiles.root(now.edge) != now.root or merkle.range_root(0, said.size, log.tree(now)) != said.root:
            found.find("root", "head", "the tiles do not lead to the signed root")
        _check_upper(found, said.size)
    except (note.NotVerified, ValueError, LookupError) as error:
        found.find("signature", "head", error)
    return Found(tuple(found.findings), {"heads": 1})


def _around(own: list[Row], first: int, last: int, size: int) -> list[Row]:
    """Everything that the checks of these rows need: what they cite, what put policies in force, what was erased."""
    here = {bytes(row[7]) for row in own if row[1] is not None}
    entries = [json.loads(bytes(row[6])) for row in own if row[1] is not None and _is_json(bytes(row[6]))]
    seen, open = set(here), _hashes(_OF_POLICIES, [last])
    open += [hash for entry in entries for hash in bundle.cited_by(entry)]
    found: dict[bytes, int] = {}
    subjects = {UUID(entry["subject"]["id"]) for entry in entries}
    while True:
        while open := [hash for hash in dict.fromkeys(open) if hash not in seen]:
            seen |= set(open)
            chosen = bundle.sealed(open, size)
            found |= {hash: one.index for hash, one in chosen.items()}
            cited = [json.loads(one.content) for one in chosen.values()]
            subjects |= {UUID(each["detail"]["output"]) for each in cited if "output" in each.get("detail", {})}
            open = [hash for each in cited for hash in bundle.cited_by(each)]
        subjects |= {UUID(each["detail"]["output"]) for each in entries if "output" in each.get("detail", {})}
        open = [hash for hash in _hashes(_ERASED, [list(subjects)]) if hash not in seen]
        if not open:
            return _rows("WHERE s.index = ANY(%s) ORDER BY s.index", [sorted(found.values())])


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _check_tiles(found: Log, first: int, hashes: bytes) -> None:
    """That the tiles hold these leaf hashes, and that the tile above holds the root of each full one."""
    at, end = first, first + len(hashes) // merkle.SIZE
    while at < end:
        number, offset = divmod(at, tiles.WIDTH)
        width = min(tiles.WIDTH, end - number * tiles.WIDTH)
        name = f"tile/0/{tiles.path(number)}"
        try:
            kept = log.tile(0, number, width)
        except NotFound:
            kept = b""
        wanted = hashes[(at - first) * merkle.SIZE : (number * tiles.WIDTH + width - first) * merkle.SIZE]
        if kept[offset * merkle.SIZE :] != wanted:
            found.find("tile", name, "its hashes are not those of the entries")
        _check_above(found, 0, number)
        at = number * tiles.WIDTH + width


def _check_upper(found: Log, size: int) -> None:
    for level in range(1, len(tiles.widths(size))):
        for number in range(size >> tiles.HEIGHT * (level + 1)):
            _check_above(found, level, number)


def _check_above(found: Log, level: int, number: int) -> None:
    """That the tile above holds the root of this one, where it is full."""
    full = LogTile.objects.filter(level=level, number=number).values_list("hashes", flat=True).first()
    if full is None:
        return
    above, offset = divmod(number, tiles.WIDTH)
    try:
        kept = log.tile(level + 1, above, offset + 1)[-merkle.SIZE :]
    except NotFound:
        kept = b""
    if kept != merkle.perfect_root(tiles.split(bytes(full))):
        found.find("tile", f"tile/{level}/{tiles.path(number)}", "the tile above does not hold its root")


def path_of(index: int, content: bytes) -> list[str]:
    """The hashes beside an entry's way to the newest root, in hex, for reading. Raises NotFound while nothing is
    sealed."""
    proof = log.prove_all([index])[index]
    return [leaf.leaf_hash(content).hex(), *(part.hex() for part in proof.path)]


def _rows(where: str, asked: list[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS + where, asked)
        return list(cursor.fetchall())


def _hashes(statement: str, asked: list[Any]) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [bytes(row[0]) for row in cursor.fetchall()]
