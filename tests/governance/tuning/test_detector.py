import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.tuning import Detector, SinceActivation
from governance.tuning.detector import first_alarm, first_since_activation

TARGET = 0.01
AUDITS_A_YEAR = 10_000


def audits_to_alarm(detector, risk, rng, most):
    for count, wrong in enumerate(rng.random(most) < risk, start=1):
        if detector.update(bool(wrong)):
            return count
    return math.inf


def test_the_alarm_is_the_mixture_of_e_cusums():
    detector = Detector(0.02, 50)
    products = dict.fromkeys((1.25, 1.5, 2, 3, 5), 0.0)
    for wrong in [False] * 30 + [True] + [False] * 12 + [True, False, True, True, True]:
        products = {
            rho: max(product, 1.0) * (rho if wrong else (1 - rho * 0.02) / (1 - 0.02))
            for rho, product in products.items()
        }
        mean = sum(products.values()) / 5
        assert detector.update(wrong) == (mean >= 50)
        assert math.exp(detector.log_evidence) == pytest.approx(mean)
    assert detector.is_alarmed


def test_at_the_target_at_most_one_year_in_twenty_has_a_false_alarm():
    rng = np.random.default_rng(20)
    years = 60
    alarms = sum(
        audits_to_alarm(Detector(TARGET, AUDITS_A_YEAR), TARGET, rng, AUDITS_A_YEAR) < math.inf for _ in range(years)
    )
    assert alarms <= 0.05 * years + 3  # three binomial standard deviations are 5; a detector at c = 100 has about 50


def test_a_careless_limit_would_alarm_in_most_years():
    rng = np.random.default_rng(21)
    alarms = sum(audits_to_alarm(Detector(TARGET, 30), TARGET, rng, AUDITS_A_YEAR) < math.inf for _ in range(20))
    assert alarms > 10


@pytest.mark.parametrize(("risk", "published"), [(0.05, 225), (0.03, 690)])
def test_a_policy_gone_bad_is_noticed_within_the_published_number_of_audits(risk, published):
    rng = np.random.default_rng(22)
    delays = [audits_to_alarm(Detector(TARGET, AUDITS_A_YEAR), risk, rng, 20_000) for _ in range(300)]
    assert published * 0.8 <= np.median(delays) <= published * 1.25


def test_a_long_good_past_does_not_delay_the_alarm():
    rng = np.random.default_rng(23)
    delays = []
    for _ in range(120):
        detector = Detector(TARGET, AUDITS_A_YEAR)
        for wrong in rng.random(2_000) < TARGET / 4:
            detector.update(bool(wrong))
        delays.append(audits_to_alarm(detector, 5 * TARGET, rng, 20_000))
    assert np.median(delays) <= 300


def test_a_detector_goes_on_where_its_stored_sums_stopped():
    verdicts = [False] * 40 + [True, False, True] * 4
    whole, first = Detector(TARGET, 100), Detector(TARGET, 100)
    for wrong in verdicts:
        whole.update(wrong)
    for wrong in verdicts[:45]:
        first.update(wrong)
    second = Detector(TARGET, 100, sums=first.sums)
    for wrong in verdicts[45:]:
        second.update(wrong)
    assert second.sums == whole.sums
    assert second.is_alarmed == whole.is_alarmed


def test_a_fresh_detector_is_silent():
    assert not Detector(TARGET, 1).is_alarmed


def test_a_high_target_watches_only_for_risks_that_exist():
    assert len(Detector(0.4, 100).sums) == 3
    assert Detector(0.4, 1.5).update(True)
    for target in (0.0, 0.8, 1.0):
        with pytest.raises(ValueError, match="target"):
            Detector(target, 100)


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="audit a year"):
        Detector(TARGET, 0)
    with pytest.raises(ValueError, match="sums"):
        Detector(TARGET, 100, sums=(0.0,))
    with pytest.raises(ValueError, match="level"):
        SinceActivation(TARGET, 0.0)


def test_since_activation_is_rarely_wrong_in_a_lifetime_and_quick_for_a_policy_bad_from_day_one():
    rng = np.random.default_rng(24)
    false = sum(audits_to_alarm(SinceActivation(TARGET, 0.05), TARGET, rng, 8_000) < math.inf for _ in range(80))
    assert false <= 0.05 * 80 + 4
    delays = [audits_to_alarm(SinceActivation(TARGET, 0.05), 5 * TARGET, rng, 20_000) for _ in range(200)]
    assert np.median(delays) < 225


def test_since_activation_remembers_that_it_once_alarmed():
    watch = SinceActivation(TARGET, 0.05)
    for _ in range(5):
        watch.update(True)
    assert all(watch.update(False) for _ in range(2_000))


@given(st.lists(st.booleans(), max_size=120), st.sampled_from([0.01, 0.1, 0.3]), st.sampled_from([2, 20, 1000]))
def test_a_whole_stream_at_once_alarms_where_verdict_by_verdict_does(verdicts, target, limit):
    one_by_one, since = Detector(target, limit), SinceActivation(target, 1 / limit)
    alarms = [one_by_one.update(wrong) for wrong in verdicts]
    reached = [since.update(wrong) for wrong in verdicts]
    stream = np.array(verdicts, dtype=np.bool_)
    assert first_alarm(stream, target, limit) == (alarms.index(True) + 1 if True in alarms else None)
    assert first_since_activation(stream, target, 1 / limit) == (reached.index(True) + 1 if True in reached else None)
