"""Counting: what is a label, what counts as wrong, and where a window closes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.models import System
from governance.tuning import released, samples
from governance.tuning.certify import Band
from governance.tuning.samples import Sample
from tests import cast
from tests.governance.tuning.judged import outputs, several

pytestmark = pytest.mark.django_db


@pytest.fixture
def system() -> System:
    return cast.system()


def counted(system: System) -> Sample:
    scope = samples.scope(system)
    assert scope is not None
    return samples.sample(scope, in_force=900_000)


def band(sample: Sample, threshold: float) -> Band:
    return next(band for band in sample.bands if band.threshold == threshold)


def test_a_system_whose_thresholds_decided_nothing_has_no_scope(system: System) -> None:
    assert samples.scope(system) is None


def test_every_output_is_counted_once_in_the_slice_of_its_confidence(system: System) -> None:
    outputs(system, several(30, confidence=955_000) + several(8, confidence=955_000, wrong=1, audit=True))
    outputs(system, several(20, confidence=810_000, wrong=3))
    found = counted(system)
    assert band(found, 0.95) == Band(0.95, 38, 8, 1, 0, 0)
    assert band(found, 0.81) == Band(0.81, 0, 0, 0, 20, 3)
    assert (found.outputs, found.audits, found.labels) == (58, 8, 28)
    assert sum(one.total for one in found.bands) == 58


def test_a_confidence_on_an_edge_belongs_to_the_slice_above_it(system: System) -> None:
    outputs(system, several(1, confidence=900_000) + several(2, confidence=899_999, wrong=0))
    assert (band(counted(system), 0.9).total, band(counted(system), 0.89).total) == (1, 2)


def test_a_label_of_something_that_was_not_drawn_is_no_label(system: System) -> None:
    outputs(system, several(5, confidence=950_000, wrong=5) + several(2, confidence=950_000, wrong=0, audit=True))
    assert band(counted(system), 0.95) == Band(0.95, 7, 2, 0, 0, 0)


def test_what_a_rule_a_breach_or_another_model_decided_is_outside(system: System) -> None:
    outputs(system, several(4, confidence=950_000, rule="vip", lane="release"))
    outputs(system, several(4, confidence=950_000, rule="contract", lane="review", wrong=4))
    outputs(system, several(4, confidence=950_000, model_version="0"))
    outputs(system, several(3, confidence=950_000))
    assert counted(system).outputs == 3


def test_the_window_closes_at_the_first_output_that_is_still_undecided(system: System) -> None:
    now = timezone.now()
    outputs(system, several(10, confidence=800_000, wrong=1), received=now - timedelta(hours=5))
    outputs(system, several(2, confidence=800_000), received=now - timedelta(hours=4))
    outputs(system, several(6, confidence=800_000, wrong=0), received=now - timedelta(hours=3))
    found = counted(system)
    assert (found.outputs, found.undecided, found.left_out) == (10, 2, 8)
    assert found.closes == now - timedelta(hours=4)


def test_what_nobody_judged_a_week_past_its_due_time_counts_as_wrong_in_its_stratum(system: System) -> None:
    long_ago = timezone.now() - timedelta(days=7, hours=5)
    outputs(system, several(3, confidence=800_000) + several(2, confidence=950_000, audit=True), received=long_ago)
    outputs(system, several(4, confidence=800_000, wrong=0))
    found = counted(system)
    assert band(found, 0.8) == Band(0.8, 0, 0, 0, 7, 3)
    assert band(found, 0.95) == Band(0.95, 2, 2, 2, 0, 0)
    assert (found.lost, found.unjudged, found.undecided) == (3, 2, 0)


def test_a_week_past_due_less_an_hour_is_still_waited_for(system: System) -> None:
    outputs(system, several(3, confidence=800_000), received=timezone.now() - timedelta(days=7, hours=3))
    assert counted(system).undecided == 3


def test_what_ended_by_fallback_counts_as_wrong(system: System) -> None:
    outputs(system, several(5, confidence=800_000, wrong=None, resolved_by="fallback", status="rejected"))
    assert band(counted(system), 0.8) == Band(0.8, 0, 0, 0, 5, 5)


def test_a_verdict_that_can_still_be_undone_is_not_counted_yet(system: System) -> None:
    fresh = several(5, confidence=800_000, wrong=0, labelled_at=timezone.now() - timedelta(seconds=2))
    outputs(system, fresh)
    assert (counted(system).outputs, counted(system).undecided) == (0, 5)


def test_after_a_change_of_the_audit_rate_the_richer_part_is_thinned_by_its_draws(system: System) -> None:
    limit = (50_000 << 64) // 1_000_000
    outputs(system, several(40, confidence=950_000, audit=True, wrong=0, propensity=50_000))
    drawn = [f"{value:016x}" for value in (0, limit - 1, limit, limit + 1, 2**63 - 1)]
    richer = [{"confidence": 960_000, "audit": True, "wrong": True, "propensity": 500_000, "draw": d} for d in drawn]
    outputs(system, richer)
    found = counted(system)
    assert band(found, 0.96) == Band(0.96, 5, 3, 3, 0, 0)  # 0, limit - 1, and limit: draw * 10^6 < rate * 2^64
    assert (found.thinned, found.audit_rate) == (2, 50_000)


def test_draws_beyond_the_signed_range_are_compared_as_they_were_at_intake(system: System) -> None:
    outputs(system, several(1, confidence=950_000, audit=True, wrong=0, propensity=600_000))
    richer = [
        {"confidence": 960_000, "audit": True, "wrong": False, "propensity": 1_000_000, "draw": draw}
        for draw in ("8000000000000000", "ffffffffffffffff", "9999999999999999", "999999999999999a")
    ]
    outputs(system, richer)
    assert band(counted(system), 0.96).audited == 2  # 0.5 and 0.6 of 2^64, the second only just under the rate


def test_outputs_released_by_a_rule_get_a_line_of_their_own() -> None:
    vip = {"field": "output.digit", "op": "eq", "value": 7}
    system = cast.system(rules=[{"id": "vip", "when": vip, "then": "release"}])
    outputs(system, several(50, confidence=200_000, rule="vip", lane="release"))
    outputs(system, several(4, confidence=200_000, rule="vip", lane="release", audit=True, wrong=1))
    outputs(system, several(1, confidence=950_000))
    scope = samples.scope(system)
    assert scope is not None
    (line,) = released.by_rules(scope)
    assert (line.rule, line.released, line.audited, line.wrong) == ("vip", 54, 4, 1)


def test_no_line_is_asked_for_where_no_rule_releases(system: System) -> None:
    outputs(system, several(1, confidence=950_000))
    scope = samples.scope(system)
    assert scope is not None
    asked = samples.parameters(scope)
    with CaptureQueriesContext(connection) as queries:
        assert released.by_rules(scope, asked=asked) == ()
    assert len(queries) == 0


@pytest.mark.parametrize("count", [1, 400])
def test_counting_costs_one_statement_whatever_the_number_of_outputs(system: System, count: int) -> None:
    outputs(system, several(count, confidence=950_000) + several(count, confidence=500_000, wrong=0))
    scope = samples.scope(system)
    assert scope is not None
    samples.sample(scope, in_force=900_000)  # compiles the policy once a process
    with CaptureQueriesContext(connection) as queries:
        samples.sample(scope, in_force=900_000)
    assert len(queries) == 3  # the policies whose deadlines apply, what is kept, and the counts


class TestCases:
    def test_outputs_of_one_case_count_once_and_the_rest_each_for_itself(self) -> None:
        system = cast.system(threshold={"default": 1})
        outputs(system, several(40, confidence=650_000, wrong=40, case_key=7) + several(5, confidence=650_000, wrong=0))
        found = counted(system)
        assert (found.outputs, found.same_case) == (6, 39)
        assert sum(band.reviewed_wrong for band in found.bands) == 1

    def test_which_output_stands_for_its_case_does_not_depend_on_what_it_was_found_to_be(self) -> None:
        system = cast.system(threshold={"default": 1})
        for case in range(60):
            outputs(system, several(4, confidence=650_000, wrong=2, case_key=case))
        found = counted(system)
        assert found.outputs == 60
        assert 15 <= sum(band.reviewed_wrong for band in found.bands) <= 45  # half of each case is wrong
