"""Incidents: who opens, contains and closes them, what closing needs, and that all of it is in the log."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

from governance.models import Entry, Incident, System
from governance.monitoring import incidents
from governance.people.actors import CONSOLE
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from tests import cast
from tests.governance.tuning.judged import outputs, several


@pytest.fixture
def system(db: None) -> System:
    return cast.system()


def opened(system: System, **parts: Any) -> Incident:
    found = incidents.by_person(system, by=cast.acting(cast.carol()), **{"title": "It paid twice", **parts})
    return incidents.fresh(found.pk)


def types(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(subject=incident.pk).order_by("rev").values_list("type", flat=True))


def test_it_goes_from_open_by_contained_to_closed_and_every_step_is_in_the_log(system: System) -> None:
    incident, dana = opened(system), cast.acting(cast.dana())
    incident = incidents.contain(incident, by=dana, how="Payments are stopped.")
    assert (incident.state, incident.contained_by) == ("contained", cast.dana())
    incident = incidents.close(incident, by=dana, cause="A comma was read as a point.", remedy=1)
    assert (incident.state, incident.remedy.number, incident.closed_by) == ("closed", 1, cast.dana())  # type: ignore[union-attr]
    assert types(incident) == ["incident_opened", "incident_contained", "incident_closed"]


def test_closing_needs_a_cause_and_a_policy_that_was_approved_or_a_reason_why_none_is_needed(system: System) -> None:
    dana = cast.acting(cast.dana())
    incident = incidents.contain(opened(system), by=dana, how="Stopped.")
    for said in ({"cause": ""}, {"cause": "Why"}, {"cause": "Why", "remedy": 7}, {"cause": " ", "reason": "None."}):
        with pytest.raises(Invalid):
            incidents.close(incident, by=dana, **said)  # type: ignore[arg-type]
    assert incidents.close(incident, by=dana, cause="Why", reason="The supplier mended it.").state == "closed"


def test_the_table_itself_refuses_a_closed_incident_without_a_cause_and_a_state_without_an_entry(
    system: System,
) -> None:
    incident = opened(system)
    other = Entry.objects.filter(subject=system.pk).values_list("pk", flat=True).first()
    with pytest.raises(DatabaseError, match="says_why"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(state="closed", entry_id=other)
    with pytest.raises(DatabaseError, match="No state without evidence"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(state="contained")


def test_steps_out_of_order_are_refused(system: System) -> None:
    dana, incident = cast.acting(cast.dana()), opened(system)
    with pytest.raises(Conflict, match="open; for that step"):
        incidents.close(incident, by=dana, cause="Why", reason="None.")
    incidents.contain(incident, by=dana, how="Stopped.")
    with pytest.raises(Conflict, match="contained; for that step"):
        incidents.contain(incident, by=dana, how="Again.")


def test_leads_and_owners_work_on_it_and_others_do_not(system: System) -> None:
    incident = opened(system)
    for someone, refusal in ((cast.alice(), NotAllowed), (cast.ruth(), NotAllowed), (cast.eve(), NotFound)):
        with pytest.raises(refusal):
            incidents.contain(incident, by=cast.acting(someone), how="Stopped.")
    with pytest.raises(NotAllowed):
        incidents.contain(incident, by=CONSOLE, how="Stopped.")


def test_it_can_name_an_output_and_only_one_that_is_there(system: System) -> None:
    (id,) = outputs(system, several(1, confidence=950_000))
    assert opened(system, external_id=str(id)).output_id == id
    with pytest.raises(Invalid, match="no output of this id"):
        opened(system, external_id="nobody")


def test_restoring_the_policy_before_contains_it(system: System) -> None:
    cast.put_in_force(system, cast.policy(threshold={"default": 0.8}))
    incident = opened(System.objects.with_policy().get(pk=system.pk))
    incident = incidents.restore_policy(incident, by=cast.acting(cast.carol()))
    assert (incident.state, incident.containment) == ("contained", "Policy 1 is in force again instead of 2.")
    assert System.objects.get(pk=system.pk).in_force.number == 1  # type: ignore[union-attr]


def test_two_who_contain_it_at_once_do_it_once(committed_db: str) -> None:
    incident, results = opened(cast.system()), []
    dana, carol = cast.acting(cast.dana()), cast.acting(cast.carol())

    def contain(by: Any) -> None:
        try:
            results.append(incidents.contain(incident, by=by, how="Stopped.").state)
        except Conflict as refused:
            results.append(refused.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=contain, args=[by]) for by in (dana, carol)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["conflict", "contained"]
    assert types(incident) == ["incident_opened", "incident_contained"]


class TestPages:
    def test_a_lead_opens_contains_and_closes_one_in_the_browser(self, system: System) -> None:
        browser = cast.signed_in(cast.carol())
        answer = browser.post("/incidents/", {"system": "digits", "title": "It paid <b>twice</b>"})
        incident = Incident.objects.get()
        assert answer["Location"] == f"/incidents/{incident.pk}/"
        page = browser.get(answer["Location"]).content.decode()
        assert "It paid &lt;b&gt;twice&lt;/b&gt;" in page
        browser.post(answer["Location"], {"do": "contain", "how": "Stopped."})
        refused = browser.post(answer["Location"], {"do": "close", "cause": "A comma."})
        assert refused.status_code == 422
        assert "say why none is needed" in refused.content.decode()
        browser.post(answer["Location"], {"do": "close", "cause": "A comma.", "reason": "Mended."})
        incident.refresh_from_db()
        assert incident.state == "closed"
        assert "No incident is open." in browser.get("/incidents/").content.decode()
        assert "It paid" in browser.get("/incidents/?state=all").content.decode()

    def test_whoever_may_not_see_the_system_sees_no_incident_of_it(self, system: System) -> None:
        incident = opened(system)
        other, _ = cast.bare_system("elsewhere")
        frank = cast.person("frank", "owner", system=other)
        assert cast.signed_in(frank).get(f"/incidents/{incident.pk}/").status_code == 404
        assert "It paid" not in cast.signed_in(frank).get("/incidents/").content.decode()
