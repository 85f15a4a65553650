"""Deciding like items at once through the API: the same look, the same evidence, and a repeat that does nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client
from uuid_utils.compat import uuid7

from governance.models import Entry
from reviews import queue
from reviews.decisions import bulk
from reviews.models import Decision, Item, Seat
from reviews.queue import marks
from tests import cast
from tests.reviews.desk import desk


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def alice_at(system):
    client = Client(headers=cast.bearer(cast.key_for(system, ["reviews:write"], person=cast.alice())))

    def ask(path, body=None):
        url = f"/api/v1/reviews/{path}"
        return client.get(url) if body is None else client.post(url, body, content_type="application/json")

    return ask


@pytest.mark.django_db
def test_a_program_looks_decides_reads_and_takes_back():
    system = cast.system()
    items = desk(system, 12)
    desk(system, 1, digit=3)
    ask = alice_at(system)
    look = ask(f"{items[2].pk}/like/").json()
    assert {each["id"] for each in look["items"]} == {str(item.pk) for item in items}
    assert look["items"][0]["id"] == str(items[2].pk)
    assert (look["most"], look["undo_seconds"]) == (100, 120)
    chosen = [each["id"] for each in look["items"]][:11]
    made = ask(f"{items[2].pk}/like/", {"items": chosen, "verdict": "reject", "reasons": ["unreadable"]})
    assert made.status_code == 200, made.content
    told = made.json()
    assert (told["decided"], told["left"], told["rechecked"]) == (11, 0, 1)
    assert ask(f"bulk/{told['id']}/").json() == {**told, "undone": False}
    leaves = [json.loads(bytes(each.leaf)) for each in Entry.objects.filter(type="decided")]
    assert {leaf["detail"]["bulk"] for leaf in leaves} == {told["id"]}
    assert {leaf["actor"]["auth"] for leaf in leaves} == {"key"}
    assert ask(f"bulk/{told['id']}/undo/", {}).json() == {"undone": 11}
    assert ask(f"bulk/{told['id']}/").json()["undone"] is True
    assert ask(f"bulk/{told['id']}/undo/", {}).status_code == 409
    assert Seat.objects.filter(item__in=items, closed_at=None).count() == 12


@pytest.mark.django_db
def test_the_same_again_under_the_same_id_decides_nothing_and_answers_the_same():
    system = cast.system()
    items = desk(system, 5)
    ask = alice_at(system)
    id, chosen = str(uuid7()), [str(item.pk) for item in items[:4]]
    sent = {"id": id, "items": chosen, "verdict": "approve", "comment": "All of one kind."}
    first = ask(f"{items[0].pk}/like/", sent)
    again = ask(f"{items[0].pk}/like/", {**sent, "items": chosen[::-1]})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["id"] == id
    assert Decision.objects.count() == 4
    other = ask(f"{items[0].pk}/like/", {**sent, "verdict": "reject"})
    assert other.status_code == 409
    # What was refused has taken no id.
    refused = str(uuid7())
    assert ask(f"{items[4].pk}/like/", {"id": refused, "items": chosen, "verdict": "approve"}).status_code == 422
    assert ask(f"bulk/{refused}/").status_code == 404
    assert ask(f"{items[4].pk}/like/", {"id": refused, "items": [str(items[4].pk)], "verdict": "approve"}).json()[
        "decided"
    ] == 1  # fmt: skip


@pytest.mark.django_db
def test_somebody_elses_is_nobodys_business():
    system = cast.system()
    items = desk(system, 3)
    made = bulk.decide_many(cast.acting(cast.bob()), like=items[0].pk, items=[items[0].pk], verdict="approve")
    ask = alice_at(system)
    assert ask(f"bulk/{made.id}/").status_code == 404
    assert ask(f"bulk/{made.id}/undo/", {}).status_code == 404
    taken = {"id": str(made.id), "items": [str(items[1].pk)], "verdict": "approve"}
    assert ask(f"{items[1].pk}/like/", taken).status_code == 409


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [({"items": "all"}, "/items"), ({"items": ["x"]}, "/items/0"), ({"verdict": None}, "/verdict"),
     ({"id": "x"}, "/id"), ({"reasons": "x"}, "/reasons"), ({"more": 1}, "/more")],
)  # fmt: skip
def test_what_makes_no_sense_is_named_and_decides_nothing(wrong, pointer):
    system = cast.system()
    (item,) = desk(system, 1)
    answer = alice_at(system)(f"{item.pk}/like/", {"items": [str(item.pk)], "verdict": "approve", **wrong})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not Decision.objects.exists()


@pytest.mark.django_db
def test_a_blind_item_is_answered_alone_and_keeps_its_secret():
    system = cast.system()
    (blind,) = desk(system, 1, purpose="audit")
    answer = alice_at(system)(f"{blind.pk}/like/")
    assert answer.status_code == 403
    assert "digit" not in answer.content.decode()


def test_two_at_once_under_one_id_are_one(committed_db):
    system = cast.system()
    items = desk(system, 8)
    alice, id, both = cast.acting(cast.alice()), uuid7(), Barrier(2)

    def send(_: int) -> bulk.Bulk:
        both.wait()
        try:
            chosen = [item.pk for item in items]
            return bulk.decide_many(alice, like=items[0].pk, items=chosen, verdict="approve", id=id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(send, range(2))
    assert one == other
    assert one.decided == 8
    assert Decision.objects.count() == 8
    assert Item.objects.filter(purpose="recheck").count() == 1


@pytest.mark.django_db
def test_a_second_click_on_the_page_decides_nothing_more():
    system = cast.system()
    items = desk(system, 4)
    browser = cast.signed_in(cast.alice())
    queue.claim_item(cast.acting(cast.alice()), items[0].pk)
    where = f"/review/{items[0].pk}/like/"
    page = browser.get(where).content.decode()
    id = page.split('name="id" value="')[1].split('"')[0]
    sent = {"verdict": "approve", "item": [str(item.pk) for item in items], "id": id}
    for _ in range(2):
        assert browser.post(where, sent).status_code == 302
    assert Decision.objects.count() == 4
    assert {str(each) for each in Decision.objects.values_list("bulk", flat=True)} == {id}
