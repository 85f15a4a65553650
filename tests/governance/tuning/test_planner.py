"""The planner: audits, rate and days; and that following its plan certifies as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.tuning import audits_for_power, audits_needed
from governance.tuning.bounds import clopper_pearson_upper
from governance.tuning.planner import band_needs, plan

USUAL = {"target": 0.02, "delta": 0.05, "expected_risk": 0.01, "released_per_day": 1000.0, "rate": 0.05}


def test_it_names_audits_days_and_the_rate_that_is_quick_enough():
    found = plan(**USUAL)
    assert (found.audits, found.at_best, found.more) == (969, 149, 969)
    assert found.days == pytest.approx(969 / 50)
    assert found.rate_needed == pytest.approx(969 / 30_000)


def test_what_is_there_already_counts():
    assert plan(**USUAL, have=900).more == 69
    assert plan(**USUAL, have=5000).days == 0.0


def test_where_nothing_flows_it_names_no_day():
    assert plan(**{**USUAL, "rate": 0.0}).days is None
    assert plan(**{**USUAL, "released_per_day": 0.0}).rate_needed is None
    assert plan(**{**USUAL, "released_per_day": 5.0}).rate_needed is None


@pytest.mark.parametrize("wrong", [{"expected_risk": 0.02}, {"rate": 1.5}, {"released_per_day": -1.0}, {"have": -1}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011  several sentences
        plan(**{**USUAL, **wrong})


def test_four_of_five_who_follow_the_plan_are_certified():
    found, rng = plan(**USUAL), np.random.default_rng(3)
    wrong = rng.binomial(found.audits, found.expected_risk, 4000)
    passing = np.mean([clopper_pearson_upper(int(each), found.audits, 0.05) <= 0.02 for each in wrong])
    assert passing >= 0.8 - 3 * (0.8 * 0.2 / 4000) ** 0.5
    assert found.audits == audits_for_power(0.02, 0.05, 0.01)


@given(st.floats(0.005, 0.3), st.integers(0, 400), st.integers(0, 5))
def test_with_what_a_band_needs_it_is_shown_to_be_under_the_target_and_with_one_less_it_is_not(target, labels, wrong):
    labels = max(labels, wrong)
    more = band_needs(target=target, delta=0.05, labels=labels, wrong=wrong)
    assert clopper_pearson_upper(wrong, labels + more, 0.05) <= target + 1e-12
    if more:
        assert audits_needed(target, 0.05, wrong) == labels + more
