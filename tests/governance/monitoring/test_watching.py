"""The detector on the audits of the policy in force: an alarm becomes an incident, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.models import Incident, PolicyVersion, System
from governance.monitoring import incidents, watching
from tests import cast
from tests.governance.tuning.judged import outputs, several

pytestmark = pytest.mark.django_db
GOOD: dict[str, Any] = {"confidence": 950_000, "audit": True}


@pytest.fixture
def system() -> System:
    found = cast.system(audit={"rate": 0.5})
    PolicyVersion.objects.filter(system=found).update(in_force_from=timezone.now() - timedelta(days=20))
    return System.objects.with_policy().get(pk=found.pk)


def seen(system: System) -> watching.Watched:
    found = watching.watched(system)
    assert found is not None
    return found


def test_audits_at_the_target_raise_no_alarm(system: System) -> None:
    for _ in range(10):
        outputs(system, several(49, wrong=0, **GOOD) + several(1, wrong=1, **GOOD))
    assert (seen(system).audits, seen(system).wrong, seen(system).alarm) == (500, 10, None)
    assert watching.watch() == []


def test_audits_far_above_the_target_open_one_incident_that_offers_the_policy_before(system: System) -> None:
    outputs(system, several(400, wrong=0, **GOOD))
    outputs(system, several(60, wrong=20, **GOOD))
    (incident,) = watching.watch()
    assert (incident.kind, incident.version) == ("alarm", system.in_force)
    assert incident.facts["wrong"] == 20
    assert incident.title == "20 of 460 audits wrong (4.3\u202f%) under policy 1; the target is 2.0\u202f%"
    assert watching.watch() == []
    assert Incident.objects.count() == 1


def test_the_detector_begins_anew_once_its_alarm_was_closed(system: System) -> None:
    outputs(system, several(60, wrong=40, **GOOD))
    (incident,) = watching.watch()
    dana = cast.acting(cast.dana())
    incidents.contain(incident, by=dana, how="Stopped.")
    incidents.close(incident, by=dana, cause="A bad batch.", reason="It is sent no more.")
    assert (seen(system).audits, watching.watch()) == (0, [])
    outputs(system, several(60, wrong=40, labelled_at=timezone.now() - timedelta(seconds=20), **GOOD))
    Incident.objects.filter(pk=incident.pk).update(closed_at=timezone.now() - timedelta(minutes=5))
    assert len(watching.watch()) == 1


def test_what_was_not_drawn_at_random_is_not_watched(system: System) -> None:
    outputs(system, several(60, confidence=950_000, wrong=60))  # complaints, say: no audit drew them
    outputs(system, several(60, wrong=60, rule="never-refund", **GOOD))
    outputs(system, several(60, wrong=60, is_known_answer=True, **GOOD))
    outputs(system, several(60, wrong=60, case_key=7, **GOOD))
    assert (seen(system).audits, seen(system).wrong) == (1, 1)


def test_an_audit_that_nobody_judged_in_time_counts_as_wrong(system: System) -> None:
    outputs(system, several(5, **GOOD), received=timezone.now() - timedelta(days=9))
    outputs(system, several(5, **GOOD))
    assert (seen(system).audits, seen(system).wrong) == (5, 5)
