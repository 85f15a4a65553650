"""Deciding like items at once: each in the log by itself, none a label but those drawn back, the whole undone."""

import json
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from governance.models import Entry, Output
from governance.refusals import Conflict, Invalid, NotAllowed
from reviews import queue
from reviews.decisions import bulk, decide, undo
from reviews.delivery import endpoints
from reviews.models import Decision, Delivery, Endpoint, Item, Seat
from reviews.queue import marks
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import check_constraints, desk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def alike(count: int = 20):
    """So many items of which the AI said the same, and some that only look like them."""
    system = cast.system()
    items = desk(system, count)
    desk(system, 1, digit=3)
    desk(system, 1, rule="segment:x")
    desk(system, 1, purpose="audit")
    return system, cast.acting(cast.alice()), items


def decided(actor, items, **said):
    said = {"verdict": "approve"} | said
    made = bulk.decide_many(actor, like=items[0].pk, items=[item.pk for item in items], **said)
    check_constraints()
    return made


def test_the_preview_shows_what_is_alike_and_nothing_else():
    _, alice, items = alike()
    assert {each.item for each in bulk.alike(alice, items[0].pk)} == {item.pk for item in items}
    assert bulk.alike(alice, items[3].pk)[0].item == items[3].pk


def test_each_item_has_its_own_claim_and_decision_in_the_log():
    _, alice, items = alike()
    made = decided(alice, items)
    assert (made.decided, made.left) == (20, 0)
    outputs = Output.objects.filter(pk__in=[item.output_id for item in items])
    assert set(outputs.values_list("status", flat=True)) == {"approved"}
    assert Entry.objects.filter(type="claimed").count() == Entry.objects.filter(type="decided").count() == 20
    leaf = json.loads(bytes(Entry.objects.filter(type="decided").first().leaf))
    assert leaf["detail"]["bulk"] == str(made.id)


def test_nothing_of_it_is_a_label_but_what_is_drawn_back_is():
    _, alice, items = alike()
    made = decided(alice, items)
    assert made.rechecked == 2
    assert not Output.objects.filter(pk__in=[item.output_id for item in items], label__isnull=False).exists()
    route_waiting()
    again = Item.objects.filter(purpose="recheck").select_related("output")
    assert {item.is_blind for item in again} == {True}
    first = again[0]
    with pytest.raises(NotAllowed):
        queue.claim_item(alice, first.pk)
    bob = cast.acting(cast.bob())
    claim = queue.claim_item(bob, first.pk)
    decide(bob, item=first.pk, token=claim.token, output={"digit": 7})
    output = Output.objects.get(pk=first.output_id)
    assert (output.label, output.status, output.revision) == (True, "approved", 1)
    assert Decision.objects.get(item=first).supersedes_id is None


def test_what_is_in_other_hands_is_left():
    _, alice, items = alike(5)
    chosen = [each.item for each in bulk.alike(alice, items[0].pk)]
    queue.claim_item(cast.acting(cast.bob()), items[2].pk)
    with pytest.raises(Invalid, match="preview"):
        bulk.decide_many(alice, like=items[0].pk, items=chosen, verdict="approve")
    kept = [item for item in chosen if item != items[2].pk]
    assert bulk.decide_many(alice, like=items[0].pk, items=kept, verdict="approve").decided == 4
    assert Seat.objects.get(item=items[2]).closed_at is None


def test_what_is_not_alike_is_refused_whole():
    system, alice, items = alike(3)
    other = desk(system, 1, digit=1)[0]
    with pytest.raises(Invalid):
        decided(alice, [*items, other])
    assert not Decision.objects.exists()


def test_the_whole_is_undone_and_nobody_was_told():
    system, alice, items = alike(10)
    endpoints.create(system, url="https://hooks.example.org/", events=Endpoint.EVENTS, by=cast.acting(cast.eng()))
    made = decided(alice, items)
    route_waiting()
    assert made.final_at - Decision.objects.first().decided_at == timedelta(minutes=2)
    assert bulk.undoable(alice).decided == 10
    assert bulk.undo_many(alice, made.id) == 10
    check_constraints()
    outputs = Output.objects.filter(pk__in=[item.output_id for item in items])
    assert set(outputs.values_list("status", flat=True)) == {"in_review"}
    assert not Item.objects.filter(purpose="recheck").exclude(state="closed").exists()
    assert not Seat.objects.filter(claimed_by__isnull=False, is_soft=False).exists()
    assert not Delivery.objects.filter(cancelled_at=None).exists()
    assert bulk.undoable(alice) is None
    with pytest.raises(Conflict):
        bulk.undo_many(alice, made.id)
    # Whichever is drawn this time, the one drawn before among them.
    for _ in range(6):
        again = decided(alice, items[:3])
        assert (again.decided, bulk.undo_many(alice, again.id)) == (3, 3)


def test_what_is_final_or_re_checked_is_not_undone():
    _, alice, items = alike(10)
    made = decided(alice, items)
    route_waiting()
    bob = cast.acting(cast.bob())
    again = Item.objects.filter(purpose="recheck").first()
    claim = queue.claim_item(bob, again.pk)
    decide(bob, item=again.pk, token=claim.token, output={"digit": 7})
    with pytest.raises(Conflict, match="re-check"):
        bulk.undo_many(alice, made.id)
    Decision.objects.update(final_at=Now())
    with pytest.raises(Conflict):
        bulk.undo_many(alice, made.id)


def test_the_page_previews_decides_and_undoes():
    _, alice, items = alike(4)
    browser = cast.signed_in(cast.alice())
    claim = queue.claim_item(alice, items[0].pk)
    where = f"/review/{claim.item}/like/"
    page = browser.get(where).content.decode()
    assert "4 items are alike" in page
    assert browser.post(where, {"verdict": "approve"}).status_code == 422
    sent = {"verdict": "approve", "item": [str(item.pk) for item in items]}
    assert browser.post(where, sent).status_code == 302
    assert "Undo the whole" in browser.get("/queue/").content.decode()
    browser.post(f"/review/bulk/{Decision.objects.first().bulk}/undo/")
    assert not Decision.objects.filter(undone_at=None).exists()


def test_one_of_it_is_taken_back_alone_and_the_label_of_its_re_check_stays():
    _, alice, items = alike()
    decided(alice, items)
    route_waiting()
    again = Item.objects.filter(purpose="recheck").first()
    bob = cast.acting(cast.bob())
    claim = queue.claim_item(bob, again.pk)
    decide(bob, item=again.pk, token=claim.token, output={"digit": 7})
    found = Output.objects.get(pk=again.output_id)
    assert found.label is True
    undo(alice, found.decision)
    check_constraints()
    left = Output.objects.get(pk=again.output_id)
    assert (left.status, left.decision) == ("in_review", None)
    assert (left.label, left.labelled_at) == (True, found.labelled_at)
    # Her next verdict is the label until she takes it back too; then the re-check's is one again.
    seat = queue.claim_item(alice, Decision.objects.get(pk=found.decision).item_id)
    single = decide(alice, item=seat.item, token=seat.token, verdict="override", output={"digit": 3})
    assert Output.objects.get(pk=again.output_id).label is False
    undo(alice, single.decision)
    left = Output.objects.get(pk=again.output_id)
    assert (left.label, left.labelled_at) == (True, found.labelled_at)


def test_an_item_that_is_like_no_other_is_told_so():
    (item,) = desk(cast.system())
    alice = cast.alice()
    queue.claim_item(cast.acting(alice), item.pk)
    page = cast.signed_in(alice).get(f"/review/{item.pk}/like/")
    assert "No other item that waits is like this one." in page.content.decode()
