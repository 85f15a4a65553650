import pytest

from governance import tuning
from governance.tuning import Prices, Traffic


def test_the_daily_cost_counts_reviews_audits_escaped_and_missed_errors():
    traffic = Traffic(outputs_per_day=1000, audit_rate=0.05, sensitivity=0.9)
    cost = tuning.daily_cost(
        traffic, Prices(review=1.5, wrong_release=40), released_share=0.7, risk=0.016, wrong_below=0.06
    )
    reviews, audits, escaped, missed = 300 * 1.5, 35 * 1.5, 1000 * 0.7 * 0.016 * 40, 1000 * 0.06 * 0.1 * 40
    assert cost == pytest.approx(reviews + audits + escaped + missed)


def test_releasing_everything_still_costs_the_audits():
    assert tuning.reviews_per_day(Traffic(1000, 0.05), 1.0) == pytest.approx(50)
    assert tuning.reviews_per_day(Traffic(1000, 0.05), 0.0) == pytest.approx(1000)


@pytest.mark.parametrize(("p_wrong", "sensitivity", "pays"), [(0.03, 1.0, True), (0.05, 1.0, False), (0.05, 0.7, True)])
def test_an_output_is_worth_releasing_while_its_expected_damage_is_under_a_review(p_wrong, sensitivity, pays):
    assert tuning.pays_to_release(p_wrong, Prices(review=1.5, wrong_release=40), sensitivity=sensitivity) is pays


def test_reviewers_are_needed_for_the_load_at_eighty_five_per_cent_occupancy():
    needed = tuning.reviewers_needed(400, handling_seconds=90, productive_seconds=6 * 3600)
    assert needed == pytest.approx(36_000 / 18_360)
    assert tuning.reviewers_missing(needed, 1) == pytest.approx(needed - 1)
    assert tuning.reviewers_missing(needed, 2) == 0.0


def test_impossible_prices_loads_and_times_are_refused():
    for make in (
        lambda: Prices(-1, 40),
        lambda: Traffic(-1, 0.05),
        lambda: Traffic(10, 1.05),
        lambda: Traffic(10, 0.05, sensitivity=1.2),
        lambda: tuning.reviewers_needed(10, handling_seconds=0, productive_seconds=100),
    ):
        with pytest.raises(ValueError, match=r"negative|positive|between"):
            make()
