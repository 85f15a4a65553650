"""Routing: the policy's rules applied to what waits, once, whatever the broker does."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Entry
from reviews.models import Item, Queue, Seat
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import arrive, check_constraints

pytestmark = pytest.mark.django_db
CARDS = {
    "default": {"queue": "general", "priority": 0},
    "rules": [
        {"id": "sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "queue": "cards",
         "skills": ["cards"], "priority": 75, "reviewers": 2},
        {"id": "chat", "when": {"field": "attributes.channel", "op": "eq", "value": "chat"}, "queue": "chat"},
    ],
    "queues": {"general": {"mode": "pull"}, "cards": {"mode": "pull", "escalates_to": "seniors"}, "chat": {}},
}  # fmt: skip


def routed(item: Item) -> Item:
    assert route_waiting() >= 1
    check_constraints()
    return Item.objects.select_related("queue").get(pk=item.pk)


def test_the_first_matching_rule_says_where_an_item_goes():
    item = routed(arrive(cast.system(routing=CARDS), digit=7)[0])
    assert (item.queue.slug, item.queue.escalates_to, item.reviewers, item.priority) == ("cards", "seniors", 2, 75)
    assert item.route["rule"] == "sevens"
    assert "digit" in item.route["sentence"]
    seats = Seat.objects.filter(item=item).order_by("number")
    assert [(seat.number, seat.skills) for seat in seats] == [(1, ["cards"]), (2, ["cards"])]
    assert {seat.urgent_at for seat in seats} == {item.created_at + timedelta(hours=1)}


def test_what_no_rule_matches_goes_to_the_default_queue():
    item = routed(arrive(cast.system(routing=CARDS), digit=3)[0])
    assert (item.queue.slug, item.reviewers, item.route["rule"]) == ("general", 1, "default")


def test_a_rule_sees_the_attributes():
    item = routed(arrive(cast.system(routing=CARDS), digit=3, context={"attributes": {"channel": "chat"}})[0])
    assert item.queue.slug == "chat"


def test_an_item_is_due_when_the_service_level_says():
    item = routed(arrive(cast.system(sla={"due_in": "PT90M"}))[0])
    assert item.due_at - item.created_at == timedelta(minutes=90)
    assert item.routed_at >= item.created_at


def test_an_item_goes_by_the_policy_that_judged_its_output():
    system = cast.system()
    item = arrive(system)[0]
    cast.put_in_force(system, cast.policy(routing={"default": {"queue": "elsewhere"}}))
    assert routed(item).queue.slug == "general"


def test_every_routing_is_an_entry_that_follows_from_the_verdict():
    item = routed(arrive(cast.system())[0])
    entry = Entry.objects.get(pk=item.entry_id)
    leaf = json.loads(bytes(entry.leaf))
    judged = Entry.objects.get(subject=item.output_id, rev=1)
    assert (entry.type, entry.subject, entry.rev) == ("routed", item.pk, 1)
    assert leaf["causes"] == [bytes(judged.leaf_hash).hex()]
    assert leaf["detail"]["queue"] == "general"
    assert leaf["policy"]["version"] == 1


def test_an_item_is_routed_once():
    item = arrive(cast.system())[0]
    assert route_waiting() == 1
    assert route_waiting() == 0
    assert Entry.objects.filter(subject=item.pk).count() == 1


def test_a_queue_that_the_policy_changed_follows_it():
    system = cast.system()
    routed(arrive(system)[0])
    routing = {"default": {"queue": "general"}, "queues": {"general": {"mode": "assign", "capacity": 3}}}
    cast.put_in_force(system, cast.policy(routing=routing))
    routed(arrive(system)[0])
    assert [(q.mode, q.capacity) for q in Queue.objects.filter(system=system)] == [("assign", 3)]


def test_a_batch_costs_the_same_statements_at_any_size():
    system = cast.system(routing=CARDS)
    arrive(system, 3)
    route_waiting()
    counts = []
    for size in (5, 50):
        arrive(system, size)
        with CaptureQueriesContext(connection) as queries:
            assert route_waiting() == size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8
