"""The tree of the log: RFC 9162 hashing with SHA-256, and proofs that an entry is in it and that it only grew.

Pure. A tree is read through a `Subtree`: the root of the 2^height leaves that begin at index × 2^height.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

EMPTY: Final = hashlib.sha256(b"").digest()
SIZE: Final = 32
Subtree = Callable[[int, int], bytes]


def node(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^k hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [node(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def fold(peaks: Iterable[bytes]) -> bytes:
    """The root over the perfect subtrees that a size splits into, largest first; of none, the empty tree's."""
    below: bytes | None = None
    for peak in reversed(list(peaks)):
        below = peak if below is None else node(peak, below)
    return EMPTY if below is None else below


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over any number of leaf hashes."""
    return range_root(
        0, len(hashes), lambda height, index: perfect_root(hashes[index << height : (index + 1) << height])
    )


def range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """The root over the leaves from `start` (a place where a subtree of that size begins) up to `end`, excluded."""
    peaks = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append(subtree(height, start >> height))
        start += 1 << height
    return fold(peaks)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162, 2.1.3.1. Raises ValueError for an index outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"There is no entry {index} among {size}.")
    proof, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_root(middle, end, subtree))
            end = middle
        else:
            proof.append(range_root(start, middle, subtree))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 9162, 2.1.4.1. Raises ValueError unless 0 < old ≤ new."""
    if not 0 < old <= new:
        raise ValueError(f"A tree of {old} entries is no beginning of one of {new}.")
    proof, start, end = [], 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(range_root(middle, end, subtree))
            end = middle
        else:
            proof.append(range_root(start, middle, subtree))
            start = middle
    if start:
        proof.append(range_root(start, end, subtree))
    return proof[::-1]


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf hash is at `index` of the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or any(len(part) != SIZE for part in (leaf, root, *proof)):
        return False
    first, last, result = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            result = node(part, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = node(result, part)
        first, last = first >> 1, last >> 1
    return last == 0 and result == root


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of size `old` is the beginning of the one of size `new` (2.1.4.2).

    A tree of no entries proves nothing and is refused.
    """
    if old == new and old > 0:
        return not proof and old_root == new_root
    if not 0 < old < new or any(len(part) != SIZE for part in (old_root, new_root, *proof)):
        return False
    parts = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not parts:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    before = after = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            before, after = node(part, before), node(part, after)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            after = node(after, part)
        first, last = first >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
