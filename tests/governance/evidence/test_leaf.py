"""The leaf: the bytes that RFC 8785 gives, the hash that RFC 9162 gives, and nothing else accepted."""

import hashlib
import hmac

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.leaf import (
    MAX_BYTES,
    Commitment,
    MalformedLeaf,
    commit,
    leaf_bytes,
    leaf_hash,
    salt_for,
)

keys = st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(keys, values, max_size=8))
def test_a_leaf_has_the_bytes_that_the_standard_gives(entry):
    assert leaf_bytes(entry) == rfc8785.dumps(entry)


@pytest.mark.parametrize(
    "text", ["\x00\x1f\x7f", "\u2028\u2029", "\ufeff", "é e\u0301", "\U0001f600", '"\\/', "</script>"]
)
def test_characters_that_encoders_like_to_escape_differently_are_written_as_the_standard_says(text):
    assert leaf_bytes({"text": text}) == rfc8785.dumps({"text": text})


@pytest.mark.parametrize(
    "value",
    [
        0.5, float("nan"), 2**53, -(2**53), b"bytes", {1}, "\ud800", {"Upper": 1}, {"1st": 1}, {"": 1}, {"a" * 65: 1},
        {"ä": 1}, {1: 1}, {"new\n": 1}, "x" * MAX_BYTES,
    ],
)  # fmt: skip
def test_what_has_no_single_form_is_refused(value):
    with pytest.raises(MalformedLeaf):
        leaf_bytes({"value": value})


@given(st.floats())
def test_no_float_ever_enters_a_leaf(number):
    with pytest.raises(MalformedLeaf):
        leaf_bytes({"deep": [{"down": number}]})


@given(st.binary(max_size=200))
def test_the_hash_is_the_one_of_merkle_tree_leaves(content):
    assert leaf_hash(content) == hashlib.sha256(b"\x00" + content).digest()


def test_the_hash_of_nothing_is_the_published_one():
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@given(st.binary(min_size=32, max_size=32), keys, st.binary(max_size=100))
def test_a_commitment_is_a_keyed_hash_over_name_and_content(salt, name, content):
    said = Commitment(name, salt, content).as_json()
    wanted = hmac.new(salt, b"ev1:" + name.encode() + b"\x00" + content, hashlib.sha256).hexdigest()
    assert said == {"name": name, "alg": "hmac-sha256", "len": len(content), "digest": wanted}


@given(st.binary(min_size=32, max_size=32), keys, keys)
def test_the_salt_of_one_name_does_not_open_another(key, one, other):
    if one != other:
        assert salt_for(key, one) != salt_for(key, other)
        assert commit(salt_for(key, one), one, b"x") != commit(salt_for(key, other), other, b"x")
