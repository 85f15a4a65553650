"""How often the chosen threshold breaks its promise, by simulation: short, seeded, and with teeth.

The naive tuners run on the same windows and must break the target most of the time; else the test would prove nothing.
"""

import numpy as np
import pytest

from governance import tuning
from governance.tuning import Band

TARGET, DELTA = 0.02, 0.05
EDGES = np.round(np.arange(0.98, 0.0, -0.02), 2)
TOP = len(EDGES)  # the slice from 0 that closes the population


def scores(rng, n):
    high = rng.random(n) < 0.8
    return np.where(high, rng.beta(9, 0.7, n), rng.beta(2.2, 2, n))


def window(rng, n, risk, *, in_force, rate):
    """Counts per slice of one window of n outputs, and the bands that an honest tuner sees."""
    score = scores(rng, n)
    wrong = rng.random(n) < risk(score)
    slot = np.searchsorted(-EDGES, -score, side="left")
    out = score >= in_force
    drawn = out & (rng.random(n) < rate)
    columns = [out, drawn, drawn & wrong, ~out, ~out & wrong]
    counts = np.stack([np.bincount(slot[mask], minlength=TOP + 1) for mask in columns], axis=1)
    edges = [*EDGES.tolist(), 0.0]
    return edges, counts, [Band(edge, *row) for edge, row in zip(edges, counts.tolist(), strict=True)]


def naive_choices(edges, counts):
    """What simpler tuners pick: the lowest threshold whose estimated risk is under the target, never below it."""
    out, drawn, drawn_wrong, rest, rest_wrong = np.cumsum(counts, axis=0).T
    # "Released and not overridden is correct": only errors somebody happened to see are counted.
    seen = (drawn_wrong + rest_wrong) / np.maximum(out + rest, 1)
    weighted = (out * drawn_wrong / np.maximum(drawn, 1) + rest_wrong) / np.maximum(out + rest, 1)
    for estimate in (seen, weighted):
        passing = np.flatnonzero(estimate <= TARGET)
        yield edges[passing[-1]] if passing.size else None


def test_where_confidence_says_nothing_the_promise_is_broken_in_at_most_one_run_in_twenty():
    """The risk is 1.01 times the target everywhere, so every threshold that is chosen at all breaks it."""
    rng = np.random.default_rng(7)
    runs = 250
    broken, naive_broken = 0, np.zeros(2)
    for _ in range(runs):
        edges, counts, bands = window(rng, 6_000, lambda s: np.full(s.shape, 1.01 * TARGET), in_force=0.9, rate=0.2)
        broken += tuning.certify(bands, in_force=0.9, target=TARGET, delta=DELTA).threshold is not None
        naive_broken += [choice is not None for choice in naive_choices(edges, counts)]
    assert broken / runs <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / runs)
    assert (naive_broken / runs >= 0.6).all()


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_where_confidence_orders_the_risk_the_promise_holds_and_most_of_the_automation_is_kept(rate):
    def risk(score):
        return 0.0008 + 0.6 * (1 - score) ** 1.6

    rng = np.random.default_rng(8)
    many = scores(rng, 400_000)
    true_risk = {edge: risk(many[many >= edge]).mean() for edge in [*EDGES.tolist(), 0.0]}
    in_force = float(EDGES[np.searchsorted(-EDGES, -np.quantile(many, 0.5))])
    best = min(edge for edge, value in true_risk.items() if value <= TARGET)
    runs, broken, coverage = 40, 0, []
    for _ in range(runs):
        _, _, bands = window(rng, 40_000, risk, in_force=in_force, rate=rate)
        certificate = tuning.certify(bands, in_force=in_force, target=TARGET, delta=DELTA)
        assert certificate.state == "certified"
        broken += true_risk[certificate.threshold] > TARGET
        coverage.append((many >= certificate.threshold).mean())
    assert broken <= 6  # three standard deviations over 5 % of 40
    assert np.mean(coverage) >= 0.93 * (many >= best).mean()
