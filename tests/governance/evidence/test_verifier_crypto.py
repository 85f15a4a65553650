"""The verifier's own Ed25519, notes and tree, against the libraries that the product uses."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.evidence import merkle, note, tiles, verifier
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Signer

ANNA, BERT = Signer.make("log.example/one"), Signer.make("log.example/one")
HEAD = Checkpoint("log.example/one", 5, bytes(range(32)))


def keys(*signers: Signer):
    return verifier.parse_keys("\n".join(str(signer.key) for signer in signers))


@settings(max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_it_accepts_what_openssl_signs_and_nothing_that_was_changed(seed, message, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verifier.is_usable(public)
    assert verifier.is_signed(public, message, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verifier.is_signed(public, message, bytes(changed))
    assert not verifier.is_signed(public, message + b"!", signature)


def test_the_vector_of_the_specification():
    """RFC 8032, 7.1, test 2."""
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verifier.is_signed(public, b"\x72", signature)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
def test_the_keys_that_the_product_refuses_it_refuses_too(y):
    public = y.to_bytes(32, "little")
    assert not verifier.is_usable(public)
    assert not note.is_usable(public)


def test_a_note_means_the_same_to_both():
    signed = note.make(HEAD.text, [ANNA, BERT])
    assert verifier.open_note(signed, keys(ANNA)) == HEAD.text
    assert verifier.parse_checkpoint(HEAD.text) == (HEAD.origin, HEAD.size, HEAD.root)
    for broken in (signed.replace("\n5\n", "\n6\n"), signed[:-1], HEAD.text, signed.replace("— ", "- ")):
        with pytest.raises(verifier.Bad):
            verifier.open_note(broken, keys(ANNA))
    with pytest.raises(verifier.Bad, match="no trusted key"):
        verifier.open_note(note.make(HEAD.text, [ANNA]), keys(BERT))
    with pytest.raises(verifier.Bad, match="cannot be told apart"):
        verifier.open_note(signed, keys(ANNA, ANNA))


@given(st.integers(1, 600), st.data())
def test_the_tree_means_the_same_to_both(count, data):
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(count)]
    levels = verifier.tree_of(b"".join(leaves))
    subtree = verifier.subtree_of(lambda level, number: levels[level][number * 8192 : number * 8192 + 8192])
    older = data.draw(st.integers(0, count))
    assert verifier.root_at(older, subtree) == merkle.root_of(leaves[:older])
    index = data.draw(st.integers(0, count - 1))
    proof = merkle.inclusion_proof(index, count, subtree)
    assert verifier.includes(leaves[index], index, count, proof, merkle.root_of(leaves))
    assert not verifier.includes(leaves[index], index, count, [*proof, leaves[0]], merkle.root_of(leaves))


@given(st.integers(0, 10**9), st.integers(1, 256))
def test_a_tile_has_the_same_address_for_both(number, width):
    assert verifier.tile_path(number, width) == tiles.path(number, width)
