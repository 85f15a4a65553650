"""Several deliverers at once, and people who change their minds while a message is on its way. Commits are real."""

import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler

from django.db import connection, transaction

from governance.models import Output
from governance.people.actors import CONSOLE
from governance.refusals import Conflict
from reviews.delivery import endpoints, outbox
from reviews.delivery.sending import deliver_due
from reviews.models import Delivery, Endpoint
from tests import cast
from tests.reviews.delivery.receiver import receiver
from tests.reviews.delivery.stage import announced
from tests.reviews.delivery.test_undo import decided


def at_once(count: int, what) -> None:
    def run() -> None:
        try:
            what()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_four_deliverers_at_once_send_each_message_once_and_each_endpoint_in_order(committed_db):
    system = cast.system()
    with receiver() as first, receiver() as second:
        for producer in (first, second):
            endpoints.create(system, url=producer.url, events=["output.resolved"], by=CONSOLE)
        for number in range(30):
            announced(system, f"msg-{number}")
        at_once(4, deliver_due)
        for producer in (first, second):
            endpoint = Endpoint.objects.get(url=producer.url)
            wanted = [str(id) for id in endpoint.deliveries.order_by("id").values_list("id", flat=True)]
            assert [request.id for request in producer.received] == wanted
    assert Delivery.objects.filter(delivered_at=None).count() == 0


def test_a_deliverer_that_is_killed_while_sending_is_followed_by_another(committed_db, committed_environment):
    system = cast.system()
    with receiver() as producer:
        endpoints.create(system, url=producer.url, events=["output.resolved"], by=CONSOLE)
        delivery = announced(system)
        producer.answers = [lambda _: (killed.kill(), killed.wait())]
        connection.close()
        killed = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-c", "from reviews.delivery.sending import *; deliver_due()"],
            env=committed_environment | {"COUNTERSIGN_ALLOW_PRIVATE_WEBHOOKS": "1"},
        )
        assert killed.wait(30) == -signal.SIGKILL
        assert deliver_due().attempts == 0  # whoever was killed might still be sending: the lease counts
        with connection.cursor() as cursor:
            cursor.execute("UPDATE reviews_endpoint SET rests_until = now()")
            cursor.execute("UPDATE reviews_delivery SET next_attempt_at = now()")
        assert deliver_due().taken == 1
        assert [request.id for request in producer.received] == [str(delivery.pk)] * 2


def test_what_is_being_told_at_this_moment_cannot_be_taken_back(committed_db):
    system, refusals = cast.system(), []

    def undoing() -> None:
        try:
            with transaction.atomic():
                outbox.cancel(decision)
        except Conflict as refusal:
            refusals.append(refusal.sentence)

    def meanwhile(request: BaseHTTPRequestHandler) -> None:
        at_once(1, undoing)
        request.send_response(204)
        request.send_header("content-length", "0")
        request.end_headers()

    with receiver() as producer:
        endpoints.create(system, url=producer.url, events=["output.resolved"], by=CONSOLE)
        with transaction.atomic():
            decision = decided(system, -1)
        producer.answers = [meanwhile]
        deliver_due()
    assert refusals == ["The producer has been told already."]
    assert Delivery.objects.get().state == "delivered"


def test_whoever_waits_for_an_output_hears_of_it_when_the_decision_is_committed(committed_db):
    system = cast.system()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN countersign_resolved")
        with transaction.atomic():
            decision = decided(system, 8.0)
            assert list(connection.connection.notifies(timeout=0)) == []
        (news,) = connection.connection.notifies(timeout=2, stop_after=1)
        cursor.execute("UNLISTEN *")
    output, seconds = news.payload.split()
    assert output == str(Output.objects.get(pk=decision.output_id).pk)
    assert 7 < float(seconds) <= 8
