from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import tuning
from governance.tuning import Band, Prices, Traffic

TRAFFIC, PRICES = Traffic(1000, 0.05), Prices(review=1.5, wrong_release=40)
BANDS = [Band(0.9, 8028, 2362, 28, 0, 0), Band(0.83, 0, 0, 0, 1177, 49), Band(0.0, 0, 0, 0, 3878, 940)]


def window(rng, n=4000, in_force=0.8, rate=0.1):
    confidence = (rng.random(n) ** 0.4 * 1_000_000).astype(np.int64)
    released = confidence >= in_force * 1_000_000
    labelled = ~released | (rng.random(n) < rate)
    wrong = rng.random(n) < 0.4 * (1 - confidence / 1_000_000)
    return confidence, released, labelled, wrong


def test_every_output_is_counted_in_exactly_one_slice():
    confidence, released, labelled, wrong = window(np.random.default_rng(1))
    bands = tuning.bands_from(confidence, released, labelled, wrong, [0.95, 0.9, 0.8, 0.5])
    assert [band.threshold for band in bands] == [0.95, 0.9, 0.8, 0.5, 0.0]
    for band, higher in zip(bands, [1.1] + [band.threshold for band in bands], strict=False):
        inside = (confidence >= round(band.threshold * 1e6)) & (confidence < round(higher * 1e6))
        audited = inside & released & labelled
        expected = [inside & released, audited, audited & wrong, inside & ~released, inside & ~released & wrong]
        assert astuple(band)[1:] == tuple(int(mask.sum()) for mask in expected)


def test_an_output_exactly_at_a_threshold_is_above_it():
    ones = np.array([True, True])
    bands = tuning.bands_from(np.array([899_999, 900_000]), ones, ones, ~ones, [0.9])
    assert [band.released for band in bands] == [1, 1]
    assert bands[0].threshold == 0.9


def test_a_reviewed_output_that_was_never_judged_counts_as_wrong():
    no, yes = np.array([False]), np.array([True])
    assert tuning.bands_from(np.array([5]), no, no, no, [0.9])[1].reviewed_wrong == 1
    assert tuning.bands_from(np.array([5]), no, yes, no, [0.9])[1].reviewed_wrong == 0


def test_arrays_of_different_lengths_are_refused():
    flags = np.array([True])
    with pytest.raises(ValueError, match="one entry per output"):
        tuning.bands_from(np.array([1, 2]), flags, flags, flags, [0.9])


def test_the_estimate_weights_each_label_by_its_inverse_propensity():
    points = tuning.curve(BANDS, delta=0.05, traffic=TRAFFIC, prices=PRICES)
    assert points[0].estimate == pytest.approx(28 / 2362)
    assert points[1].estimate == pytest.approx((49 + 28 / 2362 * 8028) / 9205)
    assert points[1].marginal_estimate == pytest.approx(49 / 1177)
    assert points[1].released_share == pytest.approx(9205 / 13083)
    assert points[-1].released_share == 1.0


def test_the_weighted_estimate_finds_the_truth_and_the_unweighted_rate_does_not():
    rng = np.random.default_rng(2)
    truth, weighted, plain = [], [], []
    for _ in range(60):
        confidence, released, labelled, wrong = window(rng)
        above = confidence >= 500_000
        bands = tuning.bands_from(confidence, released, labelled, wrong, [0.5])
        truth.append(wrong[above].mean())
        weighted.append(tuning.curve(bands, delta=0.05, traffic=TRAFFIC, prices=PRICES)[0].estimate)
        plain.append(wrong[above & labelled].mean())
    assert np.mean(weighted) == pytest.approx(np.mean(truth), rel=0.03)
    assert np.mean(plain) > 1.3 * np.mean(truth)


def test_review_load_and_cost_are_those_of_the_threshold():
    point = tuning.curve(BANDS, delta=0.05, traffic=TRAFFIC, prices=PRICES)[1]
    share = 9205 / 13083
    assert point.review_share == pytest.approx(1 - share + 0.05 * share)
    assert point.reviews_per_day == pytest.approx(1000 * point.review_share)
    assert point.cost == pytest.approx(1.5 * point.reviews_per_day + 40 * 1000 * share * point.estimate)
    assert point.cost_at_bound - point.cost == pytest.approx(40_000 * share * (point.upper_bound - point.estimate))


def test_unaudited_releases_have_no_estimate_and_no_bound_worth_the_name():
    point = tuning.curve([Band(0.9, 50, 0, 0, 0, 0)], delta=0.05, traffic=TRAFFIC, prices=PRICES)[0]
    assert (point.estimate, point.cost, point.upper_bound) == (None, None, 1.0)


def test_an_empty_window_draws_nothing():
    assert tuning.curve([Band(0.0, 0, 0, 0, 0, 0)], delta=0.05, traffic=TRAFFIC, prices=PRICES) == ()


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=8))
def test_coverage_only_grows_as_the_threshold_falls_and_the_bound_is_above_the_estimate(slices):
    bands = [
        Band(round(0.9 - 0.1 * i, 1), labels + others, labels, min(labels, wrong), 0, 0)
        for i, (labels, others, wrong) in enumerate(slices)
    ]
    points = tuning.curve(bands, delta=0.05, traffic=TRAFFIC, prices=PRICES)
    shares = [point.released_share for point in points]
    assert shares == sorted(shares)
    assert all(point.estimate is None or point.estimate <= point.upper_bound <= 1 for point in points)


def test_thinning_keeps_what_the_smaller_rate_would_have_drawn():
    draws = np.random.default_rng(3).integers(0, 2**64, size=2000, dtype=np.uint64)
    for rate in (0, 1, 50_000, 999_999, 1_000_000):
        expected = [int(draw) * 1_000_000 < rate << 64 for draw in draws]
        assert tuning.thin(draws, rate).tolist() == expected
    edge = np.array([2**63 - 1, 2**63], dtype=np.uint64)
    assert tuning.thin(edge, 500_000).tolist() == [True, False]
    with pytest.raises(ValueError, match="millionths"):
        tuning.thin(draws, 1_000_001)
