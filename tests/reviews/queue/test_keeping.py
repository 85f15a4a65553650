"""Keeping a claim, giving it back, passing it on, putting it off."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from uuid_utils.compat import uuid7

from governance.models import Entry, Payload
from governance.refusals import Conflict, Invalid
from reviews import queue
from reviews.models import Item, Seat
from reviews.queue import marks
from tests import cast
from tests.reviews.desk import check_constraints, desk, seat

pytestmark = pytest.mark.django_db
SENIORS = {
    "default": {"queue": "general"},
    "queues": {"general": {"escalates_to": "seniors"}, "seniors": {}},
}


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def types(claim: queue.Claim) -> list[str]:
    check_constraints()
    return list(Entry.objects.filter(subject=claim.seat).order_by("rev").values_list("type", flat=True))


def test_renewing_gives_a_whole_lease_and_no_entry():
    (item,) = desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    Seat.objects.filter(item=item).update(claim_expires_at=F("claim_expires_at") - timedelta(minutes=9))
    renewed = queue.renew(alice, claim.item, claim.token)
    assert timedelta(minutes=9) < renewed.expires_at - renewed.now
    assert types(claim) == ["claimed"]


def test_what_is_released_waits_for_the_next_person():
    desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    queue.release(alice, claim.item, claim.token)
    assert types(claim) == ["claimed", "claim_released"]
    again = queue.claim_next(alice)
    assert (again.item, again.token != claim.token) == (claim.item, True)


def test_what_is_skipped_is_not_offered_to_her_again():
    one, two = desk(cast.system(), 2)
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    claim = queue.claim_next(alice)
    queue.skip(alice, claim.item, claim.token, "I know this customer.")
    assert types(claim) == ["claimed", "skipped"]
    assert queue.claim_next(alice).item == two.pk
    assert queue.claim_next(bob).item == one.pk


def test_a_reason_stays_out_of_the_log_and_is_committed_to():
    desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    queue.skip(alice, claim.item, claim.token, "I know this customer.")
    entry = Entry.objects.get(subject=claim.seat, type="skipped")
    assert b"customer" not in bytes(entry.leaf)
    assert json.loads(bytes(entry.leaf))["commitments"][0]["name"] == "reason"
    assert bytes(Payload.objects.get(entry=entry).content) == b"I know this customer."


def test_she_may_still_open_what_she_skipped():
    (item,) = desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    queue.skip(alice, claim.item, claim.token)
    assert queue.claim_next(alice) is None
    assert queue.claim_item(alice, item.pk).item == item.pk


def test_what_is_held_is_offered_to_nobody_until_then():
    (item,) = desk(cast.system())
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    claim = queue.claim_next(alice)
    queue.hold(alice, claim.item, claim.token, until=datetime.now(UTC) + timedelta(hours=1), reason="Ask the lab.")
    assert types(claim) == ["claimed", "held"]
    assert queue.claim_next(bob) is None
    Seat.objects.filter(item=item).update(held_until=datetime.now(UTC) - timedelta(seconds=1))
    assert queue.claim_next(bob).item == item.pk


def test_she_may_come_back_early_to_what_she_held():
    (item,) = desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    queue.hold(alice, claim.item, claim.token, until=datetime.now(UTC) + timedelta(hours=1))
    assert queue.claim_item(alice, item.pk).item == item.pk
    assert seat(item).held_until is None


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=-1), timedelta(days=8)])
def test_a_hold_ends_within_seven_days(ahead):
    desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    with pytest.raises(Invalid, match="/until"):
        queue.hold(alice, claim.item, claim.token, until=datetime.now(UTC) + ahead)
    with pytest.raises(Invalid, match="/until"):
        queue.hold(alice, claim.item, claim.token, until=datetime.now() + timedelta(hours=1))  # noqa: DTZ005  naive


def test_what_is_escalated_goes_to_the_queue_above_and_not_to_her():
    (item,) = desk(cast.system(routing=SENIORS))
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    claim = queue.claim_next(alice)
    queue.escalate(alice, claim.item, claim.token, "Too hard for me.")
    check_constraints()
    assert Item.objects.get(pk=item.pk).queue.slug == "seniors"
    assert list(Entry.objects.filter(subject=item.pk).order_by("rev").values_list("type", flat=True)) == [
        "routed", "escalated",
    ]  # fmt: skip
    assert queue.claim_next(alice) is None
    assert queue.claim_next(bob, queue="general") is None
    assert queue.claim_next(bob, queue="seniors").item == item.pk


def test_without_a_queue_above_it_goes_to_the_leads():
    (item,) = desk(cast.system())
    alice, bob, carol = (cast.acting(who()) for who in (cast.alice, cast.bob, cast.carol))
    claim = queue.claim_next(alice)
    queue.escalate(alice, claim.item, claim.token)
    assert queue.claim_next(bob) is None
    assert queue.claim_next(carol).item == item.pk


@pytest.mark.parametrize("verb", [queue.renew, queue.release, queue.skip, queue.escalate])
def test_without_the_token_nothing_happens(verb):
    (item,) = desk(cast.system())
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    claim = queue.claim_next(alice)
    for who, token in ((alice, uuid7()), (bob, claim.token), (bob, uuid7())):
        with pytest.raises(Conflict):
            verb(who, item.pk, token)
    assert types(claim) == ["claimed"]
    assert seat(item).claim_token == claim.token


@pytest.mark.parametrize("verb", [queue.renew, queue.release, queue.skip, queue.escalate])
def test_an_expired_claim_holds_no_more_and_the_sentence_says_when_it_ended(verb):
    (item,) = desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    Seat.objects.filter(item=item).update(claim_expires_at=F("claim_expires_at") - timedelta(hours=1))
    with pytest.raises(Conflict, match=r"ran out at \d\d:\d\d:\d\d UTC and nobody has taken"):
        verb(alice, item.pk, claim.token)


def test_a_claim_that_somebody_took_over_says_who_has_it():
    (item,) = desk(cast.system())
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    claim = queue.claim_next(alice)
    Seat.objects.filter(item=item).update(claim_expires_at=F("claim_expires_at") - timedelta(hours=1))
    queue.claim_next(bob)
    with pytest.raises(Conflict, match="no longer in your hands: Bob has it until"):
        queue.release(alice, item.pk, claim.token)
