"""Who gets what in a queue that gives its items out."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from governance.evidence.record import record
from governance.models import Entry, Presence, System
from governance.people import accounts, presence
from governance.people.actors import CONSOLE
from governance.refusals import NotAllowed
from governance.worktime import Calendar
from reviews import queue
from reviews.decisions import decide, supersede
from reviews.models import Capacity, Decision, Item, Queue, Seat
from reviews.routing.assigning import assign_waiting
from tests import cast
from tests.reviews.desk import check_constraints, desk, seat


def assigns(capacity: int = 10, reviewers: int = 1, skills: tuple[str, ...] = (), **settings) -> dict:
    return {
        "default": {"queue": "cards", "reviewers": reviewers, "skills": list(skills)},
        "queues": {"cards": {"mode": "assign", "capacity": capacity, **settings}},
    }


def assign() -> int:
    given = assign_waiting()
    check_constraints()
    return given


def loads() -> dict[str, int]:
    found: dict[str, int] = {}
    for held in Seat.objects.filter(closed_at=None, assigned_to__isnull=False).select_related("assigned_to"):
        found[held.assigned_to.name] = found.get(held.assigned_to.name, 0) + 1
    return found


@pytest.mark.django_db
def test_items_go_evenly_to_those_who_may_and_to_nobody_else():
    desk(cast.system(routing=assigns()), 6)
    cast.alice(), cast.bob(), cast.dana(), cast.eve()
    assert assign() == 6
    assert loads() == {"Alice": 3, "Bob": 3}
    assert assign() == 0


@pytest.mark.django_db
def test_she_is_offered_what_she_was_given_and_nothing_else():
    items = desk(cast.system(routing=assigns()), 2)
    alice, bob = cast.alice(), cast.bob()
    assign()
    mine = Seat.objects.get(assigned_to=alice)
    claim = queue.claim_next(cast.acting(alice))
    assert claim.item == mine.item_id
    other = next(item for item in items if item.pk != mine.item_id)
    with pytest.raises(NotAllowed, match="was not given to you"):
        queue.claim_item(cast.acting(alice), other.pk)
    assert queue.claim_item(cast.acting(cast.carol()), other.pk).item == other.pk  # a lead may take it over
    assert queue.claim_next(cast.acting(bob)) is None


@pytest.mark.django_db
def test_nobody_gets_more_than_she_takes_at_a_time():
    system = cast.system(routing=assigns(capacity=2))
    desk(system, 9)
    alice, bob = cast.alice(), cast.bob()
    where = Queue.objects.get(system=system)
    entry = record("capacity_set", actor=CONSOLE, kind="person", id=bob.pk)
    Capacity.objects.create(person=bob, queue=where, most=4, entry_id=entry.id)
    assert assign() == 6
    assert loads() == {"Alice": 2, "Bob": 4}
    claim = queue.claim_next(cast.acting(alice))
    decide(cast.acting(alice), item=claim.item, token=claim.token, verdict="approve")
    assert assign() == 1


@pytest.mark.django_db
def test_a_skill_is_asked_for_until_it_expires():
    system = cast.system(routing=assigns(skills=("cards",)))
    desk(system, 2)
    cast.alice()
    bob = cast.person("bob", "reviewer", system=system, skills=["cards"])
    assert assign() == 2
    assert loads() == {"Bob": 2}
    accounts.grant_skill(bob, "cards", system=system, by=CONSOLE, expires_at=timezone.now() - timedelta(minutes=1))
    desk(system, 1)
    assert assign() == 0
    assert queue.claim_next(cast.acting(bob)) is None


@pytest.mark.django_db
def test_those_with_rare_skills_are_kept_free_for_what_needs_them():
    system = cast.system(routing=assigns())
    desk(system, 1)
    cast.person("bob", "reviewer", system=system, skills=["cards"])
    cast.alice()
    assign()
    assert loads() == {"Alice": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("away", ["paused", "off", "out"])
def test_whoever_is_not_there_gets_nothing_and_what_she_has_goes_to_somebody_who_is(away):
    desk(cast.system(routing=assigns()), 4)
    alice = cast.alice()
    assign()
    assert loads() == {"Alice": 4}
    now = timezone.now()
    by = cast.acting(alice)
    if away == "paused":
        presence.pause(alice, by=by)
    elif away == "off":
        presence.take_off(alice, now - timedelta(hours=1), now + timedelta(days=1), by=by)
    else:
        yesterday = (now - timedelta(days=1)).weekday()
        day = tuple(((600, 601),) if index == yesterday else () for index in range(7))
        presence.set_hours(alice, Calendar("UTC", day), by=by)
    assert assign() == 0  # there is nobody else: it stays hers
    cast.bob()
    assert assign() == 4
    assert loads() == {"Bob": 4}


@pytest.mark.django_db
def test_what_she_has_in_hand_stays_hers_when_she_pauses():
    desk(cast.system(routing=assigns()), 2)
    alice = cast.alice()
    assign()
    held = queue.claim_next(cast.acting(alice))
    presence.pause(alice, by=cast.acting(alice))
    cast.bob()
    assert assign() == 1
    assert Seat.objects.get(item=held.item).assigned_to_id == alice.pk


@pytest.mark.django_db
def test_two_people_who_judge_one_item_are_two():
    desk(cast.system(routing=assigns(reviewers=2)), 3)
    cast.alice()
    assert assign() == 3
    cast.bob()
    assert assign() == 3
    for item in Item.objects.all():
        assert len(set(Seat.objects.filter(item=item).values_list("assigned_to", flat=True))) == 2


@pytest.mark.django_db
def test_nobody_judges_what_is_about_her_or_what_her_key_sent():
    system = cast.system(contract_parts={"personal_data": ["/attributes/customer"]}, routing=assigns())
    alice, bob = cast.alice(), cast.bob()
    cast.key_for(system, ["reviews:write", "outputs:write"], person=bob)
    about = desk(system, context={"attributes": {"customer": {"email": "Alice@Example.org"}}})[0]
    sent = desk(system, key=bob.keys.get().pk)[0]
    assign()
    assert (seat(about).assigned_to_id, seat(sent).assigned_to_id) == (bob.pk, alice.pk)
    with pytest.raises(NotAllowed, match="It is about you"):
        queue.claim_item(cast.acting(alice), about.pk)


@pytest.mark.django_db
def test_whoever_judged_it_before_does_not_confirm_the_correction():
    system = cast.system(routing=assigns(reviewers=2))
    alice, bob, carol = cast.alice(), cast.bob(), cast.carol()
    item = desk(system)[0]
    made = []
    while assign():
        pass
    for who in (alice, bob, carol):
        claim = queue.claim_next(cast.acting(who))
        if claim:
            made.append(decide(cast.acting(who), item=item.pk, token=claim.token, verdict="approve"))
    judges = set(Decision.objects.values_list("person", flat=True))
    Decision.objects.update(final_at=Now())
    dora = cast.person("dora", "reviewer")
    supersede(cast.acting(carol), made[0].decision, verdict="reject")
    again = Seat.objects.get(item__round=2, number=2)
    assert judges <= set(again.barred)
    assign()
    again.refresh_from_db()
    assert again.assigned_to_id == (dora.pk if carol.pk in judges | {carol.pk} else None)


@pytest.mark.django_db
def test_whoever_passes_an_item_on_does_not_get_it_back():
    desk(cast.system(routing=assigns()), 1)
    alice = cast.acting(cast.alice())
    assign()
    claim = queue.claim_next(alice)
    queue.skip(alice, claim.item, claim.token, "not mine")
    assert assign() == 0
    bob = cast.bob()
    assert assign() == 1
    assert Seat.objects.get().assigned_to_id == bob.pk


@pytest.mark.django_db
def test_like_cases_go_to_the_same_person_where_the_queue_says_so():
    system = cast.system(routing=assigns(affinity="attributes.customer"))
    cast.alice(), cast.bob()
    for customer in ("a", "b", "c", "a", "b", "c", "a", "b", "c"):
        desk(system, context={"attributes": {"customer": customer}})
        assign()
    by_likeness = Seat.objects.exclude(affinity="").values_list("affinity", "assigned_to").distinct()
    assert len(by_likeness) == 3
    assert Entry.objects.filter(type="assigned").count() == 9


@pytest.mark.django_db
def test_every_assignment_is_an_entry_that_names_to_whom():
    desk(cast.system(routing=assigns()))
    alice = cast.alice()
    assign()
    leaf = json.loads(bytes(Entry.objects.get(pk=Seat.objects.get().entry_id).leaf))
    assert (leaf["type"], leaf["detail"]["to"], leaf["subject"]["kind"]) == ("assigned", str(alice.pk), "seat")


@pytest.mark.django_db
def test_a_person_says_when_she_works_and_a_lead_says_it_for_her_but_nobody_else():
    alice = cast.alice()
    presence.pause(alice, by=cast.acting(cast.carol()))
    presence.resume(alice, by=cast.acting(alice))
    with pytest.raises(NotAllowed):
        presence.pause(alice, by=cast.acting(cast.bob()))
    other = cast.person("lena", "lead", system=cast.system("elsewhere"))
    local = cast.person("rita", "reviewer", system=cast.system("here"))
    with pytest.raises(NotAllowed):
        presence.pause(local, by=cast.acting(other))
    assert Entry.objects.filter(type__in=("paused", "resumed")).count() == 2
    assert not Presence.objects.filter(paused_at__isnull=False).exists()


def test_two_routers_at_once_put_nobody_over_her_capacity(committed_db):
    system = cast.system(routing=assigns(capacity=7))
    desk(system, 120)
    for name in ("alice", "bob", "cleo", "dina", "elsa"):
        cast.person(name, "reviewer")
    together = threading.Barrier(4)

    def route() -> None:
        try:
            together.wait()
            for _ in range(20):
                assign_waiting(limit=9)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=route) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while assign_waiting():
        pass
    assert set(loads().values()) == {7}
    assert Entry.objects.filter(type="assigned").count() == 35
    assert System.objects.get(pk=system.pk)


@pytest.mark.django_db
def test_what_nobody_can_take_holds_up_nothing_behind_it():
    system = cast.system(routing=assigns(capacity=100) | {
        "rules": [{"id": "hard", "when": {"field": "attributes.hard", "op": "eq", "value": True, "on_missing": "false"},
                   "queue": "cards", "skills": ["rare"]}],
    })  # fmt: skip
    desk(system, 30, context={"attributes": {"hard": True}})
    desk(system, 5)
    cast.alice()
    assert assign_waiting(limit=10) == 5
