"""The verifier's own gate and the product's judge: two programs, one answer, for every policy and output."""

import json
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.evidence.verifier import Bad, Gate, answer, restored
from governance.policies.candidate import Candidate
from governance.policies.canonical import canonical_bytes
from governance.policies.conditions import parse
from governance.policies.document import parse_policy
from governance.policies.judge import judge
from governance.refusals import Invalid
from tests.governance.policies import invented

texts = st.sampled_from([
    "", "a", "b", "ab", "3", "2026-11-24T10:00:00Z", "2026-11-24 12:00:00.5+02:00", "2026-11-24T10:00:00-00:30",
    "2026-13-01T10:00:00Z", "2026-11-24T23:59:60Z", "1", "Ä", "\U0001f600", "\ufb00",
])  # fmt: skip
numbers = st.integers(-3, 3) | st.sampled_from([0.5, -0.25, 1.0, 2.0**53, 2**53 + 1, 1e22, 0.1, 3.0])
scalars = st.none() | st.booleans() | numbers | texts
values = (
    scalars
    | st.lists(scalars, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "decimal", "object"]), scalars, max_size=2)
)
names = st.sampled_from(["x", "y", "a.b", 'q"t', "deep"])
bodies = st.dictionaries(names, values | st.dictionaries(names, values, max_size=2), max_size=4)
fields = st.sampled_from([
    "input.x", "input.y", 'input."a.b"', 'input."q\\"t"', 'input."x"', "input.deep.x", "output.x",
    "attributes.y", "input.x.0",
])  # fmt: skip
on_missing = st.sampled_from(["escalate", "true", "false", True, False])


def asked(op: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"field": fields, "op": st.just(op), "value": value}, optional={"on_missing": on_missing}
    )


patterns = st.sampled_from(["a", "^a?b$", "3"])
compared = st.sampled_from(["lt", "ge", "eq", "ne"])
ordered = st.sampled_from(["lt", "le", "gt", "ge"]).flatmap(lambda op: asked(op, numbers | texts))
leaves = st.one_of(
    st.sampled_from(["eq", "ne", "contains"]).flatmap(lambda op: asked(op, values)),
    ordered,
    st.sampled_from(["in", "not_in"]).flatmap(lambda op: asked(op, st.lists(scalars, min_size=1, max_size=4))),
    st.sampled_from(["starts_with", "ends_with", "matches"]).flatmap(lambda op: asked(op, patterns)),
    asked("between", st.lists(numbers, min_size=2, max_size=2).map(sorted)),
    asked("between", st.lists(texts, min_size=2, max_size=2).map(sorted)),
    st.fixed_dictionaries({"field": fields, "op": st.just("exists")}, optional={"value": st.booleans()}),
    st.builds(invented.ask, st.just("confidence"), compared, invented.shares),
    st.builds(invented.ask, st.just("received.hour"), compared, st.integers(0, 23)),
    st.builds(lambda value: {"field": "model", "op": "eq", "value": value}, texts),
    st.builds(lambda value: {"field": "contract.breached", "op": "eq", "value": value}, st.booleans()),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
candidates = st.builds(
    Candidate,
    confidence=st.none() | st.integers(0, 1_000_000),
    input=bodies, output=bodies, attributes=bodies, model=st.none() | texts,
    received_at=st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip


def recorded(found: Any, confidence: int | None, draw: int) -> dict[str, Any]:
    return {
        "confidence": confidence, "segment": found.segment, "rule": found.rule, "lane": found.lane,
        "draw": f"{draw:016x}", "threshold": found.threshold, "audit": found.is_audit, "propensity": found.propensity,
        "conditions": json.loads(json.dumps(found.conditions)),
    }  # fmt: skip


def gate_of(document: dict[str, Any]) -> Gate:
    return Gate(json.loads(canonical_bytes(document), parse_float=Decimal))


def inputs_of(found: Any) -> dict[str, Any]:
    return {name: restored(value) for name, value in json.loads(canonical_bytes(found.gate_inputs)).items()}


def policy_of(document: dict[str, Any]) -> Any:
    """The policy, None where the product refuses such a document."""
    try:
        return parse_policy(document)
    except Invalid:
        return None


@settings(max_examples=1500)
@given(conditions, candidates)
def test_a_condition_means_the_same_to_both(when, candidate):
    try:
        condition = parse(json.loads(canonical_bytes(when)))
    except Invalid:
        return
    document = {"threshold": {"default": 0.9}, "rules": [{"id": "r", "when": when, "then": "block"}]}
    policy = policy_of(document)
    if policy is None:
        return
    found = judge(policy, candidate, draw=0)
    read = json.loads(canonical_bytes(when), parse_float=Decimal)
    assert answer(read, inputs_of(found)) is condition.evaluate(candidate)


@settings(max_examples=300)
@given(invented.documents, invented.candidates, invented.draws)
def test_a_verdict_run_again_is_the_one_recorded(document, candidate, draw):
    policy = policy_of(document)
    if policy is None:
        return
    found = judge(policy, candidate, draw=draw)
    gate, again = recorded(found, candidate.confidence, draw), gate_of(document)
    assert again.check(gate, inputs_of(found)) is True
    again.check_draw(gate)
    assert again.check(gate, None) is False


@settings(max_examples=300)
@given(invented.documents, invented.candidates, invented.draws, st.data())
def test_a_record_that_says_otherwise_is_found(document, candidate, draw, data):
    policy = policy_of(document)
    if policy is None:
        return
    found = judge(policy, candidate, draw=draw)
    gate, inputs = recorded(found, candidate.confidence, draw), inputs_of(found)
    forged = data.draw(st.sampled_from([
        {"lane": "release" if gate["lane"] != "release" else "review"}, {"rule": "another"},
        {"threshold": 1 if gate["threshold"] is None else gate["threshold"] + 1}, {"segment": "another"},
        {"conditions": [*gate["conditions"], {"rule": "more", "result": False}]},
    ]))  # fmt: skip
    with pytest.raises(Bad):
        gate_of(document).check({**gate, **forged}, inputs)


@given(invented.draws, st.integers(0, 999_999))
def test_an_audit_that_the_draw_does_not_give_is_found(draw, millionths):
    document = {"threshold": {"default": 0}, "audit": {"rate": millionths / 1_000_000}}
    found = judge(parse_policy(document), Candidate(1_000_000), draw=draw)
    gate = recorded(found, 1_000_000, draw)
    gate_of(document).check_draw(gate)
    for forged in ({"audit": not gate["audit"]}, {"propensity": gate["propensity"] + 1}):
        with pytest.raises(Bad):
            gate_of(document).check_draw({**gate, **forged})


def test_without_the_inputs_the_record_is_followed_to_its_end():
    document = {
        "threshold": {"default": 0.9, "segments": [
            {"id": "s", "when": invented.ask("input.y", "eq", 1), "threshold": 0.5}]},
        "rules": [invented.rule("block", name="first")],
    }  # fmt: skip
    again = gate_of(document)
    gate = {
        "confidence": 600_000, "segment": "s", "rule": "threshold:s", "lane": "release", "threshold": 500_000,
        "conditions": [{"rule": "first", "result": False}, {"rule": "segment:s", "result": True}],
    }  # fmt: skip
    assert again.check(gate, None) is False
    with pytest.raises(Bad, match="block by first"):
        again.check({**gate, "conditions": [{"rule": "first", "result": True}, gate["conditions"][1]]}, None)
    with pytest.raises(Bad, match="how segment:s was answered"):
        again.check({**gate, "conditions": gate["conditions"][:1]}, None)
