"""The digest that tells a repeat from a conflict, and the fast canonical form it rests on."""

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.policies.canonical import canonical_bytes
from reviews.intake import bodies, canonical
from reviews.intake.arrivals import arrive
from tests.reviews.intake.sent import body, document

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.fixed_dictionaries(
    {"input": VALUES, "output": VALUES},
    optional={
        "confidence": VALUES,
        "explanation": VALUES,
        "attributes": st.dictionaries(TEXTS, VALUES, max_size=3),
        "alternatives": st.lists(st.fixed_dictionaries({"output": VALUES, "confidence": st.floats(0, 1)}), max_size=2),
    },
)


@given(VALUES)
def test_the_fast_form_has_the_bytes_of_the_slow_one(value: Any) -> None:
    assert canonical.text(value) == canonical_bytes(value)


@given(MEMBERS)
def test_the_digest_is_that_of_the_canonical_body_with_its_defaults(parts: dict[str, Any]) -> None:
    whole = {
        "alternatives": [], "attributes": {}, "callback_url": None, "confidence": None, "explanation": None,
        "prompt_version": None,
    } | document(confidence=None) | parts  # fmt: skip
    digest = arrive(body(**{"confidence": None} | parts)).digest
    assert digest == hashlib.sha256(canonical_bytes(whole)).digest()


@given(MEMBERS, st.randoms(use_true_random=False))
def test_order_and_spaces_of_a_body_do_not_change_its_digest(parts: dict[str, Any], random: Any) -> None:
    members = list(document(**parts).items())
    one = arrive(bodies.read(json.dumps(dict(members)).encode()))
    random.shuffle(members)
    other = arrive(bodies.read(json.dumps(dict(members), indent=2, ensure_ascii=False).encode()))
    assert one.digest == other.digest
    assert one.input == other.input


@given(VALUES, VALUES)
def test_another_output_is_another_digest(one: Any, other: Any) -> None:
    if canonical_bytes(one) != canonical_bytes(other):
        assert arrive(body(output=one)).digest != arrive(body(output=other)).digest


def test_a_confidence_that_was_not_understood_is_kept_as_it_was_stated() -> None:
    context = json.loads(arrive(body(confidence="very")).context)
    assert context["stated_confidence"] == "very"
    assert "stated_confidence" not in json.loads(arrive(body(confidence=0.5)).context)
    assert "stated_confidence" not in json.loads(arrive(body(confidence=None)).context)
