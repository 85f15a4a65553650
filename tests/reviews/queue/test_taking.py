"""Taking items: the most urgent one that is hers to take, and no other."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models import ApiKey, Entry, Output
from governance.people import accounts, keys
from governance.people.actors import CONSOLE
from governance.people.actors import key as acting_key
from governance.refusals import Conflict, NotAllowed, NotFound
from reviews import queue
from reviews.models import Item, Seat
from reviews.queue import marks
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import arrive, check_constraints, desk, seat

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def expire(item: Item) -> None:
    Seat.objects.filter(item=item).update(claim_expires_at=F("claim_expires_at") - timedelta(hours=1))


def test_the_next_item_is_the_most_urgent_one():
    routing = {"default": {"queue": "general", "priority": 0}, "rules": [
        {"id": "sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "queue": "general", "priority": 90}
    ]}  # fmt: skip
    system = cast.system(routing=routing)
    (calm,) = desk(system, digit=3)
    (urgent,) = desk(system, digit=7)
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    assert queue.claim_next(alice).item == urgent.pk
    assert queue.claim_next(bob).item == calm.pk


def test_the_most_urgent_of_several_queues_comes_first():
    routing = {"default": {"queue": "general"}, "rules": [
        {"id": "sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "queue": "urgent", "priority": 90}
    ]}  # fmt: skip
    system = cast.system(routing=routing)
    (first,) = desk(system, digit=3)
    (urgent,) = desk(system, digit=7)
    alice = cast.acting(cast.alice())
    assert queue.claim_next(alice, queue="general").item == first.pk
    assert queue.claim_next(alice, queue="urgent").item == urgent.pk
    assert queue.claim_next(cast.acting(cast.bob())) is None
    assert Seat.objects.filter(claimed_by=alice.person).count() == 2


def test_a_queue_named_by_nobody_has_nothing():
    desk(cast.system())
    assert queue.claim_next(cast.acting(cast.alice()), queue="no-such-queue") is None


def test_a_claim_carries_the_card():
    system = cast.system()
    (item,) = desk(system, context={"explanation": "It looks like one.", "alternatives": []})
    claim = queue.claim_next(cast.acting(cast.alice()))
    assert (claim.item, claim.output, claim.number, claim.round) == (item.pk, item.output_id, 1, 1)
    assert json.loads(claim.answer) == {"digit": 7}
    assert json.loads(claim.context)["explanation"] == "It looks like one."
    assert claim.rules.review.undo_seconds == 8
    assert claim.route["rule"] == "default"
    assert timedelta(minutes=9) < claim.expires_at - claim.now <= timedelta(minutes=10)


def test_asking_again_gives_the_item_in_hand():
    desk(cast.system(), 3)
    alice = cast.acting(cast.alice())
    first = queue.claim_next(alice)
    again = queue.claim_next(alice)
    assert (again.token, again.expires_at, again.is_new) == (first.token, first.expires_at, False)
    assert Entry.objects.filter(subject=first.seat).count() == 1


def test_a_claim_is_an_entry_on_the_seats_own_chain():
    (item,) = desk(cast.system())
    alice = cast.acting(cast.alice())
    claim = queue.claim_next(alice)
    check_constraints()
    entry = Entry.objects.get(subject=claim.seat)
    leaf = json.loads(bytes(entry.leaf))
    routed = Entry.objects.get(subject=item.pk)
    assert (entry.type, entry.rev, leaf["subject"]["prev"]) == ("claimed", 1, None)
    assert leaf["causes"] == [bytes(routed.leaf_hash).hex()]
    assert leaf["actor"] == {"kind": "person", "id": str(alice.person.pk), "roles": ["reviewer"], "auth": "password"}
    assert seat(item).entry_id == entry.pk


def test_an_expired_claim_is_free_without_anybodys_doing():
    (item,) = desk(cast.system())
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    first = queue.claim_next(alice)
    assert queue.claim_next(bob) is None
    expire(item)
    second = queue.claim_next(bob)
    assert (second.item, second.token != first.token) == (item.pk, True)
    assert [e.rev for e in Entry.objects.filter(subject=second.seat).order_by("rev")] == [1, 2]


def test_a_soft_claim_is_the_next_card_and_no_evidence():
    one, two = desk(cast.system(), 2)
    alice = cast.acting(cast.alice())
    queue.claim_next(alice)
    ahead = queue.claim_next(alice, ahead=True)
    assert (ahead.item, ahead.is_soft) == (two.pk, True)
    assert timedelta(seconds=50) < ahead.expires_at - ahead.now <= timedelta(seconds=60)
    assert queue.claim_next(alice, ahead=True).token == ahead.token
    assert not Entry.objects.filter(subject=ahead.seat).exists()
    assert queue.claim_next(cast.acting(cast.bob())) is None
    assert queue.claim_next(alice).item == one.pk


def test_a_soft_claim_becomes_the_one_in_hand_when_it_is_renewed():
    desk(cast.system(), 3)
    alice = cast.acting(cast.alice())
    first = queue.claim_next(alice)
    ahead = queue.claim_next(alice, ahead=True)
    shown = queue.renew(alice, ahead.item, ahead.token)
    check_constraints()
    assert (shown.is_soft, shown.token) == (False, ahead.token)
    assert [e.type for e in Entry.objects.filter(subject=ahead.seat)] == ["claimed"]
    assert Seat.objects.get(pk=first.seat).is_soft is True
    assert queue.claim_next(alice).token == ahead.token


def test_next_turns_the_soft_claim_into_the_one_in_hand():
    desk(cast.system(), 2)
    alice = cast.acting(cast.alice())
    ahead = queue.claim_next(alice, ahead=True)
    taken = queue.claim_next(alice)
    assert (taken.token, taken.is_soft, taken.is_new) == (ahead.token, False, True)
    assert [e.type for e in Entry.objects.filter(subject=ahead.seat)] == ["claimed"]


def test_at_most_one_in_hand_and_one_soft_claim():
    desk(cast.system(), 4)
    alice = cast.acting(cast.alice())
    first = queue.claim_next(alice)
    ahead = queue.claim_next(alice, ahead=True)
    third = Item.objects.exclude(pk__in=[first.item, ahead.item]).first()
    opened = queue.claim_item(alice, third.pk)
    held = Seat.objects.filter(claimed_by=alice.person, claim_expires_at__gt=Now())
    assert {(s.pk, s.is_soft) for s in held} == {(opened.seat, False), (first.seat, True)}


def test_skills_are_asked_for():
    system = cast.system(routing={"default": {"queue": "cards", "skills": ["cards", "french"]}})
    (item,) = desk(system)
    alice = cast.alice()
    accounts.grant_skill(alice, "cards", system=system, by=CONSOLE)
    assert queue.claim_next(cast.acting(alice)) is None
    with pytest.raises(NotAllowed, match="who knows french"):
        queue.claim_item(cast.acting(alice), item.pk)
    accounts.grant_skill(alice, "french", system=system, by=CONSOLE)
    assert queue.claim_next(cast.acting(alice)).item == item.pk


def test_a_skill_counts_in_its_own_system_only():
    system, other = cast.system(routing={"default": {"queue": "q", "skills": ["cards"]}}), cast.system("other")
    desk(system)
    alice = cast.alice()
    accounts.grant_skill(alice, "cards", system=other, by=CONSOLE)
    assert queue.claim_next(cast.acting(alice)) is None


def test_a_reviewer_of_one_system_never_sees_anothers():
    system, other = cast.system(), cast.system("other")
    (item,) = desk(system)
    frank = cast.person("frank", "reviewer", system=other)
    assert queue.claim_next(cast.acting(frank)) is None
    with pytest.raises(NotFound):
        queue.claim_item(cast.acting(frank), item.pk)
    with pytest.raises(NotFound):
        queue.claim_item(cast.acting(frank), uuid7())


def test_a_key_reaches_its_own_system_only_whatever_its_person_may():
    system, other = cast.system(), cast.system("other")
    (item,) = desk(system)
    key, _ = keys.create("desk", system=other, scopes=["reviews:write"], by=CONSOLE, person=cast.alice())
    actor = acting_key(ApiKey.objects.select_related("person").get(pk=key.pk))
    assert queue.claim_next(actor) is None
    with pytest.raises(NotFound):
        queue.claim_item(actor, item.pk)


@pytest.mark.parametrize("who", [cast.dana, cast.erik, cast.ruth, cast.eng, cast.eve, cast.admin])
def test_people_who_do_not_review_take_nothing(who):
    (item,) = desk(cast.system())
    with pytest.raises(NotAllowed):
        queue.claim_next(cast.acting(who()))
    with pytest.raises(NotAllowed):
        queue.claim_item(cast.acting(who()), item.pk)


def test_nobody_reviews_what_a_key_of_her_own_sent():
    system = cast.system()
    alice = cast.alice()
    key, _ = keys.create("hers", system=system, scopes=["outputs:write", "reviews:write"], by=CONSOLE, person=alice)
    (item,) = desk(system, key=key.pk)
    assert queue.claim_next(cast.acting(alice)) is None
    with pytest.raises(NotAllowed, match="A key that acts for you"):
        queue.claim_item(cast.acting(alice), item.pk)
    assert queue.claim_next(cast.acting(cast.bob())).item == item.pk


def test_nobody_takes_both_seats_of_an_item():
    (item,) = desk(cast.system(routing={"default": {"queue": "general", "reviewers": 2}}))
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    first = queue.claim_next(alice)
    assert queue.claim_next(alice, ahead=True) is None
    second = queue.claim_next(bob)
    assert (first.item, second.item, {first.number, second.number}) == (item.pk, item.pk, {1, 2})


def test_an_item_that_is_not_routed_yet_says_so():
    (item,) = arrive(cast.system())
    with pytest.raises(Conflict, match="no queue yet"):
        queue.claim_item(cast.acting(cast.alice()), item.pk)
    route_waiting()
    assert queue.claim_item(cast.acting(cast.alice()), item.pk).item == item.pk


def test_opening_an_item_in_other_hands_says_whose():
    (item,) = desk(cast.system())
    queue.claim_next(cast.acting(cast.alice()))
    with pytest.raises(Conflict, match=r"Alice has it until \d\d:\d\d:\d\d UTC"):
        queue.claim_item(cast.acting(cast.bob()), item.pk)


def test_an_urgent_arrival_is_found_behind_a_mark_within_a_second():
    """A mark skips what lies before it for a moment only; and whoever finds nothing looks from the head."""
    routing = {"default": {"queue": "general", "priority": 0}, "rules": [
        {"id": "sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "queue": "general", "priority": 100}
    ]}  # fmt: skip
    system = cast.system(routing=routing)
    desk(system, marks.FROM_THE_HEAD, digit=3)
    people = [cast.acting(cast.person(f"p{n}", "reviewer")) for n in range(marks.FROM_THE_HEAD + 2)]
    for who in people[: marks.FROM_THE_HEAD]:
        assert queue.claim_next(who) is not None
    (urgent,) = desk(system, digit=7)
    assert queue.claim_next(people[-2]).item == urgent.pk
    assert queue.claim_next(people[-1]) is None


def test_a_person_whose_access_ended_takes_nothing():
    desk(cast.system())
    alice = cast.alice()
    accounts.deactivate(alice, by=CONSOLE)
    alice.is_active = False
    with pytest.raises(NotAllowed):
        queue.claim_next(cast.acting(alice))


def test_an_output_whose_content_was_erased_can_still_be_claimed():
    (item,) = desk(cast.system())
    Output.objects.get(pk=item.output_id).content.delete()
    claim = queue.claim_next(cast.acting(cast.alice()))
    assert (claim.item, claim.answer, claim.input) == (item.pk, None, None)
