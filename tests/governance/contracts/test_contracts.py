"""Contracts: what is checked, what counts as correct, what is hidden."""

from __future__ import annotations

import http.server
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts import pointer
from governance.contracts.correctness import is_correct
from governance.contracts.masking import MASK, mask, mask_fields
from governance.contracts.schema import compile_contract
from governance.contracts.values import MISSING, same
from governance.policies.canonical import canonical_bytes, digest
from governance.refusals import Invalid

LETTERS = {
    "version": "1.0.0",
    "input": {"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}}},
    "output": {
        "type": "object",
        "required": ["intent"],
        "additionalProperties": False,
        "properties": {
            "intent": {"enum": ["refund", "greeting"]},
            "amount": {"type": "number", "minimum": 0},
            "day": {"type": "string", "format": "date"},
        },
    },
    "correct_when": ["/output/intent", "/output/amount"],
    "personal_data": ["/input/email", "/input/people/*/name", "/attributes/tags/0"],
    "drift": {"confidence_psi": 0.2},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc~/.*\"", max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def broken(changes: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refusal:
        compile_contract({**LETTERS, **changes})
    return [(problem.pointer, problem.code) for problem in refusal.value.errors]


def test_a_kept_contract_has_no_problems() -> None:
    contract = compile_contract(LETTERS)
    assert contract.check(input={"email": "a@b.c"}, output={"intent": "refund", "amount": 3}) == ()
    assert contract.drift == {"confidence_psi": Decimal("0.2")}


def test_every_breach_names_its_place_and_repeats_no_value() -> None:
    problems = compile_contract(LETTERS).check(
        input={}, output={"intent": "s3cret", "amount": -1, "day": "2026-13-01", "more": 1}
    )
    assert {(problem.pointer, problem.code) for problem in problems} == {
        ("/input", "required"),
        ("/output/intent", "enum"),
        ("/output/amount", "minimum"),
        ("/output/day", "format"),
        ("/output", "additional-properties"),
    }
    assert not any("s3cret" in problem.detail for problem in problems)


def test_a_hostile_output_gives_at_most_fifty_problems() -> None:
    contract = compile_contract({"version": "1.0.0", "output": {"type": "array", "items": {"type": "string"}}})
    assert len(contract.check(output=list(range(5000)))) == 50


def test_a_number_that_is_not_finite_breaks_a_contract_that_wants_a_number() -> None:
    contract = compile_contract(LETTERS)
    for value in (float("nan"), float("inf")):
        assert contract.check(output={"intent": "refund", "amount": value})


def test_the_same_text_is_compiled_once() -> None:
    assert compile_contract(dict(LETTERS)) is compile_contract(dict(LETTERS))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"extra": 1}, ("contract.extra", "unknown-key")),
        ({"version": 1.0}, ("contract.version", "wrong-type")),
        ({"version": "one"}, ("contract.version", "not-a-version")),
        ({"output": {"properties": {"a": {"minimum": "x"}}}}, ("contract.output.properties.a.minimum", "not-a-schema")),
        ({"output": {"$ref": "#/nowhere"}}, ("contract.output", "not-a-schema")),
        ({"output": {"pattern": "(?=a)a"}}, ("contract.output.pattern", "not-a-schema")),
        (
            {"output": {"$schema": "http://json-schema.org/draft-07/schema#"}},
            ("contract.output.$schema", "wrong-dialect"),
        ),
        ({"output": []}, ("contract.output", "wrong-type")),
        ({"correct_when": ["/input/x"]}, ("contract.correct_when[0]", "wrong-root")),
        ({"correct_when": ["output"]}, ("contract.correct_when[0]", "not-a-pointer")),
        ({"personal_data": ["/input"]}, ("contract.personal_data[0]", "wrong-root")),
        ({"drift": {"confidence_psi": -1}}, ("contract.drift.confidence_psi", "out-of-range")),
    ],
)
def test_a_wrong_contract_is_refused_with_its_path(changes: dict[str, Any], place: tuple[str, str]) -> None:
    assert place in broken(changes)


def test_a_remote_reference_is_refused_and_never_fetched() -> None:
    asked: list[str] = []

    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    server = http.server.HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        places = broken({"output": {"$ref": f"http://127.0.0.1:{server.server_port}/schema"}})
    finally:
        server.shutdown()
        server.server_close()
    assert ("contract.output", "not-a-schema") in places
    assert asked == []


@pytest.mark.parametrize(
    ("ai", "person", "correct"),
    [
        ({"intent": "refund", "amount": 1}, {"intent": "refund", "amount": 1.0, "day": "2026-01-01"}, True),
        ({"intent": "refund", "amount": 0.1}, {"intent": "refund", "amount": Decimal("0.1")}, True),
        ({"intent": "refund", "amount": 1}, {"intent": "refund", "amount": True}, False),
        ({"intent": "refund"}, {"intent": "refund"}, True),
        ({"intent": "refund"}, {"intent": "refund", "amount": None}, False),
        ({"intent": "refund"}, {"intent": "greeting"}, False),
        ("refund", {"intent": "refund"}, False),
    ],
)
def test_correct_means_equal_where_the_contract_says_so(ai: Any, person: Any, correct: bool) -> None:
    assert is_correct(compile_contract(LETTERS), ai, person) is correct


def test_without_pointers_the_whole_output_must_be_equal() -> None:
    contract = compile_contract({"version": "1.0.0", "output": {}})
    assert is_correct(contract, {"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not is_correct(contract, {"a": 1}, {"a": 1, "b": None})


def test_personal_fields_are_masked_wherever_they_stand() -> None:
    contract = compile_contract(LETTERS)
    document: dict[str, Any] = {
        "input": {"email": "a@b.c", "people": [{"name": "Ann", "age": 3}, {"age": 4}], "ok": 1},
        "output": {"intent": "refund"},
        "attributes": {"tags": ["Bob", "chat"]},
    }
    masked = mask(contract, document)
    assert masked == {
        "input": {"email": MASK, "people": [{"name": MASK, "age": 3}, {"age": 4}], "ok": 1},
        "output": {"intent": "refund"},
        "attributes": {"tags": [MASK, "chat"]},
    }
    assert document["input"]["email"] == "a@b.c"
    assert mask(contract, {"output": {}}) == {"output": {}}


def test_a_broken_shape_does_not_show_what_a_kept_one_hides() -> None:
    contract = compile_contract(LETTERS)
    assert mask(contract, {"input": "a@b.c"}) == {"input": MASK}
    assert mask(contract, {"input": ["a@b.c"]}) == {"input": [MASK]}
    assert mask(contract, {"input": {"people": "Ann"}}) == {"input": {"people": MASK}}


def test_values_of_a_trace_are_masked_by_their_field() -> None:
    contract = compile_contract(LETTERS)
    values = {"input.email": "a@b.c", "input.people": [{"name": "Ann"}], "input.email.domain": "b.c", "confidence": 0.5}
    assert mask_fields(contract, values) == {
        "input.email": MASK,
        "input.people": [{"name": MASK}],
        "input.email.domain": MASK,
        "confidence": 0.5,
    }


@given(st.lists(st.text('ab~/*."\\ 01', max_size=5)))
def test_a_pointer_survives_being_written_and_read(tokens: list[str]) -> None:
    assert pointer.parse(pointer.build(tokens)) == tuple(tokens)


@given(st.lists(st.text('ab~/*."\\ 01', min_size=1, max_size=5), min_size=1))
def test_a_field_survives_being_written_and_read(segments: list[str]) -> None:
    assert pointer.split_field(pointer.join_field(tuple(segments))) == tuple(segments)


@given(json_values, st.lists(st.text('abc~/.*"', max_size=4), max_size=3).map(tuple), json_values)
def test_what_is_put_is_got_and_the_original_stays(document: Any, tokens: tuple[str, ...], value: Any) -> None:
    before = canonical_bytes(document)
    try:
        changed = pointer.put(document, tokens, value)
    except ValueError:
        assert pointer.get(document, tokens) is MISSING
    else:
        assert same(pointer.get(changed, tokens), value)
    assert canonical_bytes(document) == before


@pytest.mark.parametrize("text", ["a", "/~2", "/~"])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON pointer"):
        pointer.parse(text)


@given(json_values)
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(value: Any) -> None:
    def turned(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: turned(part[key]) for key in reversed(part)}
        return [turned(element) for element in part] if isinstance(part, list) else part

    assert canonical_bytes(value) == canonical_bytes(turned(value))
    assert len(digest(value)) == 64
    assert same(value, value)


@pytest.mark.parametrize("value", ["\ud800", "a\0b", {"\0": 1}, "\\\0", float("nan"), float("inf"), {1, 2}, [b"x"]])
def test_what_json_or_the_database_cannot_carry_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(Invalid):
        canonical_bytes({"value": value})


def test_a_text_that_spells_a_nul_is_harmless() -> None:
    assert canonical_bytes("\\u0000") == b'"\\\\u0000"'
