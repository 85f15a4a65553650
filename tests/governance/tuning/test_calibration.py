"""Reliability, calibration error and the difference of two shares, against their definitions and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from governance.tuning import bands_from
from governance.tuning.calibration import calibration_error, difference, reliability
from governance.tuning.samples import GRID

EDGES = [edge / 1e6 for edge in GRID]


def bands_of(rng, n, right):
    confidence = (rng.beta(4, 1, n) * 1e6).astype(np.int64)
    wrong = rng.random(n) >= right(confidence / 1e6)
    everything = np.ones(n, dtype=np.bool_)
    return bands_from(confidence, ~everything, everything, wrong, EDGES)


def test_a_calibrated_model_lies_on_the_diagonal_and_an_overconfident_one_below_it():
    rng = np.random.default_rng(5)
    honest = reliability(bands_of(rng, 200_000, lambda share: share), delta=0.025)
    boastful = reliability(bands_of(rng, 200_000, lambda share: share - 0.2), delta=0.025)
    assert calibration_error(honest) < 0.01
    assert calibration_error(boastful) == pytest.approx(0.2, abs=0.02)
    assert all(each.lower <= each.right <= each.upper for each in honest)
    assert sum(each.outputs for each in honest) == 200_000


def test_audits_stand_for_all_that_was_released():
    confidence = np.full(1000, 970_000)
    released, labelled = np.ones(1000, dtype=np.bool_), np.arange(1000) < 100
    (only,) = reliability(bands_from(confidence, released, labelled, np.arange(1000) < 5, EDGES), delta=0.025)
    assert (only.low, only.outputs, only.labels, only.right) == (0.95, 1000, 100, 0.95)


def test_where_nothing_was_judged_nothing_is_said():
    confidence, none = np.full(10, 970_000), np.zeros(10, dtype=np.bool_)
    (only,) = reliability(bands_from(confidence, ~none, none, none, EDGES), delta=0.025)
    assert (only.right, calibration_error([only])) == (None, None)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_interval_of_a_difference_is_newcombes(of, of_other, data):
    hits, other = data.draw(st.integers(0, of)), data.draw(st.integers(0, of_other))
    found = difference(hits, of, other, of_other)
    low, high = confint_proportions_2indep(hits, of, other, of_other, compare="diff", method="newcomb")
    assert (found.lower, found.upper) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    assert found.lower <= found.value <= found.upper
