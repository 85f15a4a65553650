"""What is refused in a policy as a whole, and what is only told: contradictions, overlaps, gaps, idle rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contracts.schema import compile_contract
from governance.policies import checks, witnesses
from governance.policies.candidate import Candidate
from governance.policies.conditions import Condition
from governance.policies.document import parse_policy
from governance.policies.judge import judge
from governance.refusals import Invalid
from tests import cast
from tests.governance.policies import invented
from tests.governance.policies.asking import candidates, conditions
from tests.governance.policies.invented import NEVER, ask, policy, rule

amount = "input.amount"


def refused(**blocks: Any) -> list[tuple[str, str]]:
    contract = compile_contract(cast.contract())
    try:
        parse_policy({"threshold": {"default": 0.9}, **blocks}, contract=contract)
    except Invalid as refusal:
        return [(problem.pointer, problem.code) for problem in refusal.errors]
    return []


def warned(**blocks: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [(warning.code, warning.at, warning.example) for warning in checks.warnings(policy(**blocks))]


def test_two_rules_that_contradict_are_refused() -> None:
    over_500, over_900 = ask(amount, "gt", 500), ask(amount, "gt", 900)
    assert refused(rules=[rule("review", over_500, "large"), rule("block", over_900, "huge")]) == [
        ("policy.rules[1]", "contradiction")
    ]
    assert refused(rules=[rule("block", over_900, "huge"), rule("review", over_500, "large")]) == []


@pytest.mark.parametrize(
    "when",
    [
        {"all": [ask(amount, "gt", 5), ask(amount, "lt", 5)]},
        {"all": [ask("input.kind", "eq", "a"), ask("input.kind", "in", ["b", "c"])]},
        {"all": [ask("confidence", "ge", 0.9), ask("confidence", "lt", 0.9)]},
        {"all": [ask("received.weekday", "in", [6, 7]), ask("received.weekday", "lt", 6)]},
        {"not": {"any": [ask(amount, "exists", True), ask(amount, "exists", False)]}},
    ],
)
def test_a_rule_that_can_never_fire_is_refused(when: dict[str, Any]) -> None:
    assert refused(rules=[rule("block", when)]) == [("policy.rules[0]", "never")]


def test_rules_that_together_leave_nothing_for_a_later_one_are_seen_through() -> None:
    low, high = ask(amount, "le", 10), ask(amount, "gt", 5)
    both = [rule("review", low, "low"), rule("review", high, "high")]
    assert refused(rules=[*both, rule("block", ask(amount, "eq", 7), "seven")]) == [
        ("policy.rules[2]", "contradiction")
    ]
    # A text is of another kind, so the first rule is undecided and sends it to a person: nothing is left.
    assert refused(rules=[*both, rule("block", ask(amount, "exists", True), "any")]) == [("policy.rules[2]", "never")]
    quiet = [
        rule("review", low | {"on_missing": "false"}, "low"),
        rule("review", high | {"on_missing": "false"}, "high"),
    ]
    assert refused(rules=[*quiet, rule("block", ask(amount, "exists", True), "any")]) == []


def test_a_segment_in_the_shadow_of_another_is_refused() -> None:
    segments = [
        {"id": "cards", "when": ask("input.kind", "in", ["a", "b"]), "threshold": 0.97},
        {"id": "arrivals", "when": ask("input.kind", "eq", "a"), "threshold": 0.5},
    ]
    assert refused(threshold={"default": 0.9, "segments": segments}) == [
        ("policy.threshold.segments[1]", "contradiction")
    ]
    assert refused(threshold={"default": 0.9, "segments": segments[::-1]}) == []


def test_a_queue_that_does_not_exist_is_refused() -> None:
    routing = {"default": {"queue": "nowhere"}, "queues": {"general": {}}}
    assert refused(routing=routing) == [("policy.routing.default.queue", "unknown-queue")]


def test_patterns_are_never_called_impossible() -> None:
    when = {"all": [ask("input.kind", "matches", "^a"), ask("input.kind", "matches", "^b")]}
    assert refused(rules=[rule("block", when)]) == []


def test_an_overlap_is_told_with_an_output_that_shows_it() -> None:
    rules = [rule("block", ask(amount, "gt", 500), "large"), rule("review", ask("input.kind", "eq", "a"), "kind-a")]
    (code, at, example), *_ = warned(rules=rules)
    assert (code, at) == ("overlap", "policy.rules[1]")
    assert example["input.amount"] > 500
    assert example["input.kind"] == "a"


def test_a_gap_between_two_ranges_is_told_with_the_value_that_falls_through() -> None:
    rules = [rule("review", ask(amount, "lt", 100), "low"), rule("block", ask(amount, "gt", 100), "high")]
    assert ("gap", "policy.rules[1]", {"input.amount": 100}) in warned(rules=rules)
    closed = [rule("review", ask(amount, "le", 100), "low"), rule("block", ask(amount, "gt", 100), "high")]
    assert [code for code, *_ in warned(rules=closed)] == []


def test_a_rule_that_changes_nothing_is_told() -> None:
    idle = rule("review", ask("confidence", "lt", 0.5, on_missing="false"), "unsure")
    assert warned(rules=[idle]) == [("dead-rule", "policy.rules[0]", {"confidence": 0.0})]
    needed = rule("review", ask("confidence", "lt", 0.95, on_missing="false"), "unsure")
    assert warned(rules=[needed]) == []


def test_a_routing_rule_that_is_never_reached_is_told() -> None:
    wide, narrow = ask("input.kind", "in", ["a", "b"]), ask("input.kind", "eq", "a")
    rules = [{"id": "wide", "when": wide, "queue": "one"}, {"id": "narrow", "when": narrow, "queue": "two"}]
    assert [(code, at) for code, at, _ in warned(routing={"rules": rules})][-1] == (
        "dead-rule", "policy.routing.rules[1]",
    )  # fmt: skip


def test_a_large_document_is_checked_within_its_bound() -> None:
    def when(n: int) -> dict[str, Any]:
        return {"all": [ask(f"input.f{n % 9}", "gt", n), ask(f"input.g{n % 7}", "eq", n)]}

    rules = [rule("review" if n % 2 else "block", when(n), f"r{n}") for n in range(120)]
    assert refused(rules=rules) == []
    assert len(warned(rules=rules)) <= checks.MOST_WARNINGS


@given(st.lists(st.tuples(conditions(), st.sampled_from([True, False, None])), min_size=1, max_size=3), candidates)
def test_what_is_called_impossible_no_output_does(wanted: list[tuple[Condition, Any]], output: Candidate) -> None:
    search = witnesses.find(wanted, witnesses.Budget())
    if search.is_impossible:
        assert not all(condition.evaluate(output) is answer for condition, answer in wanted)


@settings(max_examples=200)
@given(invented.documents, st.lists(invented.candidates, min_size=5, max_size=20))
def test_a_refused_rule_never_decides(document: Any, outputs: list[Candidate]) -> None:
    read = policy(**document)
    dead = {problem.pointer for problem in checks.contradictions(read)}
    verdicts = [judge(read, output, draw=NEVER) for output in outputs]
    for place, one in enumerate(read.rules):
        if f"policy.rules[{place}]" in dead:
            for verdict in verdicts:
                assert not any(step["rule"] == one.id and step["result"] is True for step in verdict.trace)


@given(invented.documents)
def test_every_example_of_an_overlap_meets_both(document: Any) -> None:
    read = policy(**document)
    whens = {one.id: one.when for one in (*read.rules, *read.threshold.segments)}
    for warning in checks.warnings(read):
        if warning.code == "overlap":
            names = [word.rstrip(";") for word in warning.sentence.split() if word.rstrip(";") in whens]
            values = witnesses.Example(dict(warning.example))
            for name in names:
                assert whens[name].evaluate(values.candidate(whens[name].fields)) is True
