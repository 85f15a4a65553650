"""The tree in tiles, as C2SP tlog-tiles lays it out: 256 hashes a tile, each the root of a full tile one level below.

Pure. The *edge* of a log is its right side: for each level the hashes of the tile that is not full yet. It holds all
that appending needs, and its folded peaks are the root.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from governance.evidence import merkle

WIDTH: Final = 256
HEIGHT: Final = 8
FULL: Final = WIDTH * merkle.SIZE
_NUMBER = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}\Z")
Read = Callable[[int, int], bytes]
"""Given level and number, the hashes of that tile; a partial one as far as it goes."""


class Tile(NamedTuple):
    """Where a full tile stands, and its 256 hashes."""

    level: int
    number: int
    hashes: bytes


def widths(size: int) -> list[int]:
    """How many hashes the unfinished tile of each level has, in a log of this size."""
    found = []
    while size:
        found.append(size % WIDTH)
        size >>= HEIGHT
    return found


def edge_of(size: int, packed: bytes) -> list[bytes]:
    """The edge, level by level, of what `b"".join(edge)` packed."""
    edge, at = [], 0
    for width in widths(size):
        edge.append(packed[at : at + width * merkle.SIZE])
        at += width * merkle.SIZE
    if at != len(packed):
        raise ValueError("This is not the edge of a log of that size.")
    return edge


def append(size: int, edge: Sequence[bytes], leaves: bytes) -> tuple[list[bytes], list[Tile]]:
    """The edge after these leaf hashes (joined) came to a log of `size`, and the tiles that became full."""
    grown, full, level, fresh = list(edge), [], 0, leaves
    while fresh:
        if len(grown) == level:
            grown.append(b"")
        first, data = (size >> HEIGHT * level) // WIDTH, grown[level] + fresh
        done = [Tile(level, first + at // FULL, data[at : at + FULL]) for at in range(0, len(data) - FULL + 1, FULL)]
        grown[level] = data[len(done) * FULL :]
        full += done
        fresh = b"".join(merkle.perfect_root(split(tile.hashes)) for tile in done)
        level += 1
    return grown, full


def peaks(edge: Sequence[bytes]) -> list[bytes]:
    """The compact range: the roots of the perfect subtrees that the size splits into, largest first."""
    found = []
    for hashes in reversed(edge):
        parts, at = split(hashes), 0
        while at < len(parts):
            step = 1 << ((len(parts) - at).bit_length() - 1)
            found.append(merkle.perfect_root(parts[at : at + step]))
            at += step
    return found


def root(edge: Sequence[bytes]) -> bytes:
    return merkle.fold(peaks(edge))


def split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + merkle.SIZE] for at in range(0, len(hashes), merkle.SIZE)]


def subtree_of(read: Read) -> merkle.Subtree:
    """A tree to take proofs from, read tile by tile; each tile once."""
    seen: dict[tuple[int, int], bytes] = {}

    def subtree(height: int, index: int) -> bytes:
        level, rise = divmod(height, HEIGHT)
        number, offset = divmod(index << rise, WIDTH)
        if (level, number) not in seen:
            seen[level, number] = read(level, number)
        hashes = seen[level, number][offset * merkle.SIZE : (offset + (1 << rise)) * merkle.SIZE]
        if len(hashes) != merkle.SIZE << rise:
            raise LookupError(f"Tile {level}/{number} does not reach that far.")
        return merkle.perfect_root(split(hashes))

    return subtree


def path(number: int, width: int = WIDTH) -> str:
    """How tlog-tiles writes a tile's number: `x001/x234/067`, and `.p/W` behind it when it is partial."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups)) + (f".p/{width}" if width < WIDTH else "")


def parse_path(text: str) -> tuple[int, int]:
    """The number and width that `path` wrote. Raises ValueError for any other spelling."""
    whole, dot, partial = text.partition(".p/")
    width = WIDTH
    if dot:
        if not re.fullmatch(r"[1-9][0-9]{0,2}", partial) or int(partial) >= WIDTH:
            raise ValueError("This is not the width of a partial tile.")
        width = int(partial)
    if not _NUMBER.match(whole) or len(whole) > 30:
        raise ValueError("This is not the number of a tile.")
    number = int(whole.replace("x", "").replace("/", ""))
    if path(number, width) != text:
        raise ValueError("This is not how the number of a tile is written.")
    return number, width


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as an entry bundle: each behind its length (two bytes, big-endian). Raises struct.error beyond 65,535."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError when a length does not fit."""
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ValueError("An entry bundle ends within an entry.")
        entries.append(data[at + 2 : end])
        at = end
    return entries
