"""What a policy says of an output, and what it can never say."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policies.candidate import Candidate
from governance.policies.canonical import canonical_bytes
from governance.policies.document import parse_policy
from governance.policies.judge import confidence_millionths, draw_of, is_drawn, judge
from governance.policies.plan import restored
from governance.refusals import Problem
from tests.governance.policies.invented import ALWAYS, NEVER, ask, candidates, documents, draws, policy, rule, shares


def test_the_threshold_decides_and_says_so() -> None:
    under, over = (judge(policy(), Candidate(value), draw=NEVER) for value in (620_000, 900_000))
    assert (under.lane, under.rule, under.because) == ("review", "threshold:default", "Confidence 0.62 is under 0.90.")
    assert (under.threshold, under.segment, under.propensity) == (900_000, None, 1_000_000)
    assert (over.lane, over.because, over.propensity) == ("release", "Confidence 0.90 is at least 0.90.", 50_000)


def test_the_first_rule_that_matches_decides() -> None:
    own = policy(rules=[rule("block", name="first"), rule("release", ask("input.x", "gt", 4), name="second")])
    blocked = judge(own, Candidate(1_000_000, {"x": 6}), draw=ALWAYS)
    assert (blocked.lane, blocked.rule, blocked.propensity, blocked.is_audit) == ("block", "first", 0, False)
    released = judge(own, Candidate(1, {"x": 5}), draw=NEVER)
    assert (released.lane, released.rule, released.because) == (
        "release", "second", "When x is over 4, it goes out alone.",
    )  # fmt: skip
    assert released.conditions == [{"rule": "first", "result": False}, {"rule": "second", "result": True}]
    assert released.trace[1] == {"rule": "second", "result": True, "then": "release", "values": {"input.x": 5}}


def test_a_segment_has_its_own_threshold() -> None:
    own = policy(threshold={"default": 0.9, "segments": [
        {"id": "cards", "when": ask("output.intent", "in", ["card"]), "threshold": 0.97}]})  # fmt: skip
    verdict = judge(own, Candidate(960_000, {}, {"intent": "card"}), draw=NEVER)
    assert (verdict.lane, verdict.rule, verdict.segment, verdict.threshold) == (
        "review", "threshold:cards", "cards", 970_000,
    )  # fmt: skip
    assert judge(own, Candidate(960_000, {}, {"intent": "other"}), draw=NEVER).rule == "threshold:default"
    lost = judge(own, Candidate(1_000_000, {}, {}), draw=NEVER)
    assert (lost.lane, lost.rule) == ("review", "segment:cards")


@pytest.mark.parametrize("then", ["release", "review", "block"])
def test_a_missing_field_sends_the_output_to_a_person_and_is_named(then: str) -> None:
    verdict = judge(policy(rules=[rule(then)]), Candidate(1_000_000, {}), draw=NEVER)
    assert (verdict.lane, verdict.rule, verdict.trace[0]["result"]) == ("review", "the-rule", "missing")
    assert verdict.because == "Rule the-rule could not be decided: input.x is missing."
    mistyped = judge(policy(rules=[rule(then)]), Candidate(1_000_000, {"x": "6"}), draw=NEVER)
    assert mistyped.because.endswith("input.x is of another kind than it is compared with.")


def test_a_broken_contract_never_releases_however_confident() -> None:
    own = policy(threshold={"default": 0}, rules=[rule("release", {"field": "input.x", "op": "exists"})])
    broken = Candidate(1_000_000, {"x": 1}, problems=(Problem("/output/y", "required", "It is missing."),))
    verdict = judge(own, broken, draw=NEVER)
    assert (verdict.lane, verdict.rule, verdict.is_breached) == ("review", "contract", True)
    assert verdict.because == "The contract is broken at /output/y: It is missing."


def test_a_halt_comes_before_all_else() -> None:
    own = policy(rules=[rule("release", {"field": "input.x", "op": "exists"})])
    assert judge(own, Candidate(1_000_000, {"x": 1}), draw=NEVER, halted=True).rule == "halt"


def test_an_unapproved_policy_releases_nothing_on_a_high_tier() -> None:
    verdicts = {
        tier: judge(policy(), Candidate(1_000_000), draw=NEVER, unapproved=True, risk_tier=tier).rule
        for tier in ("minimal", "limited", "high")
    }
    assert verdicts == {
        "minimal": "threshold:default", "limited": "threshold:default", "high": "unapproved-policy",
    }  # fmt: skip


def test_an_error_while_judging_means_review_and_tells_only_its_kind() -> None:
    class Trap(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise LookupError("s3cret")

    verdict = judge(policy(rules=[rule("release")]), Candidate(1_000_000, Trap()), draw=NEVER)
    assert (verdict.lane, verdict.rule, verdict.propensity) == ("review", "judging-error", 1_000_000)
    assert "LookupError" in verdict.because
    assert "s3cret" not in str(verdict)


bad_confidences: st.SearchStrategy[Any] = (
    st.sampled_from([float("nan"), float("inf"), float("-inf"), None, True, False, "0.99", [], Decimal("NaN"), 2, -1])
    | st.floats(min_value=1.0000000000000002)
    | st.floats(max_value=-5e-324)
    | st.integers(min_value=2)
)


@given(bad_confidences, st.sampled_from([0, 0.5, 1]), st.booleans())
def test_a_confidence_that_is_none_can_never_release(value: Any, threshold: float, by_rule: bool) -> None:
    assert confidence_millionths(value) is None
    rules = [rule("release", {"field": "input.x", "op": "exists"})] if by_rule else []
    own = policy(threshold={"default": threshold}, rules=rules)
    verdict = judge(own, Candidate(confidence_millionths(value), {"x": 1}), draw=NEVER)
    assert (verdict.lane, verdict.rule) == ("review", "confidence")
    # Nor does one that slipped past intake; a small integer would be taken for millionths.
    if type(value) is not int or not 0 <= value <= 1_000_000:
        assert judge(own, Candidate(value, {"x": 1}), draw=NEVER).lane == "review"


@given(st.floats(0, 1) | st.sampled_from([0, 1, 0.29, 0.57, 0.999999999, 1e-7, 5e-324]))
def test_confidence_is_floored_exactly(value: float) -> None:
    millionths = confidence_millionths(value)
    assert millionths is not None
    assert Decimal(millionths) <= Decimal(repr(value)) * 1_000_000 < millionths + 1


def test_confidence_of_many_digits_is_floored_not_rounded() -> None:
    assert confidence_millionths(Decimal("0." + "9" * 60)) == 999_999
    assert confidence_millionths(Decimal("1E-400")) == 0


@given(st.integers(0, 2**64 - 1), st.integers(0, 1_000_000))
def test_the_audit_is_drawn_in_integers(draw: int, rate: int) -> None:
    own = policy(audit={"rate": rate / 1_000_000, "hold": True})
    assert own.audit.rate == rate
    verdict = judge(own, Candidate(1_000_000), draw=draw)
    assert verdict.is_audit is verdict.is_held is is_drawn(draw, rate) is (draw * 10**6 < rate * 2**64)
    assert (verdict.lane, verdict.propensity) == ("release", rate)


def test_releases_by_a_rule_are_audited_at_the_same_rate_and_reviews_are_not() -> None:
    own = policy(rules=[rule("release")])
    assert judge(own, Candidate(0, {"x": 6}), draw=ALWAYS)[5:8] == (50_000, True, False)
    assert judge(own, Candidate(0, {"x": 1}), draw=ALWAYS)[5:8] == (1_000_000, False, False)


def test_the_draw_is_sticky_and_keyed() -> None:
    expected = hmac.new(b"key", b"sys\0msg-1", hashlib.sha256).digest()[:8]
    assert draw_of(b"key", "sys", "msg-1") == int.from_bytes(expected, "big")
    assert draw_of(b"other", "sys", "msg-1") != draw_of(b"key", "sys", "msg-1")


@given(documents, candidates, draws)
def test_judging_is_deterministic_and_its_record_is_evidence(
    data: dict[str, Any], given_: Candidate, draw: int
) -> None:
    own = parse_policy(data)
    verdict = judge(own, given_, draw=draw)
    assert verdict.rule != "judging-error"
    assert verdict == judge(parse_policy(json.loads(canonical_bytes(data))), given_, draw=draw)
    assert b"." not in canonical_bytes(verdict.conditions)
    values = {name: restored(kept) for name, kept in json.loads(canonical_bytes(verdict.gate_inputs)).items()}
    again = Candidate(
        given_.confidence,
        {name.removeprefix("input."): value for name, value in values.items() if name.startswith("input.")},
        {name.removeprefix("output."): value for name, value in values.items() if name.startswith("output.")},
        received_at=given_.received_at,
    )
    rerun = judge(own, again, draw=draw)
    assert (rerun.lane, rerun.rule, rerun.conditions, rerun.gate_inputs) == (
        verdict.lane, verdict.rule, verdict.conditions, verdict.gate_inputs,
    )  # fmt: skip


@given(documents, candidates, shares)
def test_raising_the_threshold_never_releases_more(data: dict[str, Any], given_: Candidate, raised: float) -> None:
    higher = {**data, "threshold": {**data["threshold"], "default": max(raised, data["threshold"]["default"])}}
    if judge(parse_policy(higher), given_, draw=NEVER).lane == "release":
        assert judge(parse_policy(data), given_, draw=NEVER).lane == "release"


@given(documents, candidates, st.integers(0, 1_000_000))
def test_more_confidence_never_turns_a_release_into_a_review(
    data: dict[str, Any], given_: Candidate, more: int
) -> None:
    surer = Candidate(max(more, given_.confidence or 0), given_.input, given_.output, received_at=given_.received_at)
    if judge(parse_policy(data), given_, draw=NEVER).lane == "release":
        assert judge(parse_policy(data), surer, draw=NEVER).lane == "release"
