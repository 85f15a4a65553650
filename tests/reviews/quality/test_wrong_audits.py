"""An audit that two people call wrong opens an incident once the verdict is final, and subscribers are told."""

from __future__ import annotations

import json

import pytest
from django.db.models import F

from governance.monitoring import incidents
from governance.people.actors import CONSOLE
from reviews import queue
from reviews.decisions import decide
from reviews.delivery import endpoints, outbox
from reviews.delivery.messages import message
from reviews.models import Decision, Delivery, Item
from reviews.quality import wrong_audits
from tests import cast
from tests.reviews.desk import desk

pytestmark = pytest.mark.django_db


def answered(someone, item: Item, digit: int):
    actor = cast.acting(someone)
    claim = queue.claim_item(actor, item.pk)
    return decide(actor, item=item.pk, token=claim.token, output={"digit": digit})


def test_a_wrong_audit_opens_one_incident_once_it_is_final() -> None:
    system = cast.system()
    (item,) = desk(system, purpose="audit")
    answered(cast.alice(), item, 3)
    assert wrong_audits.open_incidents() == []
    answered(cast.bob(), item, 3)
    assert wrong_audits.open_incidents() == []  # it can still be taken back
    Decision.objects.update(final_at=F("decided_at"))
    (incident,) = wrong_audits.open_incidents()
    assert (incident.kind, incident.output_id, incident.state) == ("audit", item.output_id, "open")
    assert wrong_audits.open_incidents() == []


def test_an_audit_that_was_right_opens_none() -> None:
    (item,) = desk(cast.system(), purpose="audit")
    answered(cast.alice(), item, 7)
    Decision.objects.update(final_at=F("decided_at"))
    assert wrong_audits.open_incidents() == []


def test_subscribers_are_told_of_an_incident_once_and_not_of_its_title() -> None:
    system = cast.system()
    endpoint, _ = endpoints.create(system, url="https://example.org/hook", events=["incident.opened"], by=CONSOLE)
    incident = incidents.by_person(system, by=cast.acting(cast.carol()), title="Mrs Smith was paid twice")
    assert (outbox.announce_incidents(), outbox.announce_incidents()) == (1, 0)
    delivery = Delivery.objects.select_related("endpoint__system", "output").get(endpoint=endpoint)
    told = json.loads(message(delivery).body)
    assert (told["type"], told["data"]["incident"], told["data"]["kind"]) == (
        "incident.opened",
        str(incident.pk),
        "person",
    )
    assert "Smith" not in str(told)
