"""What becomes of an arrival. Only a policy in force, a kept contract and a trusted confidence can release."""

from typing import Any

import pytest
from hypothesis import given

from governance.policies.judge import Verdict
from reviews.intake.arrivals import arrive
from reviews.intake.judging import Judged, pronounce
from tests.reviews.intake.sent import body
from tests.reviews.intake.test_canonical import VALUES
from tests.reviews.intake.test_proof import AT, DICE, SYSTEM, in_force


def judged(external_id: str = "one", blocks: dict[str, Any] | None = None, **parts: Any) -> Judged:
    force = in_force(**{"audit": {"rate": 0}, **(blocks or {})})
    arrival = arrive(body(external_id, **{"output": {"digit": 1}, "attributes": {"channel": "x"}} | parts))
    return pronounce(arrival, force, system=str(SYSTEM), dice=DICE, at=AT)


def test_over_the_threshold_it_is_released_by_the_policy() -> None:
    found = judged()
    assert (found.status, found.resolved_by, found.purpose) == ("released", "policy", None)


def test_under_the_threshold_people_are_asked() -> None:
    found = judged(confidence=0.5)
    assert (found.status, found.resolved_by, found.purpose) == ("in_review", None, "review")


@pytest.mark.parametrize("stated", ["0.99", True, None, -1, 2, [0.99], {"value": 1}])
def test_a_confidence_that_is_no_share_never_releases(stated: Any) -> None:
    found = judged(confidence=stated)
    assert (found.verdict.rule, found.status, found.purpose) == ("confidence", "in_review", "review")


def test_a_broken_contract_never_releases_however_confident() -> None:
    found = judged(output={"digit": 77}, confidence=1)
    assert (found.verdict.rule, found.verdict.is_breached, found.status) == ("contract", True, "in_review")


def test_without_a_policy_nothing_is_released() -> None:
    found = pronounce(arrive(body(confidence=1)), None, system=str(SYSTEM), dice=DICE, at=AT)
    assert (found.verdict.rule, found.status, found.purpose) == ("no-policy", "in_review", "review")


@given(VALUES, VALUES)
def test_only_a_trusted_confidence_over_the_threshold_in_a_kept_contract_releases(answer: Any, confidence: Any) -> None:
    found = judged(output=answer, confidence=confidence)
    if found.verdict.lane == "release":
        assert answer["digit"] in range(10)
        assert 0.9 <= confidence <= 1


def test_an_audit_is_released_at_once_and_reviewed_blind() -> None:
    found = judged(blocks={"audit": {"rate": 1}})
    assert (found.status, found.purpose, found.is_blind) == ("released", "audit", True)


def test_a_held_audit_waits_for_its_answer() -> None:
    found = judged(blocks={"audit": {"rate": 1, "hold": True}})
    assert (found.status, found.resolved_by, found.purpose, found.is_blind) == ("in_review", None, "audit", True)


def test_the_blind_share_of_reviews_is_drawn_by_the_key_and_stays() -> None:
    share = {"review": {"undo_seconds": 8, "blind_share": 0.25}}
    drawn = [judged(f"b{n}", share, confidence=0.5).is_blind for n in range(400)]
    assert 60 < sum(drawn) < 140
    assert drawn == [judged(f"b{n}", share, confidence=0.5).is_blind for n in range(400)]
    assert not judged("b", {"review": {"blind_share": 1}}, output={"digit": 77}).is_blind


def test_a_verdict_of_release_is_the_only_way_out() -> None:
    lanes = {found.verdict.lane: found.status for found in (judged(), judged(confidence=0.1), judged(output="no"))}
    assert lanes == {"release": "released", "review": "in_review"}
    assert isinstance(judged().verdict, Verdict)
