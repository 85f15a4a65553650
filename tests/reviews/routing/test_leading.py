"""What a lead does with a queue, and what it says of how long one waits."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from scipy import stats

from governance.models import Entry
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from reviews import queue
from reviews.decisions import decide
from reviews.models import Item, Queue, Seat
from reviews.queue import marks
from reviews.routing import flow, leading
from reviews.routing.assigning import assign_waiting
from reviews.routing.forecast import empties_in, expected_wait
from tests import cast
from tests.governance.test_worktime import OFFICE, at
from tests.reviews.desk import check_constraints, desk, seat
from tests.reviews.routing.test_assigning import assigns

pytestmark = pytest.mark.django_db
TWO = {"default": {"queue": "general"}, "queues": {"general": {}, "other": {}},
       "rules": [{"id": "x", "when": {"field": "attributes.other", "op": "eq", "value": True, "on_missing": "false"},
                  "queue": "other"}]}  # fmt: skip
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_memory():
    flow.forget()
    marks.forget()


def two_queues():
    system = cast.system(routing=TWO)
    desk(system, 3)
    desk(system, 1, context={"attributes": {"other": True}})
    by_slug = {row.slug: row for row in Queue.objects.select_related("system")}
    return system, by_slug["general"], by_slug["other"]


def test_items_move_to_another_queue_each_with_its_entry():
    _, general, other = two_queues()
    items = list(Item.objects.filter(queue=general).values_list("pk", flat=True))
    assert leading.move(general, other, by=cast.acting(cast.carol()), items=items[:2]) == 2
    check_constraints()
    assert Item.objects.filter(queue=other).count() == Seat.objects.filter(queue=other).count() == 3
    assert Entry.objects.filter(type="moved").count() == 2


def test_a_closed_queue_gives_up_what_waits_and_what_comes_later():
    system, general, other = two_queues()
    assert leading.close(general, other, by=cast.acting(cast.carol())) == 3
    late = desk(system)[0]
    assert (late.queue, seat(late).queue) == (other, other)
    with pytest.raises(Conflict, match="closed already"):
        leading.close(general, other, by=cast.acting(cast.carol()))
    with pytest.raises(Conflict, match="closed into this one"):
        leading.close(other, Queue.objects.create(system=system, slug="third"), by=cast.acting(cast.carol()))
    leading.reopen(general, by=cast.acting(cast.carol()))
    assert desk(system)[0].queue == general


def test_a_paused_queue_gives_nothing_and_what_is_in_hand_stays():
    _, general, _other = two_queues()
    alice = cast.acting(cast.alice())
    held = queue.claim_next(alice, queue="general")
    leading.pause(general, by=cast.acting(cast.carol()))
    assert queue.claim_next(cast.acting(cast.bob()), queue="general") is None
    decide(alice, item=held.item, token=held.token, verdict="approve")
    leading.resume(general, by=cast.acting(cast.carol()))
    assert queue.claim_next(cast.acting(cast.bob()), queue="general") is not None


def test_a_lead_gives_an_item_to_somebody_who_is_full_but_not_to_one_who_lacks_the_skill():
    system = cast.system(routing=assigns(capacity=1, skills=("cards",)))
    items = desk(system, 2)
    alice = cast.person("alice", "reviewer", system=system, skills=["cards"])
    bob = cast.bob()
    assign_waiting()
    free = next(item for item in items if seat(item).assigned_to_id is None)
    free.queue.system = system
    leading.give_to(free, alice, by=cast.acting(cast.carol()))
    assert seat(free).assigned_to_id == alice.pk
    with pytest.raises(NotAllowed, match="lacks a skill"):
        leading.give_to(free, bob, by=cast.acting(cast.carol()))
    reasons = {person.name: against for person, _, against in leading.who_may(free, by=cast.acting(cast.carol()))}
    assert reasons == {"Alice": "full", "Bob": "skill", "Carol": "skill"}


def test_what_is_in_hand_is_not_given_away():
    system = cast.system()
    item = desk(system)[0]
    queue.claim_item(cast.acting(cast.alice()), item.pk)
    with pytest.raises(Conflict, match="in hand"):
        leading.give_to(item, cast.bob(), by=cast.acting(cast.carol()))


def test_only_a_lead_of_the_system_leads_its_queues():
    _, general, other = two_queues()
    with pytest.raises(NotAllowed):
        leading.pause(general, by=cast.acting(cast.alice()))
    stranger = cast.person("lena", "lead", system=cast.system("elsewhere"))
    with pytest.raises(NotFound):
        leading.pause(general, by=cast.acting(stranger))
    far = Queue.objects.create(system=stranger.roles.get().system, slug="far")
    with pytest.raises(Invalid):
        leading.move(general, far, by=cast.acting(cast.carol()))
    assert other.pk


def test_a_lead_sees_the_queue_and_acts_on_it():
    system, general, _ = two_queues()
    browser = cast.signed_in(cast.carol())
    cast.alice()
    page = browser.get(f"/queue/{general.pk}/").content.decode()
    assert "3 items wait in general" in page
    assert "Alice" in page
    item = Item.objects.filter(queue=general).first()
    assert "may take this item now" in browser.get(f"/review/{item.pk}/who/").content.decode()
    for sent, status in (
        ({"do": "move", "to": "other", "item": str(item.pk)}, 302), ({"do": "move", "to": "other"}, 422),
        ({"do": "close", "to": "nowhere"}, 422), ({"do": "pause"}, 302), ({"do": "pause"}, 409),
        ({"do": "resume"}, 302),
        ({"do": "capacity", "person": str(cast.alice().pk), "most": "x"}, 422),
        ({"do": "capacity", "person": str(cast.alice().pk), "most": "4"}, 302),
        ({"do": "pause-person", "person": str(cast.alice().pk)}, 302), ({"do": "fly"}, 422),
    ):  # fmt: skip
        assert browser.post(f"/queue/{general.pk}/", sent).status_code == status, sent
    assert system.pk


def test_the_producer_is_told_its_place_and_how_long_it_takes():
    system = cast.system()
    desk(system, 12)
    alice = cast.acting(cast.alice())
    for _ in range(8):
        claim = queue.claim_next(alice)
        decide(alice, item=claim.item, token=claim.token, verdict="approve")
    flow.forget()
    body = {"system": system.slug, "external_id": "n", "input": {"pixels": []}, "output": {"digit": 3},
            "confidence": 0.1, "model": "m"}  # fmt: skip
    header = cast.bearer(cast.key_for(system))
    told = Client().post("/api/v1/outputs/", body, content_type="application/json", headers=header).json()
    assert told["review"]["position"] == 5
    assert 0 <= told["review"]["expected_wait"]["p50"] <= told["review"]["expected_wait"]["p90"]
    waiting = Seat.objects.filter(closed_at=None).order_by("urgent_at", "id")[2]
    read = Client().get(f"/api/v1/outputs/{waiting.item.output_id}/", headers=header).json()
    assert read["review"]["position"] == 3


def test_from_a_handful_of_decisions_nothing_is_foretold():
    assert expected_wait(3, done=4, within=timedelta(hours=1), now=NOON) is None
    assert expected_wait(3, done=50, within=timedelta(0), now=NOON) is None


def test_the_wait_is_the_predictive_quantile_of_a_steady_stream():
    wait = expected_wait(9, done=60, within=timedelta(hours=1), now=NOON)
    exact = stats.betaprime(10, 60.5).ppf([0.5, 0.9]) * 3600
    assert wait is not None
    assert [wait.p50.total_seconds(), wait.p90.total_seconds()] == pytest.approx(exact, rel=1e-6)


def test_the_wait_goes_on_after_the_night():
    wait = expected_wait(9, done=60, within=timedelta(hours=1), now=at("2026-11-23T16:58"), calendar=OFFICE)
    assert wait is not None
    assert wait.p50 > timedelta(hours=16)


def test_a_queue_into_which_more_comes_than_goes_does_not_empty():
    hour = timedelta(hours=1)
    assert empties_in(10, came=20, done=20, within=hour, now=NOON) is None
    assert empties_in(10, came=10, done=20, within=hour, now=NOON) == hour
    assert empties_in(0, came=10, done=0, within=hour, now=NOON) == timedelta(0)


@pytest.mark.django_db
def test_why_not_to_her_can_be_filtered_and_taken_away_as_a_table():
    system = cast.system(routing={"default": {"queue": "general", "skills": ["cards"]}})
    cast.person("alice", "reviewer", system=system, skills=["cards"])
    cast.person("=Bob", "reviewer")
    item = desk(system)[0]
    browser = cast.signed_in(cast.carol())
    page = browser.get(f"/review/{item.pk}/who/?why=skill").content.decode()
    table = page[page.index("<table") : page.index("</table")]
    assert "=bob" in table
    assert "Alice" not in table
    sheet = browser.get(f"/review/{item.pk}/who/?format=csv")
    assert sheet["Content-Type"].startswith("text/csv")
    lines = sheet.content.decode().splitlines()
    assert lines[0] == "at,item,queue,rule,person,name,has,why_not,words"
    assert any(",Alice," in line and line.endswith(",may,may take it") for line in lines)
    assert any(",'=bob," in line and ",skill," in line for line in lines)
    only = browser.get(f"/review/{item.pk}/who/?why=may&format=csv").content.decode()
    assert "=bob" not in only
    assert cast.signed_in(cast.bob()).get(f"/review/{item.pk}/who/?format=csv").status_code == 403
