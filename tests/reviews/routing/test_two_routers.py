"""Two routers at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from governance.models import Entry
from reviews.models import Item, Seat
from reviews.routing.ladder import climb_due
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import arrive, desk
from tests.reviews.routing.late import ABOVE, CLIMB, ladder, pass_time


def test_two_routers_at_once_route_each_item_once(committed_db):
    arrive(cast.system(), 300)
    done: list[int] = []

    def route() -> None:
        try:
            while batch := route_waiting(limit=20):
                done.append(batch)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=route) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while batch := route_waiting():
        done.append(batch)
    assert sum(done) == 300
    assert Seat.objects.count() == Entry.objects.filter(type="routed").count() == 300


@pytest.mark.parametrize("steps", [1, 4])
def test_two_schedules_at_once_take_each_step_once(committed_db, steps):
    system = cast.system(sla=ladder(*CLIMB[-steps:]), routing=ABOVE)
    items = desk(system, 60)
    for item in items:
        pass_time(item, timedelta(hours=10))
    together = threading.Barrier(3)

    def climb_all() -> None:
        try:
            together.wait()
            for _ in range(40):
                climb_due(limit=7)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=climb_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while climb_due():
        pass
    types = ["reminded", "raised", "escalated", "resolved"][-steps:]
    counts = {kind: Entry.objects.filter(type=kind).count() for kind in types}
    assert counts == dict.fromkeys(types, 60)
    assert Item.objects.filter(state="closed").count() == 60
    assert not Seat.objects.filter(closed_at=None).exists()
