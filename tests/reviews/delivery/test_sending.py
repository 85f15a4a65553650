"""Telling producers: at least once, in order, signed, and never what no longer holds."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest
from django.core.exceptions import ObjectDoesNotExist
from standardwebhooks.webhooks import Webhook
from uuid_utils.compat import uuid7

from governance.models import Entry
from governance.people.actors import CONSOLE
from reviews.delivery import endpoints, outbox, tasks
from reviews.delivery.sending import OPENS_AFTER, deliver_due, rest_after
from reviews.models import Delivery, Endpoint
from tests import cast
from tests.reviews.delivery.receiver import receiver
from tests.reviews.delivery.stage import announced, send_in

NOW = (0.0, 0.0, 0.0)


def rounds(schedule: tuple[float, ...] = NOW) -> list[tuple[int, int]]:
    """Rounds until nothing is due any more: attempts made and taken in each."""
    done = []
    while (round := deliver_due(schedule=schedule)).attempts:
        done.append((round.attempts, round.taken))
    return done


def test_a_producer_is_told_once_with_a_signature_that_the_standard_library_verifies(system, endpoint, producer):
    delivery = announced(system)
    assert deliver_due().taken == 1
    (request,) = producer.received
    assert request.id == str(delivery.pk)
    said = Webhook(endpoint.secret).verify(request.body, request.headers)
    assert said["type"] == "output.resolved"
    assert said["data"]["external_id"] == "msg-1"
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert delivery.answer == 204
    assert deliver_due().attempts == 0
    assert len(producer.received) == 1


def test_what_was_delivered_is_evidence_that_names_what_caused_it(system, endpoint, producer):
    delivery = announced(system)
    deliver_due()
    entry = Entry.objects.get(subject=delivery.pk)
    leaf = json.loads(bytes(entry.leaf))
    assert entry.type == "delivered"
    assert leaf["causes"] == [bytes(Entry.objects.get(pk=delivery.cause).leaf_hash).hex()]
    assert leaf["detail"]["answer"] == 204
    assert producer.url not in bytes(entry.leaf).decode()


def test_a_message_that_fails_is_sent_again_under_the_same_id(system, endpoint, producer):
    delivery = announced(system)
    producer.answers = [500]
    assert rounds() == [(1, 0), (1, 1)]
    first, second = producer.received
    assert first.id == second.id == str(delivery.pk)
    assert json.loads(first.body) == json.loads(second.body)
    delivery.refresh_from_db()
    assert delivery.attempts == 2


def test_between_two_attempts_the_pause_of_the_schedule_is_kept(system, endpoint, producer):
    delivery = announced(system)
    producer.always = 503
    assert deliver_due().attempts == 1
    assert deliver_due().attempts == 0
    delivery.refresh_from_db()
    pause = (delivery.next_attempt_at - delivery.due_at).total_seconds()
    assert 4 < pause < 30
    assert delivery.problem == "It answered 503."
    assert delivery.state == "retrying"


def test_a_producer_that_asks_for_patience_gets_it(system, endpoint, producer):
    def later(request: BaseHTTPRequestHandler) -> None:
        request.send_response(429)
        request.send_header("retry-after", "900")
        request.send_header("content-length", "0")
        request.end_headers()

    delivery = announced(system)
    producer.answers = [later]
    deliver_due()
    delivery.refresh_from_db()
    assert (delivery.next_attempt_at - delivery.due_at).total_seconds() > 890


def test_after_the_last_attempt_a_message_is_dead_and_the_log_says_so(system, endpoint, producer):
    delivery = announced(system)
    producer.always = 500
    assert rounds() == [(1, 0)] * 4
    delivery.refresh_from_db()
    assert delivery.state == "dead"
    assert Entry.objects.get(pk=delivery.entry_id).type == "delivery_failed"


def test_a_producer_that_hangs_is_given_up_within_the_time_for_one_attempt(system, endpoint, producer):
    given_up = threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        given_up.wait(60)
        request.close_connection = True

    delivery = announced(system)
    producer.answers = [hang]
    deliver_due(total=0.4)  # comes back while the producer still hangs
    given_up.set()
    delivery.refresh_from_db()
    assert delivery.answer is None
    assert delivery.problem.startswith("No answer within")


def test_a_producer_that_drips_its_answer_meets_the_same_clock(system, endpoint, producer):
    given_up, ended = threading.Event(), []

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(600):
            if given_up.wait(0.1):
                break
            try:
                request.wfile.write(b"x-more: 1\r\n")
            except OSError:
                break
        else:
            ended.append("dripped to its end")
        request.close_connection = True

    delivery = announced(system)
    producer.answers = [drip]
    deliver_due(total=0.5)
    given_up.set()
    assert ended == []
    delivery.refresh_from_db()
    assert delivery.state == "retrying"


def test_a_long_answer_is_not_read_to_its_end(system, endpoint, producer):
    sent = []

    def flood(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-length", str(1 << 30))
        request.end_headers()
        try:
            for _ in range(1 << 14):
                request.wfile.write(b"x" * 65_536)
                sent.append(65_536)
        except OSError:
            request.close_connection = True

    announced(system)
    producer.answers = [flood]
    assert deliver_due().taken == 1
    assert sum(sent) < 64 << 20


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(system, endpoint, producer, status):
    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("location", producer.url + "/elsewhere")
        request.send_header("content-length", "0")
        request.end_headers()

    delivery = announced(system)
    producer.answers = [elsewhere]
    deliver_due()
    assert [request.path for request in producer.received] == ["/hook"]
    delivery.refresh_from_db()
    assert delivery.problem == f"It answered {status}; redirects are not followed."


def test_a_producer_that_says_gone_is_not_told_again(system, endpoint, producer):
    first, second = announced(system), announced(system, "msg-2")
    producer.answers = [410]
    deliver_due()
    endpoint.refresh_from_db()
    assert endpoint.disabled_because == "It answered 410: gone."
    assert Entry.objects.get(pk=endpoint.entry_id).type == "endpoint_disabled"
    assert [request.id for request in producer.received] == [str(first.pk)]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("dead", "waiting")


def test_messages_reach_an_endpoint_in_their_order_over_one_connection(system, endpoint, producer):
    deliveries = [announced(system, f"msg-{number}") for number in range(12)]
    deliver_due()
    assert [request.id for request in producer.received] == [str(delivery.pk) for delivery in deliveries]
    assert len(producer.connections) == 1


def test_a_failing_message_holds_up_those_behind_it_and_then_lets_them_pass(system, endpoint, producer):
    poison, behind = announced(system), announced(system, "msg-2")
    producer.answers = [500, 500, 500, 500]
    rounds((0, 0, 0, 600))
    assert [request.id for request in producer.received] == [str(poison.pk)] * 4 + [str(behind.pk)]


def test_a_later_event_never_passes_an_earlier_one_of_the_same_output(system, endpoint, producer):
    earlier = announced(system)
    Delivery.objects.filter(pk=earlier.pk).update(attempts=7)
    producer.answers = [500]
    deliver_due()
    outbox.announce(earlier.output, "output.corrected", cause=earlier.cause)
    other = announced(system, "msg-2")
    deliver_due()
    assert [request.id for request in producer.received] == [str(earlier.pk), str(other.pk)]


def test_one_producer_that_hangs_does_not_keep_the_others_waiting(system, endpoint, producer):
    told_meanwhile = []

    def hang(request: BaseHTTPRequestHandler) -> None:
        ends = time.monotonic() + 60
        while len(quick.received) < 5 and time.monotonic() < ends:
            time.sleep(0.02)
        told_meanwhile.append(len(quick.received))
        request.close_connection = True

    with receiver() as quick:
        endpoints.create(system, url=quick.url, events=["output.resolved"], by=CONSOLE)
        producer.answers = [hang]
        for number in range(5):
            announced(system, f"msg-{number}")
        deliver_due(total=90)
    assert told_meanwhile == [5]


def test_an_endpoint_is_told_only_of_the_events_it_asked_for(system, producer):

    endpoints.create(system, url=producer.url, events=["decision.superseded"], by=CONSOLE)
    output = send_in(system)
    outbox.announce(output, "output.resolved", cause=output.entry_id)
    outbox.announce(output, "decision.superseded", cause=output.entry_id)
    deliver_due()
    assert [json.loads(request.body)["type"] for request in producer.received] == ["decision.superseded"]


def test_the_trace_that_the_producer_began_comes_back_to_it(system, endpoint, producer):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    output = send_in(system)
    type(output).objects.filter(pk=output.pk).update(traceparent=parent)
    outbox.announce(output, "output.resolved", cause=output.entry_id)
    deliver_due()
    assert producer.received[0].headers["traceparent"] == parent


def test_an_output_with_a_callback_of_its_own_is_told_there_too(system, endpoint, producer):
    base = producer.url.removesuffix("/hook")
    output = send_in(system, callback_url=f"{base}/jobs/17")
    outbox.announce(output, "output.resolved", cause=output.entry_id)
    deliver_due()
    assert [request.path for request in producer.received] == ["/hook", "/jobs/17"]
    for request in producer.received:
        Webhook(endpoint.secret).verify(request.body, request.headers)


def test_a_policy_put_in_force_is_announced_once(system, producer):

    endpoints.create(system, url=producer.url, events=["policy.activated"], by=CONSOLE)
    deliver_due()
    assert producer.received == []
    cast.put_in_force(system, cast.policy(threshold={"default": 0.95}))
    deliver_due()
    deliver_due()
    (request,) = producer.received
    assert json.loads(request.body)["data"]["policy_version"] == 2


def test_waiting_messages_of_a_disabled_endpoint_are_sent_when_it_is_enabled(system, endpoint, producer):

    announced(system)
    endpoints.disable(endpoint, because="Maintenance.", by=CONSOLE)
    assert deliver_due().attempts == 0
    endpoints.change(endpoint, by=CONSOLE, is_enabled=True)
    assert deliver_due().taken == 1
    assert Endpoint.objects.get().disabled_at is None


def test_nothing_is_told_of_an_output_whose_content_was_erased(system, endpoint, producer):
    delivery = announced(system)
    delivery.output.content.delete()
    assert deliver_due().attempts == 0
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


def test_one_message_that_cannot_be_written_loses_no_word_of_the_others(system, endpoint, producer):
    def slowly(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.3)
        request.send_response(204)
        request.send_header("content-length", "0")
        request.end_headers()

    producer.answers = [slowly]
    sound = announced(system)
    with receiver() as other:
        elsewhere = cast.system("letters")
        endpoints.create(elsewhere, url=other.url, events=["output.resolved"], by=CONSOLE)
        Delivery.objects.filter(pk=announced(elsewhere).pk).update(output=None, subject=uuid7())
        with pytest.raises(ObjectDoesNotExist):
            deliver_due()
    sound.refresh_from_db()
    assert sound.state == "delivered"


def test_the_schedule_rings_the_same_bell(system, endpoint, producer):
    announced(system)
    assert tasks.deliver_due.run() == 1
    assert len(producer.received) == 1


def test_an_endpoint_that_fails_and_fails_rests_and_is_tried_with_one_message(system, endpoint, producer):
    for number in range(14):
        announced(system, f"msg-{number}")
    producer.answers = [503] * 40
    assert sum(attempts for attempts, _ in rounds()) == OPENS_AFTER
    endpoint.refresh_from_db()
    assert endpoint.failures == OPENS_AFTER
    assert endpoint.rests_until > endpoint.created_at
    Endpoint.objects.update(rests_until=None)  # the minute is over
    assert deliver_due(schedule=NOW).attempts == 1
    Endpoint.objects.update(rests_until=None)
    producer.answers = []
    assert sum(taken for _, taken in rounds()) >= 10
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.disabled_at) == (0, None)


def test_the_rest_grows_up_to_half_an_hour():
    assert [rest_after(n) for n in (0, 9, 10, 11, 12, 15, 500)] == [0, 0, 60, 120, 240, 1800, 1800]
