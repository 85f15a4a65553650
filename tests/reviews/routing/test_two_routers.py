"""Two routers at once."""

import threading

from django.db import connections

from governance.models import Entry
from reviews.models import Seat
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import arrive


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
