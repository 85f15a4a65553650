"""Outcomes: what producers tell later. They open incidents and label nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.models import Entry, Incident, Outcome, Output, System
from tests import cast
from tests.governance.tuning.judged import outputs, several

pytestmark = pytest.mark.django_db
AT = "2026-03-01T08:00:00Z"


@pytest.fixture
def system() -> System:
    return cast.system()


def told(system: System, scopes: tuple[str, ...] = ("outcomes:write",), **body: Any) -> Any:
    key = cast.bearer(cast.key_for(system, scopes))
    return Client().post("/api/v1/outcomes/", body, content_type="application/json", headers=key)


def released(system: System) -> Output:
    (id,) = outputs(system, several(1, confidence=950_000))
    return Output.objects.get(pk=id)


def test_a_wrong_answer_that_went_out_opens_an_incident_and_is_no_label(system: System) -> None:
    output = released(system)
    answer = told(system, external_id=output.external_id, correct=False, output={"digit": 1}, source="complaint",
                  observed_at=AT)  # fmt: skip
    assert answer.status_code == 201
    assert (answer.json()["correct"], answer.json()["source"]) == (False, "complaint")
    incident = Incident.objects.get()
    assert (incident.kind, incident.output, incident.state) == ("outcome", output, "open")
    output.refresh_from_db()
    assert output.label is None
    entry = Entry.objects.get(type="outcome")
    assert {payload.name for payload in entry.payloads.all()} == {"source", "output"}


def test_the_same_again_is_the_same_outcome_and_another_one_is_kept_beside_it(system: System) -> None:
    body = {"external_id": released(system).external_id, "correct": False, "source": "complaint", "observed_at": AT}
    first, again = told(system, **body), told(system, **body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert told(system, **body | {"correct": True}).status_code == 201
    assert (Outcome.objects.count(), Incident.objects.count()) == (2, 1)


def test_an_output_can_be_named_by_its_id(system: System) -> None:
    output = released(system)
    answer = told(system, output=str(output.pk), correct=False, corrected={"digit": 2})
    assert (answer.status_code, answer.json()["output"]) == (201, str(output.pk))
    assert answer.json()["observed_at"] is None


def test_what_people_decided_or_was_right_opens_nothing(system: System) -> None:
    (waits,) = outputs(system, several(1, confidence=100_000))
    told(system, output=str(waits), correct=False)
    told(system, external_id=released(system).external_id, correct=True)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("body", [
    {"external_id": "x"}, {"external_id": "x", "correct": "yes"}, {"correct": True}, {"output": "x", "correct": True},
    {"external_id": "x", "correct": True, "output": {}}, {"external_id": "x", "correct": False, "observed_at": "May"},
    {"external_id": "x", "correct": False, "observed_at": "2999-01-01T00:00:00Z"},
    {"external_id": "x", "correct": False, "more": 1},
])  # fmt: skip
def test_what_is_malformed_is_refused(system: System, body: dict[str, Any]) -> None:
    assert told(system, **body).status_code == 422


def test_other_scopes_other_systems_people_and_known_answers_are_refused(system: System) -> None:
    output = released(system)
    assert told(system, ("outputs:write",), external_id=output.external_id, correct=True).status_code == 403
    elsewhere = cast.system("elsewhere")
    assert told(elsewhere, external_id=output.external_id, correct=True).status_code == 404
    (replay,) = outputs(system, several(1, confidence=950_000, is_known_answer=True))
    assert told(system, output=str(replay), correct=False).status_code == 404
    browser = cast.signed_in(cast.dana())
    body = {"external_id": output.external_id, "correct": True}
    assert browser.post("/api/v1/outcomes/", body, content_type="application/json").status_code == 403
