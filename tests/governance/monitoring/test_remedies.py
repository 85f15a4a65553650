"""An incident ends with a policy that would not have let its output go out again."""

from __future__ import annotations

import pytest

from governance.models import Entry, Incident, Output, System
from governance.monitoring import incidents
from governance.policies import lifecycle
from governance.policies.lifecycle import Proposed
from governance.refusals import Invalid
from governance.tuning import replaying
from reviews.erasing import erase_output
from tests import cast
from tests.journeys.program import Program
from tests.reviews.intake.sent import document


@pytest.fixture
def incident(db: None) -> Incident:
    """About an output that went out at 95 %."""
    system = cast.system(audit={"rate": 0})
    assert Program(system).post("outputs/", document("n-1", confidence=0.95)).json()["status"] == "released"
    dana = cast.acting(cast.dana())
    opened = incidents.by_person(system, by=dana, title="A seven was read as a one", external_id="n-1")
    return incidents.contain(incidents.fresh(opened.pk), by=dana, how="The customer was told.")


def proposed(incident: Incident, threshold: float, *, replayed: bool = True) -> Proposed:
    system = System.objects.with_policy().get(pk=incident.system_id)
    dana = cast.acting(cast.dana())
    filed = lifecycle.propose(system, cast.policy(threshold={"default": threshold}), by=dana)
    if replayed:
        replaying.attach(filed.version, by=dana)
    return filed


def close(incident: Incident, **said: object) -> Incident:
    return incidents.close(incident, by=cast.acting(cast.dana()), cause="A blurred scan.", **said)  # type: ignore[arg-type]


def test_a_replayed_proposal_that_stops_its_output_closes_it(incident: Incident) -> None:
    number = proposed(incident, 0.97).version.number
    closed = close(incident, remedy=number)
    assert (closed.state, closed.remedy.number) == ("closed", number)  # type: ignore[union-attr]
    again = closed.facts["again"]
    assert (again["lane"], again["rule"], len(again["replay"])) == ("review", "threshold:default", 64)
    leaf = bytes(Entry.objects.get(subject=incident.pk, type="incident_closed").leaf)
    assert again["replay"].encode() in leaf


def test_a_proposal_that_was_not_replayed_closes_nothing(incident: Incident) -> None:
    number = proposed(incident, 0.97, replayed=False).version.number
    with pytest.raises(Invalid, match="replay"):
        close(incident, remedy=number)


def test_a_policy_that_would_release_it_again_needs_a_reason(incident: Incident) -> None:
    number = proposed(incident, 0.94).version.number
    with pytest.raises(Invalid, match="would release this output again"):
        close(incident, remedy=number)
    assert close(incident, remedy=number, reason="The scanner was replaced.").state == "closed"


def test_where_the_content_was_erased_nobody_can_tell_and_the_remedy_stands(incident: Incident) -> None:
    erase_output(Output.objects.get().pk, by=cast.CONSOLE, because="Asked for.")
    closed = close(incident, remedy=proposed(incident, 0.94).version.number)
    assert (closed.state, "again" in closed.facts) == ("closed", False)


def test_the_page_says_of_each_policy_what_it_would_have_done(incident: Incident) -> None:
    for threshold in (0.97, 0.94):
        proposed(incident, threshold)
    dana = cast.signed_in(cast.dana())
    page = dana.get(f"/incidents/{incident.pk}/").content.decode()
    assert "policy 2, proposed: would not have released it" in page
    assert "policy 3, proposed: would release it again" in page
    said = {"do": "close", "cause": "A blurred scan.", "remedy": "2"}
    assert (
        "it would not have released this output"
        in dana.post(f"/incidents/{incident.pk}/", said, follow=True).content.decode()
    )
