"""System files and policy documents: what they say, and what is refused with file, line, path and a sentence."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts.schema import compile_contract
from governance.contracts.values import same
from governance.policies import source
from governance.policies.canonical import canonical_bytes, digest
from governance.policies.document import parse_policy
from governance.policies.policy import Breach, Destination, Queue, Reason
from governance.policies.sentences import policy_sentences
from governance.policies.systemfile import read_system_file
from governance.refusals import Invalid

FILE = """\
countersign: 1
system: {slug: support-intents, name: Support intent classifier, purpose: Routes customer messages, risk_tier: limited, owner: support-product}
contract:
  version: 1.0.0
  input: {type: object, properties: {email: {type: string}, amount: {type: number}}}
  output:
    type: object
    additionalProperties: false
    properties: {intent: {enum: [request_refund, card_arrival, "no"]}}
  correct_when: [/output/intent]
  personal_data: [/input/email]
  drift: {confidence_psi: 0.2, label_psi: 0.2, contract_breach_rate: 0.01}
policy:
  risk: {target: 0.02, confidence: 0.95, costs: {wrong_release: 40, review: 1.5, currency: EUR}}
  threshold:
    default: 0.90
    segments: [{id: cards, when: {field: output.intent, op: in, value: [card_arrival]}, threshold: 0.97}]
  rules:
    - id: never-refund-alone
      when: {all: [{field: output.intent, op: eq, value: request_refund}, {field: input.amount, op: gt, value: 500}]}
      then: review
      because: Refunds over 500 are never decided without a person.
  audit: {rate: 0.05, hold: false}
  routing:
    default: {queue: general}
    rules: [{id: cards, when: {field: output.intent, op: eq, value: card_arrival}, queue: cards, skills: [cards], priority: 80, reviewers: 2}]
    queues: {general: {mode: pull}, cards: {mode: assign, capacity: 10, escalates_to: seniors}}
  sla: {due_in: PT4H, on_breach: [{after: PT0H, do: escalate}, {after: PT20H, do: resolve, as: reject}]}
  review: {undo_seconds: 8, reasons: [{code: wrong-label, label: Wrong label}], reason_required: [override, reject], blind_share: 0.05, known_answers: 0.02}
webhooks: [{url: "https://producer.example/hook", events: [output.resolved]}]
"""  # noqa: E501


def refusals(text: str, name: str = "support.yaml") -> list[str]:
    with pytest.raises(Invalid) as refusal:
        read_system_file(text, name)
    assert refusal.value.sentence.startswith(refusal.value.errors[0].detail)
    return [problem.detail for problem in refusal.value.errors]


def test_a_system_file_says_all_of_a_system() -> None:
    file = read_system_file(FILE, "support.yaml")
    assert (file.system.slug, file.system.risk_tier, file.system.owner) == (
        "support-intents", "limited", "support-product",
    )  # fmt: skip
    assert file.contract.version == "1.0.0"
    own = file.policy
    assert (own.threshold.default, own.threshold.segments[0].threshold) == (900_000, 970_000)
    assert (own.audit.rate, own.audit.hold) == (50_000, False)
    assert (own.risk.target, own.risk.confidence) == (20_000, 950_000)
    assert own.risk.costs is not None
    assert own.risk.costs.review == Decimal("1.5")
    assert own.routing.default == Destination("general")
    assert own.routing.rules[0].to == Destination("cards", ("cards",), 80, 2)
    assert own.routing.queues == (Queue("cards", "assign", 10, "seniors"), Queue("general"), Queue("seniors"))
    assert own.sla.due_in == timedelta(hours=4)
    assert own.sla.fallback == Breach(timedelta(hours=20), "resolve", "reject")
    assert own.review.reasons == (Reason("wrong-label", "Wrong label"),)
    assert (own.review.blind_share, own.review.known_answers) == (50_000, 20_000)
    assert own.digest == digest(file.policy_document)
    assert file.webhooks[0].events == ("output.resolved",)


def test_json_says_the_same_as_yaml() -> None:
    document = source.read(FILE, is_json=False).data
    for text in (json.dumps(document), json.dumps(document, indent="\t"), "\ufeff" + json.dumps(document)):
        assert read_system_file(text, "support.json").policy == read_system_file(FILE, "support.yaml").policy


def test_a_policy_reads_as_clauses() -> None:
    clauses = policy_sentences(read_system_file(FILE, "support.yaml").policy)
    assert clauses == (
        "When the contract is broken, a person decides.",
        "Refunds over 500 are never decided without a person. When the AI's answer intent is request_refund and amount "
        "is over 500, a person decides.",
        "When the AI's answer intent is card_arrival, it goes out alone only from 97\u202f% confidence.",
        "All else goes out alone from 90\u202f% confidence.",
        "Of what goes out alone, 1 in 20 is checked blind, drawn at random.",
        "When a person decides and the AI's answer intent is card_arrival, it waits in cards for those with the skill "
        "cards, at urgency 80 of 100, and two people decide it.",
        "Else, it waits in general.",
        "Queue cards hands its items to people, at most 10 to each at a time.",
        "What has to go higher goes from cards to seniors.",
        "What waits for a person is due in 4 h.",
        "When the 4 h are over it goes to the senior queue.",
        "After 20 h more it is rejected: nobody's judgement, and never counted as a label.",
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "words"),
    [
        ("audit: {rate: 0.05", "audits: {rate: 0.05", 23, "policy.audits", "Did you mean audit?"),
        ("default: 0.90", "default: 0.1234567", 16, "policy.threshold.default", "six decimals"),
        ("default: 0.90", "default: 90", 16, "policy.threshold.default", "between 0 and 1"),
        ("default: 0.90", "default: yes", 16, "policy.threshold.default", "a number"),
        ("then: review", "then: escalate", 21, "policy.rules[0].then", "release, review, block"),
        ("id: never-refund-alone", "id: contract", 19, "policy.rules[0].id", "the product uses"),
        ("op: gt, value: 500", "op: over, value: 500", 20, "policy.rules[0].when.all[1].op", "Known are"),
        ("value: request_refund", "value: refund", 20, "policy.rules[0].when.all[0].value", "is never refund"),
        (
            "field: output.intent, op: in",
            "field: output.intnt, op: in",
            17,
            "policy.threshold.segments[0].when.field",
            "no output.intnt",
        ),
        ("default: {queue: general}", "default: {queue: generals}", 25, "policy.routing.default.queue", "no queue"),
        ("escalates_to: seniors", "escalates_to: cards", 27, "policy.routing.queues.cards.escalates_to", "come back"),
        ("due_in: PT4H", "due_in: 4h", 28, "policy.sla.due_in", "ISO 8601"),
        ("as: reject}", "as: approve}", 28, "policy.sla.on_breach[1].as", "reject, release"),
        ("reasons: [{code: wrong-label, label: Wrong label}], ", "", 29, "policy.review.reason_required", "no reasons"),
        ("reviewers: 2", "reviewers: 3", 26, "policy.routing.rules[0].reviewers", "between 1 and 2"),
        ("{type: string}", "{type: strin}", 5, "contract.input.properties.email.type", "not valid"),
        ("version: 1.0.0", "version: 1.0", 4, "contract.version", "in quotes"),
        ("countersign: 1", "countersign: 2", 1, "countersign", "version 1"),
        ("risk_tier: limited", "risk_tier: low", 2, "system.risk_tier", "minimal, limited, high"),
        ("output.resolved", "output.sent", 30, "webhooks[0].events[0]", "output.resolved"),
        ("https://producer", "file://producer", 30, "webhooks[0].url", "http"),
    ],
)
def test_a_mistake_is_refused_with_file_line_path_and_a_sentence(
    old: str, new: str, line: int, path: str, words: str
) -> None:
    assert old in FILE
    found = refusals(FILE.replace(old, new))
    assert any(detail.startswith(f"support.yaml:{line}: {path}: ") and words in detail for detail in found), found


def test_every_mistake_is_told_at_once() -> None:
    text = FILE.replace("default: 0.90", "default: 9").replace("rate: 0.05", "rate: 5").replace("PT4H", "4h")
    assert len(refusals(text)) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "x.yaml:2: The key a stands here twice."),
        ("a: !!python/object/apply:os.system [ls]\n", "Tags are not read"),
        ("a: &a {b: 1}\nc: {<<: *a}\n", "Merge keys"),
        ("a: &a [*a]\n", "levels deep"),
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
            "50000",
        ),
        ("[" * 70 + "]" * 70, "levels deep"),
        ("a: .nan\n", "finite"),
        ("a: 1e999\n", "finite"),
        ("1: a\n", "must be text"),
        ("a: [1\nb: 2", "not YAML"),
        ("a: b\0c", "not YAML"),
        ("", "empty"),
        ("a: 1\n---\nb: 2\n", "not YAML"),
    ],
)
def test_yaml_that_is_a_trap_is_refused(text: str, words: str) -> None:
    (detail,) = refusals(text, "x.yaml")
    assert words in detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,\n "a": 2}', "x.json:2: The key a stands here twice."),
        ('{"a": NaN}', "finite"),
        ('{"a": 1e999}', "finite"),
        ('{"a": [1,\n\n}', "x.json:3: This is not JSON"),
        ("[" * 100_000, "too deep"),
        ("[" * 80 + "]" * 80, "levels deep"),
    ],
)
def test_json_that_is_a_trap_is_refused(text: str, words: str) -> None:
    (detail,) = refusals(text, "x.json")
    assert words in detail


def test_yaml_means_what_it_looks_like() -> None:
    data = source.read("a: no\nb: 010\nc: 12:30\nd: 2026-01-01\ne: ~\nf: 0x1f\ng: 1.0.0\nh: '1'\n", is_json=False).data
    assert data == {
        "a": "no", "b": 10, "c": "12:30", "d": "2026-01-01", "e": None, "f": "0x1f", "g": "1.0.0", "h": "1",
    }  # fmt: skip


def test_nothing_is_released_because_it_is_late_on_a_high_tier() -> None:
    late = {"threshold": {"default": 1}, "sla": {"on_breach": [{"after": "PT1H", "do": "resolve", "as": "release"}]}}
    assert parse_policy(late).sla.fallback is not None
    with pytest.raises(Invalid, match="high-risk"):
        parse_policy(late, risk_tier="high")


@pytest.mark.parametrize(
    ("blocks", "path", "code"),
    [
        ({"rules": [{"id": "a", "when": {"field": "input.x", "op": "exists"}, "then": "block"}] * 2},
         "policy.rules[1].id",
         "duplicate"),
        ({"rules": [{"id": "a", "when": {"field": "input.x", "op": "exists"}, "then": "block"},
                    {"id": "b", "when": {"field": "input.x", "op": "exists"}, "then": "review"}]}, "policy.rules[1]",
         "contradiction"),
        ({"rules": {"a": 1}}, "policy.rules", "wrong-type"),
        ({"audit": {"rate": True}}, "policy.audit.rate", "not-a-share"),
        ({"audit": {"hold": True}}, "policy.audit.rate", "missing-key"),
        ({"audit": {"rate": 0.1, "hold": "no"}}, "policy.audit.hold", "wrong-type"),
        ({"threshold": {}}, "policy.threshold.default", "missing-key"),
        ({"risk": {"target": 0}}, "policy.risk.target", "out-of-range"),
        ({"review": {"undo_seconds": 1.5}}, "policy.review.undo_seconds", "wrong-type"),
        ({"review": {"reason_required": ["block"]}}, "policy.review.reason_required[0]", "unknown-choice"),
        ({"sla": {"on_breach": [{"after": "PT2H", "do": "remind"}, {"after": "PT1H", "do": "raise"}]}},
         "policy.sla.on_breach[1].after", "contradiction"),
        ({"sla": {"on_breach": [{"after": "PT2H", "do": "resolve"}]}}, "policy.sla.on_breach[0].as", "missing-key"),
        ({"sla": {"due_in": "P1M"}}, "policy.sla.due_in", "not-a-duration"),
        ({"routing": {"rules": [{"id": "a", "queue": "b"}]}}, "policy.routing.rules[0].when", "missing-key"),
    ],
)  # fmt: skip
def test_a_contradiction_in_a_policy_is_named(blocks: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_policy({"threshold": {"default": 0.9}, **blocks})
    assert (path, code) in [(problem.pointer, problem.code) for problem in refusal.value.errors]


def test_a_policy_survives_a_store_that_keeps_no_order_of_keys() -> None:
    file = read_system_file(FILE, "support.yaml")
    again = parse_policy(json.loads(canonical_bytes(file.policy.document)), contract=file.contract)
    assert again == file.policy
    assert again.digest == file.policy.digest


def test_a_policy_does_not_change_when_its_source_does() -> None:
    document: dict[str, Any] = {"threshold": {"default": 0.9}}
    own = parse_policy(document)
    document["threshold"]["default"] = 0
    assert own.document == {"threshold": {"default": 0.9}}


def test_a_field_that_the_contract_leaves_open_may_be_asked_about() -> None:
    contract = compile_contract(
        {"version": "1.0.0", "output": {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {}}}}
    )
    when = {"any": [{"field": f"output.{name}", "op": "exists"} for name in ("a.b", "c")]}
    assert parse_policy(
        {"threshold": {"default": 1}, "rules": [{"id": "r", "when": when, "then": "block"}]}, contract=contract
    )


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab-0\0é\ud800", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["default", "rules", "id", "when", "all", "field", "op", "queues", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["threshold", "rules", "audit", "routing", "sla", "review", "risk", "zz"]), junk, max_size=3
    )
)
def test_whatever_is_sent_is_read_or_refused_but_never_crashes(document: dict[str, Any]) -> None:
    try:
        own = parse_policy(document)
    except Invalid:
        with pytest.raises(Invalid) as refusal:
            parse_policy(document)
        assert refusal.value.errors
    else:
        assert same(own.document, document)


@given(st.dictionaries(st.text(max_size=4), junk, max_size=3))
def test_json_is_read_as_json_reads_it(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1)
    try:
        read = source.read(text, is_json=True)
    except Invalid:
        assert "NaN" in text or "Infinity" in text
    else:
        assert read.data == json.loads(text)
