"""A claim that waits for its turn while its item is routed: the card shows what is so when the turn comes."""

from __future__ import annotations

import threading
import time

from django.db import connection, connections

from governance.models import Person
from reviews import queue
from reviews.queue.claims import Claim
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import arrive, desk


def _until(question: str) -> None:
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(question)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError(f"It never came true: {question}")


def test_an_item_that_is_routed_during_the_wait_is_claimed_with_its_due_time(committed_db: str) -> None:
    system = cast.system()
    desk(system)  # so that the queue is there already
    assert queue.claim_next(cast.acting(cast.bob())) is not None
    (item,) = arrive(system)
    alice = cast.alice()
    actor = cast.acting(Person.objects.get(pk=alice.pk))
    found: list[Claim | None] = []

    def take() -> None:
        try:
            found.append(queue.claim_next(actor))
        finally:
            connections.close_all()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 7214))", [str(alice.pk)])
        taking = threading.Thread(target=take)
        taking.start()
        try:
            _until(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            assert route_waiting() == 1
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 7214))", [str(alice.pk)])
        taking.join(30)
    (claim,) = found
    assert claim is not None
    assert (claim.item, claim.is_soft) == (item.pk, False)
    assert claim.due_at is not None
