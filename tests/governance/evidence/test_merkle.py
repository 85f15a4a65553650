"""The tree: the roots and proofs that an independent library computes, and none that it does not."""

import hashlib

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.evidence import merkle, tiles
from governance.evidence.leaf import leaf_hash

sizes = st.integers(1, 600)


def entries(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


def oracle(count: int) -> pymerkle.InmemoryTree:
    return pymerkle.InmemoryTree.init_from_entries(entries(count), algorithm="sha256")


def tree(count: int) -> tuple[list[bytes], merkle.Subtree, bytes]:
    """The leaf hashes, the tree in tiles, and its root, grown in uneven steps."""
    leaves = [leaf_hash(entry) for entry in entries(count)]
    edge: list[bytes] = []
    full: dict[tuple[int, int], bytes] = {}
    at, step = 0, 1
    while at < count:
        edge, done = tiles.append(at, edge, b"".join(leaves[at : at + step]))
        full |= {(tile.level, tile.number): tile.hashes for tile in done}
        at, step = min(count, at + step), step * 3 % 401
    edge = tiles.edge_of(count, b"".join(edge))
    return leaves, tiles.subtree_of(lambda level, number: full.get((level, number)) or edge[level]), tiles.root(edge)


@pytest.mark.parametrize("count", [*range(1, 20), 255, 256, 257, 511, 513])
def test_the_root_is_the_one_an_independent_library_computes(count):
    leaves, subtree, root = tree(count)
    assert root == oracle(count).get_root() == merkle.root_of(leaves)
    assert merkle.range_root(0, count, subtree) == root


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert tiles.root([]) == merkle.root_of([]) == hashlib.sha256(b"").digest()


@settings(max_examples=60)
@given(sizes, st.data())
def test_every_entry_has_a_proof_and_only_at_its_own_place(count, data):
    leaves, subtree, root = tree(count)
    index, other = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, count - 1))
    proof = merkle.inclusion_proof(index, count, subtree)
    assert merkle.includes(leaves[index], index, count, proof, root)
    if other != index:
        assert not merkle.includes(leaves[index], other, count, proof, root)
        assert not merkle.includes(leaves[other], index, count, proof, root)
    assert not merkle.includes(leaves[index], index, count, [*proof, root], root)
    if proof:
        assert not merkle.includes(leaves[index], index, count, proof[1:], root)


@settings(max_examples=60)
@given(sizes, st.data())
def test_a_log_that_grew_proves_it_and_one_that_was_rewritten_cannot(count, data):
    leaves, subtree, root = tree(count)
    old = data.draw(st.integers(1, count))
    proof = merkle.consistency_proof(old, count, subtree)
    before = merkle.root_of(leaves[:old])
    assert merkle.is_consistent(old, count, before, root, proof)
    rewritten = merkle.root_of([leaf_hash(b"other"), *leaves[1:old]])
    assert not merkle.is_consistent(old, count, rewritten, root, proof)
    assert not merkle.is_consistent(0, count, merkle.EMPTY, root, [])


@given(st.integers(0, 10**12), st.integers(1, 256))
def test_the_address_of_a_tile_is_read_as_it_is_written(number, width):
    assert tiles.parse_path(tiles.path(number, width)) == (number, width)


@pytest.mark.parametrize(
    "text", ["1", "0001", "x000/001", "001.p/0", "001.p/256", "001.p/01", "x01/001", "001/001", ""]
)
def test_another_spelling_of_an_address_is_refused(text):
    with pytest.raises(ValueError, match="tile"):
        tiles.parse_path(text)


def test_the_address_of_a_tile_is_the_one_that_the_specification_gives():
    assert tiles.path(1_234_067) == "x001/x234/067"
    assert tiles.path(5, 17) == "005.p/17"


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_a_bundle_gives_back_its_entries(found):
    assert tiles.unbundle(tiles.bundle(found)) == found


@pytest.mark.parametrize("data", [b"\0", b"\0\5abc"])
def test_a_bundle_that_is_cut_short_is_refused(data):
    with pytest.raises(ValueError, match="ends within"):
        tiles.unbundle(data)
