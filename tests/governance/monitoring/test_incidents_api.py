"""Incidents as programs read them: whose, which, with what was found and done, and nothing to a producer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from governance.models import Incident, Output, Person, System
from governance.monitoring import incidents
from governance.people.actors import machine
from tests import cast
from tests.governance.tuning.judged import outputs, several

ROOM = "/api/v1/incidents/"


@pytest.fixture
def system(db: None) -> System:
    return cast.system()


def opened(system: System, title: str = "It paid twice", **parts: Any) -> Incident:
    return incidents.by_person(system, by=cast.acting(cast.carol()), title=title, **parts)


def get(path: str = ROOM, *, key: str = "", person: Person | None = None) -> Any:
    client = Client() if person is None else cast.signed_in(person)
    return client.get(path, headers={"Authorization": f"Bearer {key}"} if key else None)


def reading(system: System, *scopes: str, person: Person | None = None) -> str:
    return cast.key_for(system, scopes or ("evidence:read",), person)


def test_the_list_is_newest_first_and_narrowed_by_system_state_and_kind(system: System) -> None:
    first, second = opened(system), opened(system, "It called in sick")
    elsewhere = opened(cast.system("letters"))
    incidents.contain(first, by=cast.acting(cast.dana()), how="Stopped.")

    def ids(query: str = "") -> list[str]:
        answer = get(ROOM + query, person=cast.dana())
        assert answer.status_code == 200
        return [each["id"] for each in answer.json()["results"]]

    assert ids() == [str(each.pk) for each in (elsewhere, second, first)]
    assert ids("?system=digits") == [str(second.pk), str(first.pk)]
    assert ids("?state=contained") == [str(first.pk)]
    assert ids("?kind=alarm") == []
    for wrong in ("?state=gone", "?kind=fire", "?limit=0", "?cursor=x"):
        assert get(ROOM + wrong, person=cast.dana()).status_code == 422


def test_one_incident_tells_what_was_found_and_what_was_done(system: System) -> None:
    (output,) = outputs(system, several(1, confidence=950_000))
    name = Output.objects.get(pk=output).external_id
    incident, dana = opened(system, external_id=name), cast.acting(cast.dana())
    incident = incidents.contain(incident, by=dana, how="Payments are stopped.")
    incidents.close(incident, by=dana, cause="A comma was read as a point.", remedy=1)
    told = get(f"{ROOM}{incident.pk}/", key=reading(system)).json()
    assert {name: told[name] for name in ("system", "kind", "state", "title", "remedy", "policy_version")} == {
        "system": "digits", "kind": "person", "state": "closed", "title": "It paid twice", "remedy": 1,
        "policy_version": 1,
    }  # fmt: skip
    assert (told["external_id"], told["output"]) == (name, str(output))
    assert (told["containment"], told["cause"], told["reason"]) == (
        "Payments are stopped.", "A comma was read as a point.", None,
    )  # fmt: skip
    assert [entry["type"] for entry in told["entries"]] == ["incident_opened", "incident_contained", "incident_closed"]


def test_a_key_reads_the_incidents_of_its_own_system_only(system: System) -> None:
    mine, other = opened(system), opened(cast.system("letters"))
    key = reading(system)
    assert [each["id"] for each in get(key=key).json()["results"]] == [str(mine.pk)]
    assert get(f"{ROOM}{other.pk}/", key=key).status_code == 404
    assert get(f"{ROOM}{uuid4()}/", key=key).status_code == 404


def test_a_producer_does_not_learn_from_incidents_which_outputs_were_audited(system: System) -> None:
    (output,) = outputs(system, several(1, confidence=950_000, audit=True, wrong=1))
    audited = incidents.open_incident(
        system, by=machine("auditor"), kind="audit", title="Wrong", output=Output.objects.get(pk=output)
    )
    assert audited is not None
    producer = reading(system, "outputs:write", "outputs:read", "outcomes:write", "policies:read")
    assert get(key=producer).status_code == 403
    assert get(f"{ROOM}{audited.pk}/", key=producer).status_code == 403


def test_a_key_that_acts_for_a_reviewer_sees_what_the_reviewer_sees(system: System) -> None:
    incident = opened(system)
    key = reading(system, person=cast.alice())
    assert get(key=key).json()["results"] == []
    assert get(f"{ROOM}{incident.pk}/", key=key).status_code == 404


def test_pages_of_the_list_hang_together(system: System) -> None:
    made = [str(opened(system, f"Number {number}").pk) for number in range(5)]
    seen, at = [], f"{ROOM}?limit=2"
    while at:
        answer = get(at, key=reading(system)).json()
        seen += [each["id"] for each in answer["results"]]
        at = answer["next"]
    assert seen == made[::-1]
