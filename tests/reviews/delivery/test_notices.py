"""Webhooks are told of proposals, halts, tiers and late items as of everything else: signed, in order, once."""

import json

import pytest

from governance.models import Notice
from governance.notices.kinds import EVENTS, KINDS
from governance.people.actors import CONSOLE
from governance.policies import halting, lifecycle
from reviews.delivery import endpoints, outbox
from reviews.delivery.messages import message
from reviews.delivery.sending import deliver_due
from reviews.models import Delivery, Endpoint
from tests import cast


@pytest.fixture
def listener(system, producer) -> Endpoint:
    made, _ = endpoints.create(system, url=producer.url, events=["policy.proposed", "system.halted"], by=CONSOLE)
    return made


def test_a_proposal_is_told_once_under_one_id_and_without_what_people_wrote(system, producer, listener):
    text = cast.policy(threshold={"default": 0.8})
    version = lifecycle.propose(system, text, by=cast.acting(cast.dana()), because="Mrs Smith waits.").version
    assert (deliver_due().taken, deliver_due().taken) == (1, 0)
    (request,) = producer.received
    told = json.loads(request.body)
    notice = Notice.objects.latest("pk")
    assert (told["type"], request.id) == ("policy.proposed", str(Delivery.objects.get().pk))
    assert told["data"] == {
        "system": "digits", "notice": str(notice.pk), "subject": str(version.pk), "policy_version": 2, "loosens": True,
        "at": told["data"]["at"], "links": {"self": told["data"]["links"]["self"]},
    }  # fmt: skip
    assert told["data"]["links"]["self"].endswith("/systems/digits/proposals/2/")
    assert "Smith" not in request.body.decode()


def test_a_receiver_that_fails_is_tried_again_under_the_same_id(system, producer, listener):
    halting.halt(system, by=cast.acting(cast.carol()), because="Strange.")
    producer.answers = [500]
    deliver_due(schedule=(0,))
    Delivery.objects.filter(delivered_at=None).update(next_attempt_at="2026-01-01T00:00:00Z")
    Endpoint.objects.update(rests_until=None)
    deliver_due()
    assert len(producer.received) == 2
    assert len({request.id for request in producer.received}) == 1
    assert Delivery.objects.get().delivered_at is not None


def test_only_who_asked_for_an_event_hears_of_it_and_only_of_its_system(system, producer, listener):
    cast.put_in_force(cast.system("letters"), cast.policy(threshold={"default": 0.8}))
    lifecycle.restore(system=cast.system("letters"), by=cast.acting(cast.carol()))
    assert outbox.announce_notices() == 0


def test_what_happened_before_a_webhook_was_made_is_not_told(system, producer):
    halting.halt(system, by=cast.acting(cast.carol()), because="Strange.")
    endpoints.create(system, url=producer.url, events=list(EVENTS), by=CONSOLE)
    assert outbox.announce_notices() == 0


def test_two_deliverers_write_one_delivery_of_a_notice(system, listener):
    halting.halt(system, by=cast.acting(cast.carol()), because="Strange.")
    assert (outbox.announce_notices(), outbox.announce_notices()) == (1, 0)
    assert Delivery.objects.count() == 1


def test_every_event_can_be_said(system, listener):
    facts = {
        "version": 2, "replaced": 3, "guarded": True, "loosens": True, "done": True, "why": "a sentence", "was": "high",
        "becomes": "limited", "state": "done", "step": "remind", "queue": "general",
    }  # fmt: skip
    for kind in EVENTS:
        notice = Notice.objects.create(
            system=system, kind=kind, subject=system.pk, facts=facts, entry_id=system.entry_id
        )
        made = Delivery.objects.create(endpoint=listener, event=kind, subject=notice.pk, cause=notice.entry_id)
        told = json.loads(message(Delivery.objects.select_related("endpoint__system", "output").get(pk=made.pk)).body)
        assert (told["type"], told["data"]["by_guard"]) == (kind, True)
        assert "a sentence" not in str(told)
    assert set(EVENTS) < set(KINDS)
