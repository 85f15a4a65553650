"""The monitor: how far a system has moved, beside what its contract tolerates."""

from __future__ import annotations

from typing import Any

import pytest

from governance.contracts.schema import compile_contract
from governance.models import Entry, System
from governance.monitoring import drift
from governance.refusals import Invalid
from reviews import intake
from tests import cast
from tests.reviews.intake.sent import body

LIMITS = {"drift": {"confidence_psi": 0.2, "label_psi": 0.2, "contract_breach_rate": 0.01},
          "retrain_when": ["Answers stay beyond their limit for a week."]}  # fmt: skip


@pytest.fixture
def system(db: None) -> System:
    return cast.system(contract_parts=LIMITS, audit={"rate": 0})


def arrive(system: System, count: int, *, begin: int, confidence: Any, digit: Any) -> None:
    bodies = [
        body(f"n-{begin + n}", confidence=confidence(n), output={"digit": digit(n)}, input={}) for n in range(count)
    ]
    assert all(isinstance(one, intake.Taken) for one in intake.accept(bodies, system=system, actor=cast.CONSOLE))


def measured(system: System) -> drift.Drift:
    found = drift.measured(System.objects.with_policy().get(pk=system.pk))
    assert found is not None
    return found


def test_the_same_outputs_again_have_not_moved(system: System) -> None:
    arrive(system, 400, begin=0, confidence=lambda n: 0.5 + n % 5 / 10, digit=lambda n: n % 10)
    found = measured(system)
    assert found.confidence.value == pytest.approx(0, abs=0.01)
    assert found.answers.value == pytest.approx(0, abs=0.01)
    assert (found.over, found.broken) == (0, (0, 200))
    assert found.gap == pytest.approx(0, abs=0.01)


def test_other_confidences_and_answers_are_beyond_their_limits(system: System) -> None:
    arrive(system, 200, begin=0, confidence=lambda n: 0.95, digit=lambda n: n % 2)
    arrive(system, 200, begin=200, confidence=lambda n: 0.55, digit=lambda n: 2 + n % 2)
    found = measured(system)
    assert found.confidence.is_over
    assert found.answers.is_over
    assert (found.gap, found.over) == (1.0, 2)
    assert found.chance is not None
    assert found.chance < 0.001


def test_broken_contracts_are_counted_with_their_interval(system: System) -> None:
    arrive(system, 100, begin=0, confidence=lambda n: 0.9, digit=lambda n: 1)
    arrive(system, 100, begin=100, confidence=lambda n: 0.9, digit=lambda n: "x" if n < 5 else 1)
    found = measured(system)
    assert (found.broken, found.breaches.value, found.breaches.is_over) == ((5, 100), 0.05, True)
    low, high = found.interval
    assert low < 0.05 < high
    (day,) = found.days[-1:]
    assert (day.outputs, day.broken) == (200, 5) or len(found.days) == 2  # midnight may pass between the two


def test_with_few_outputs_nothing_is_said_of_drift(system: System) -> None:
    arrive(system, 20, begin=0, confidence=lambda n: 0.9, digit=lambda n: 1)
    found = measured(system)
    assert (found.confidence.value, found.answers.value, found.over) == (None, None, 0)
    assert "10 outputs" in found.confidence.why_not


def test_only_outputs_under_the_contract_in_force_are_compared(system: System, monkeypatch: Any) -> None:
    monkeypatch.setattr(drift, "WINDOW", 100)
    arrive(system, 150, begin=0, confidence=lambda n: 0.95, digit=lambda n: 1)
    arrive(system, 150, begin=150, confidence=lambda n: 0.55, digit=lambda n: 1)
    found = measured(system)
    assert found.before is not None
    assert found.now is not None
    assert (found.before.slots[9], found.now.slots[5]) == (100, 100)


def test_the_page_shows_it_all_and_an_admin_reads_no_answers(system: System) -> None:
    arrive(system, 200, begin=0, confidence=lambda n: 0.95, digit=lambda n: 3)
    url, entries = f"/systems/{system.slug}/monitor/", Entry.objects.count()
    page = cast.signed_in(cast.dana()).get(url).content.decode()
    assert "is within what its contract tolerates" in page
    assert "Answers stay beyond their limit for a week." in page
    assert page.count("<table") >= 4
    assert "Answers, first and newest" in page
    assert "Answers, first and newest" not in cast.signed_in(cast.admin()).get(url).content.decode()
    assert Entry.objects.filter(system=system.pk).count() <= entries


def test_before_anything_came_the_page_says_so(db: None) -> None:
    bare, _ = cast.bare_system("bare")
    dana = cast.signed_in(cast.dana())
    assert "has no policy in force" in dana.get(f"/systems/{bare.slug}/monitor/").content.decode()
    assert "No output has come" in dana.get(f"/systems/{cast.system().slug}/monitor/").content.decode()


@pytest.mark.parametrize("wrong", ["soon", [""], [3], ["x" * 301]])
def test_a_trigger_is_a_sentence(wrong: Any) -> None:
    with pytest.raises(Invalid):
        compile_contract({"version": "1.0.0", "output": {}, "change_when": wrong})
