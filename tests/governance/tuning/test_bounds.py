import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from governance import tuning


@pytest.mark.parametrize("delta", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("labelled", [1, 7, 299, 2362, 40_000])
def test_clopper_pearson_equals_scipy_and_statsmodels(labelled, delta):
    for wrong in sorted({0, 1, labelled // 50, labelled // 2, labelled - 1, labelled}):
        lower = tuning.clopper_pearson_lower(wrong, labelled, delta)
        upper = tuning.clopper_pearson_upper(wrong, labelled, delta)
        theirs = proportion_confint(wrong, labelled, alpha=2 * delta, method="beta")
        assert (lower, upper) == pytest.approx(theirs, abs=1e-9)
        scipys = stats.binomtest(wrong, labelled).proportion_ci(1 - 2 * delta, method="exact")
        assert (lower, upper) == pytest.approx((scipys.low, scipys.high), abs=1e-9)


def test_nothing_labelled_bounds_nothing():
    assert tuning.clopper_pearson_upper(0, 0, 0.05) == 1.0
    assert tuning.clopper_pearson_lower(0, 0, 0.05) == 0.0


@pytest.mark.parametrize(("released", "audited", "wrong"), [(50, 10, 0), (50, 10, 3), (200, 60, 1), (30, 30, 4)])
def test_the_finite_population_bound_is_the_largest_count_not_refuted(released, audited, wrong):
    possible = range(wrong, released - (audited - wrong) + 1)
    largest = max(m for m in possible if stats.hypergeom.cdf(wrong, released, m, audited) > 0.05)
    assert tuning.most_wrong(released, audited, wrong, 0.05) == largest


def test_a_fully_audited_population_holds_no_more_wrong_than_found():
    assert tuning.most_wrong(500, 500, 7, 0.05) == 7


def test_a_finite_population_is_covered_whatever_its_true_count():
    for truly_wrong in (0, 3, 12, 40):
        found = np.arange(0, min(truly_wrong, 60) + 1)
        chance = stats.hypergeom.pmf(found, 200, truly_wrong, 60)
        covered = np.array([tuning.most_wrong(200, 60, int(e), 0.05) >= truly_wrong for e in found])
        assert chance[covered].sum() >= 0.95


def test_audits_needed_are_the_published_figures():
    table = {
        0.005: [598, 947, 1258, 1549, 2100, 3389],
        0.01: [299, 473, 628, 773, 1049, 1693],
        0.02: [149, 236, 313, 386, 523, 845],
        0.05: [59, 93, 124, 153, 208, 336],
    }
    for target, needed in table.items():
        assert [tuning.audits_needed(target, 0.05, wrong) for wrong in (0, 1, 2, 3, 5, 10)] == needed


@given(target=st.floats(0.002, 0.6), delta=st.floats(0.001, 0.5), wrong=st.integers(0, 40))
def test_audits_needed_is_the_first_number_that_proves_it(target, delta, wrong):
    needed = tuning.audits_needed(target, delta, wrong)
    assert stats.binom.cdf(wrong, needed, target) <= delta * (1 + 1e-9)
    assert needed == wrong + 1 or stats.binom.cdf(wrong, needed - 1, target) > delta * (1 - 1e-9)


@pytest.mark.parametrize(("target", "share"), [(0.01, 0.25), (0.02, 0.5), (0.05, 2 / 3)])
def test_the_planned_audits_reach_their_power_and_fewer_do_not(target, share):
    def power(audits):
        most = max((e for e in range(400) if stats.binom.cdf(e, audits, target) <= 0.05), default=-1)
        return stats.binom.cdf(most, audits, target * share)

    planned = tuning.audits_for_power(target, 0.05, target * share, 0.8)
    assert power(planned) >= 0.8
    assert max(power(audits) for audits in range(planned - 60, planned)) < 0.8


def test_a_plan_is_refused_when_the_true_risk_is_not_under_the_target():
    with pytest.raises(ValueError, match="under the target"):
        tuning.audits_for_power(0.01, 0.05, 0.01)


def test_all_looks_together_spend_no_more_than_delta():
    assert tuning.spent_at_look(0.05, 1) == 0.025
    assert math.fsum(tuning.spent_at_look(0.05, k) for k in range(1, 20_000)) == pytest.approx(0.05, rel=1e-3)
    assert math.fsum(tuning.spent_at_look(0.05, k) for k in range(1, 20_000)) < 0.05
    with pytest.raises(ValueError, match="from 1"):
        tuning.spent_at_look(0.05, 0)


def test_reviewers_who_miss_errors_make_the_target_stricter():
    corrected = tuning.correct_for_sensitivity(0.02, 0.05, found=80, seeded=100)
    lower = stats.binomtest(80, 100).proportion_ci(1 - 2 * 0.01, method="exact").low
    assert corrected.sensitivity_lower == pytest.approx(lower, abs=1e-9)
    assert corrected.target == pytest.approx(0.02 * lower)
    assert corrected.delta == pytest.approx(0.04)


def test_reviewers_never_tested_leave_nothing_to_certify_with():
    assert tuning.correct_for_sensitivity(0.02, 0.05, found=0, seeded=0).target == 0.0


def test_an_e_value_is_on_average_at_most_one_at_the_target():
    """Expected over the whole sampling: each output is labelled with its propensity and is wrong at the target rate."""
    target, groups = 0.05, [(6, 1.0), (5, 0.4)]
    mean = 0.0
    outcomes = [[(n, e) for n in range(size + 1) for e in range(n + 1)] for size, _ in groups]
    for first in outcomes[0]:
        for second in outcomes[1]:
            chance = 1.0
            for (size, propensity), (n, e) in zip(groups, (first, second), strict=True):
                chance *= stats.binom.pmf(n, size, propensity) * stats.binom.pmf(e, n, target)
            value = tuning.e_value((first[0], second[0]), (first[1], second[1]), [p for _, p in groups], target)
            mean += chance * value
    assert mean == pytest.approx(1.0, abs=1e-9)


def test_clean_audits_certify_by_e_value_later_than_by_the_exact_test_and_not_never():
    labels = next(n for n in range(1, 5_000) if tuning.e_value([n], [0], [0.05], 0.01) >= 20)
    assert tuning.audits_needed(0.01, 0.05) < labels < 700


def test_an_e_value_of_a_huge_window_is_still_a_number():
    assert math.isfinite(tuning.e_value([10_000_000], [100], [0.05], 0.02))
    assert tuning.e_value([10_000_000], [900_000], [0.05], 0.02) == 0.0


def test_a_propensity_of_zero_is_refused():
    with pytest.raises(ValueError, match="propensity"):
        tuning.e_value([10], [0], [0.0], 0.02)


@pytest.mark.parametrize(("target", "share"), [(0.02, 0.5), (0.02, 0.25), (0.05, 0.5), (0.05, 2 / 3), (0.01, 0.5)])
def test_no_smaller_number_of_audits_has_the_power_that_is_planned(target: float, share: float) -> None:
    planned = tuning.audits_for_power(target, 0.05, target * share, 0.8)
    allowed = -1
    for audits in range(1, planned + 1):
        while stats.binom.cdf(allowed + 1, audits, target) <= 0.05:
            allowed += 1
        power = stats.binom.cdf(allowed, audits, target * share) if allowed >= 0 else 0.0
        assert bool(power >= 0.8) == (audits == planned)
