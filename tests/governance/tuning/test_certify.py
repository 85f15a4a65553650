import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import tuning
from governance.tuning import Band, strata

# BANKING77, 13,083 predictions, audits at 30 % from 0.90 up: threshold, outputs, labels, wrong labels of the slice.
ABOVE = [(0.95, 6351, 1876, 14), (0.90, 1677, 486, 14)]
BELOW = [
    (0.89, 225, 8), (0.88, 195, 7), (0.87, 168, 5), (0.86, 155, 6), (0.85, 170, 6), (0.84, 151, 9), (0.83, 113, 8),
    (0.82, 127, 9), (0.81, 99, 6), (0.80, 93, 12), (0.0, 3559, 900),
]  # fmt: skip
GOLDEN = [Band(t, n, labelled, wrong, 0, 0) for t, n, labelled, wrong in ABOVE] + [
    Band(t, 0, 0, 0, n, wrong) for t, n, wrong in BELOW
]


def released(threshold, n, audited, wrong):
    return Band(threshold, n, audited, wrong, 0, 0)


def reviewed(threshold, n, wrong):
    return Band(threshold, 0, 0, 0, n, wrong)


def test_the_golden_example_is_certified_at_its_threshold():
    certificate = tuning.certify(GOLDEN, in_force=0.90, target=0.02, delta=0.05)
    assert (certificate.state, certificate.threshold) == ("certified", 0.83)
    assert [step.threshold for step in certificate.steps] == [0.90, 0.89, 0.88, 0.87, 0.86, 0.85, 0.84, 0.83, 0.82]
    last, failed = certificate.steps[-2:]
    assert last.p == pytest.approx(0.03188, abs=1e-4)
    assert last.released_share == pytest.approx(0.7036, abs=5e-5)
    assert last.estimate == pytest.approx(0.015662, abs=1e-6)
    assert last.most_wrong == 173
    assert last.marginal_estimate == pytest.approx(49 / 1177)
    assert last.estimate < last.upper_bound <= 0.02 < failed.upper_bound
    assert not failed.passed
    assert failed.p == pytest.approx(0.0601, abs=1e-4)


def test_the_first_failure_ends_the_test_even_when_a_lower_threshold_would_pass():
    bands = [released(0.9, 4000, 1000, 5), reviewed(0.8, 300, 60), reviewed(0.5, 20_000, 20), reviewed(0.0, 100, 90)]
    certificate = tuning.certify(bands, in_force=0.9, target=0.012, delta=0.05)
    assert certificate.threshold == 0.9
    assert [step.passed for step in certificate.steps] == [True, False]
    assert tuning.p_value((20_300, 4000), (20_300, 1000), (80, 5), 0.012) <= 0.05


def test_the_first_time_testing_starts_where_thirty_per_cent_are_covered():
    bands = [reviewed(0.95, 100, 0), reviewed(0.9, 250, 0), reviewed(0.8, 250, 1), reviewed(0.0, 400, 200)]
    certificate = tuning.certify(bands, in_force=None, target=0.02, delta=0.05)
    assert [step.threshold for step in certificate.steps] == [0.9, 0.8, 0.0]
    assert certificate.threshold == 0.8
    assert certificate.lower_bound is None


def test_a_threshold_in_force_that_releases_nothing_counts_as_the_first_time():
    bands = [reviewed(0.95, 100, 0), reviewed(0.9, 250, 0), reviewed(0.0, 650, 200)]
    started = tuning.certify(bands, in_force=1.0, target=0.02, delta=0.05).steps[0].threshold
    empty_top = tuning.certify([reviewed(1.0, 0, 0), *bands], in_force=1.0, target=0.02, delta=0.05).steps[0].threshold
    assert started == empty_top == 0.9


def test_a_threshold_between_two_edges_is_tested_from_the_edge_above():
    certificate = tuning.certify(GOLDEN, in_force=0.893, target=0.02, delta=0.05)
    assert certificate.steps[0].threshold == 0.90


def test_a_window_in_which_the_threshold_moved_pools_released_and_reviewed_of_a_slice():
    moved = [released(0.9, 8028, 2362, 28), Band(0.85, 300, 90, 1, 613, 22), reviewed(0.0, 3000, 800)]
    step = tuning.certify(moved, in_force=0.9, target=0.02, delta=0.05).steps[1]
    assert step.n_total == (613, 8328)
    assert step.n_labelled == (613, 2452)
    assert step.wrong == (22, 29)
    assert step.p == tuning.p_value(step.n_total, step.n_labelled, step.wrong, 0.02)


def test_too_few_audits_prove_nothing_and_say_how_many_are_missing():
    certificate = tuning.certify(
        [released(0.9, 5000, 100, 0), reviewed(0.0, 500, 90)], in_force=0.9, target=0.01, delta=0.05
    )
    assert (certificate.state, certificate.threshold) == ("unproven", None)
    assert certificate.more_audits == 199


@pytest.mark.parametrize(("audited", "wrong"), [(150, 1), (300, 3), (700, 8)])
def test_with_the_audits_asked_for_at_the_same_rate_the_test_passes(audited, wrong):
    certificate = tuning.certify([released(0.9, 50_000, audited, wrong)], in_force=0.9, target=0.02, delta=0.05)
    enough = audited + certificate.more_audits
    then_wrong = -(-wrong * enough // audited)
    assert tuning.p_value((0, 50_000), (0, enough), (0, then_wrong), 0.02) <= 0.05


def test_the_golden_failure_says_about_how_many_audits_are_missing():
    more = tuning.certify(GOLDEN, in_force=0.90, target=0.02, delta=0.05).more_audits
    labels, wrong = 2362 + more, -(-28 * (2362 + more) // 2362)
    assert tuning.p_value((1304, 8028), (1304, labels), (58, wrong), 0.02) <= 0.05
    assert more < 1500


def test_no_number_of_audits_is_promised_when_the_rate_itself_is_too_high():
    bands = [released(0.9, 5000, 200, 5), reviewed(0.0, 500, 90)]
    certificate = tuning.certify(bands, in_force=0.9, target=0.02, delta=0.05)
    assert (certificate.state, certificate.more_audits) == ("unproven", None)


def test_a_policy_whose_lower_bound_exceeds_the_target_is_violated():
    certificate = tuning.certify([released(0.9, 5000, 400, 30)], in_force=0.9, target=0.02, delta=0.05)
    assert (certificate.state, certificate.threshold) == ("violated", None)
    assert certificate.lower_bound == tuning.clopper_pearson_lower(30, 400, 0.05)
    assert certificate.lower_bound > 0.02


def test_what_is_only_over_the_target_that_reviewers_leave_is_not_violated():
    # 22 of 1,000 wrong: at least 1.5 %. That is over 1.4 %, what is left of 2 % where reviewers may miss three in ten.
    bands = [released(0.9, 50_000, 1000, 22)]
    left, own = (tuning.certify(bands, in_force=0.9, target=0.014, delta=0.05, goal=goal) for goal in (0.02, None))
    assert left.lower_bound is not None
    assert 0.014 < left.lower_bound < 0.02
    assert (left.state, own.state) == ("unproven", "violated")
    worse = tuning.certify([released(0.9, 50_000, 1000, 32)], in_force=0.9, target=0.014, delta=0.05, goal=0.02)
    assert worse.state == "violated"


@pytest.mark.parametrize("goal", [0.019, 1.0, float("nan")])
def test_the_promised_target_is_never_under_the_tested_one(goal: float):
    with pytest.raises(ValueError, match="promised"):
        tuning.certify([released(0.9, 5000, 400, 3)], in_force=0.9, target=0.02, delta=0.05, goal=goal)


def test_without_a_threshold_in_force_nothing_is_violated():
    certificate = tuning.certify(
        [reviewed(0.9, 5000, 400), reviewed(0.0, 500, 400)], in_force=None, target=0.02, delta=0.05
    )
    assert certificate.state == "unproven"


def test_released_outputs_without_an_audit_certify_nothing():
    certificate = tuning.certify([released(0.9, 5000, 0, 0)], in_force=0.9, target=0.02, delta=0.05)
    assert (certificate.state, certificate.steps[0].estimate, certificate.steps[0].upper_bound) == (
        "unproven",
        None,
        1.0,
    )
    assert certificate.more_audits == tuning.audits_needed(0.02, 0.05)


@pytest.mark.parametrize("bands", [[], [reviewed(0.9, 0, 0), reviewed(0.0, 0, 0)]])
def test_an_empty_window_certifies_nothing(bands):
    certificate = tuning.certify(bands, in_force=None, target=0.02, delta=0.05)
    assert (certificate.state, certificate.threshold, certificate.steps) == ("unproven", None, ())


def test_bands_out_of_order_or_twice_are_refused():
    for bands in ([released(0.8, 1, 0, 0), released(0.9, 1, 0, 0)], [released(0.9, 1, 0, 0), released(0.9, 1, 0, 0)]):
        with pytest.raises(ValueError, match="highest confidence down"):
            tuning.certify(bands, in_force=0.9, target=0.02, delta=0.05)


@pytest.mark.parametrize("wrong", [{"target": 0.0}, {"delta": 1.0}, {"in_force": 1.2}])
def test_shares_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="between"):
        tuning.certify(GOLDEN, **{"in_force": 0.9, "target": 0.02, "delta": 0.05, **wrong})


@pytest.mark.parametrize("counts", [(10, 11, 0, 0, 0), (10, 5, 6, 0, 0), (0, 0, 0, 5, 6), (-1, 0, 0, 0, 0)])
def test_a_band_with_impossible_counts_cannot_be_made(counts):
    with pytest.raises(ValueError, match="Counts"):
        Band(0.9, *counts)


def test_a_certificate_cannot_be_changed():
    certificate = tuning.certify(GOLDEN, in_force=0.90, target=0.02, delta=0.05)
    with pytest.raises(FrozenInstanceError):
        certificate.threshold = 0.5


slices = st.lists(
    st.tuples(st.booleans(), st.integers(0, 400), st.integers(0, 400), st.integers(0, 20)), min_size=1, max_size=6
)


@settings(max_examples=40)
@given(slices=slices, in_force=st.sampled_from([None, 1.0, 0.9, 0.7, 0.42]), target=st.floats(0.01, 0.3))
def test_only_a_threshold_whose_test_passed_after_an_unbroken_chain_is_certified(slices, in_force, target):
    bands = []
    for i, (out, labels, others, errors) in enumerate(slices):
        wrong = min(errors, labels)
        edge = round(0.95 - 0.05 * i, 2)
        bands.append(released(edge, labels + others, labels, wrong) if out else reviewed(edge, labels, wrong))
    certificate = tuning.certify(bands, in_force=in_force, target=target, delta=0.05)
    passed = [step for step in certificate.steps if step.passed]
    assert all(step.passed for step in certificate.steps[:-1])
    assert certificate.threshold == (passed[-1].threshold if passed else None)
    assert (certificate.state == "certified") == bool(passed)
    for step in certificate.steps:
        assert step.passed == (step.p <= 0.05) == (step.upper_bound <= target)
        assert 0 <= step.released_share <= 1
        assert step.most_wrong >= sum(step.wrong)
    # One more wrong label in the first slice never lowers what is certified.
    first = bands[0]
    if first.audited_wrong < first.audited:
        worse = tuning.certify(
            [replace(first, audited_wrong=first.audited_wrong + 1), *bands[1:]],
            in_force=in_force,
            target=target,
            delta=0.05,
        )
        assert len(worse.steps) <= len(certificate.steps)


def test_a_threshold_of_a_chain_with_its_bound_takes_a_handful_of_exact_tests(monkeypatch):
    """What it costs, in work and not in time: `make bench BENCH_ARGS='--only tuning'` has the seconds."""
    bands = [released(0.9, 8028, 2362, 28)] + [reviewed(round(0.89 - 0.01 * i, 2), 100, 4) for i in range(80)]
    tested, exact_p = [], strata.exact_p

    def counted(*asked):
        tested.append(asked)
        return exact_p(*asked)

    monkeypatch.setattr(strata, "exact_p", counted)
    certificate = tuning.certify(bands, in_force=0.9, target=0.05, delta=0.05)
    assert len(certificate.steps) >= 60
    assert len(tested) <= len(certificate.steps), "one a threshold, and a bound only when it is asked for"
    assert all(step.estimate < step.upper_bound for step in certificate.steps)
    assert len(tested) <= 7 * len(certificate.steps)


def test_the_core_imports_neither_a_framework_nor_a_table():
    code = "import sys, governance.tuning; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
