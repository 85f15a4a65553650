"""The door of the web: waiting costs no place inside."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse

from governance.project.waiting import WAIT_HEADER, Door


class Application:
    """A WSGI application that knows whether an output is resolved, and how many requests are inside at once."""

    def __init__(self) -> None:
        self.resolved: set[str] = set()
        self.inside = self.most_inside = self.looks = 0
        self.guard = threading.Lock()
        self.seconds = ""

    def __call__(self, environ: dict, start_response: Callable) -> HttpResponse:
        with self.guard:
            self.inside, self.looks = self.inside + 1, self.looks + 1
            self.most_inside = max(self.most_inside, self.inside)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        output = environ["PATH_INFO"].split("/")[-2]
        is_resolved = output in self.resolved or environ["PATH_INFO"] == "/other/"
        response = HttpResponse(b"resolved" if is_resolved else b"waiting")
        headers = [] if is_resolved else [(WAIT_HEADER, f"{output}{self.seconds}")]
        start_response("200 OK", [("Content-Type", "text/plain"), *headers])
        with self.guard:
            self.inside -= 1
        return response


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def door(application: Application, committed_db: str) -> Door:
    return Door(application, slots=2, waiters=40, streams=1, largest_body=1000)


def ask(door: Door, path: str, query: str = "") -> tuple[bytes, list[tuple[str, str]]]:
    told: list[list[tuple[str, str]]] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "wsgi.input": BytesIO()}
    body = b"".join(door(environ, lambda status, headers: told.append(headers)))
    return body, told[0]


def notify(payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('countersign_resolved', %s)", [payload])


def test_a_decision_wakes_the_client_that_waits_for_it_at_once(door, application):
    output = str(uuid4())
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(ask, door, f"/api/v1/outputs/{output}/", "wait=30")
        while not (application.looks and door.resolutions.is_listening):
            time.sleep(0.01)
        application.resolved.add(output)
        notify(output)
        decided = time.monotonic()
        body, headers = answer.result(timeout=5)
    assert time.monotonic() - decided < 1
    assert body == b"resolved"
    assert WAIT_HEADER not in dict(headers)


def test_thirty_waiting_clients_leave_the_door_open_for_others(door, application):
    outputs = [str(uuid4()) for _ in range(30)]
    with ThreadPoolExecutor(40) as threads:
        waiting = [threads.submit(ask, door, f"/api/v1/outputs/{output}/", "wait=30") for output in outputs]
        while application.looks < 30:
            time.sleep(0.01)
        began = time.monotonic()
        assert ask(door, "/other/")[0] == b"resolved"
        assert time.monotonic() - began < 1
        assert not any(answer.done() for answer in waiting)
        application.resolved.update(outputs)
        for output in outputs:
            notify(output)
        assert {answer.result(timeout=5)[0] for answer in waiting} == {b"resolved"}
    assert application.most_inside <= 2


def test_a_client_gets_what_there_is_when_its_time_is_over(door):
    began = time.monotonic()
    body, headers = ask(door, f"/api/v1/outputs/{uuid4()}/", "wait=1")
    assert 1 <= time.monotonic() - began < 3
    assert body == b"waiting"
    assert WAIT_HEADER not in dict(headers)


def test_a_decision_that_can_still_be_undone_is_looked_at_again_when_it_is_final(door, application):
    output = str(uuid4())
    application.seconds = " 0.3"
    threading.Timer(0.2, application.resolved.add, [output]).start()
    began = time.monotonic()
    assert ask(door, f"/api/v1/outputs/{output}/", "wait=20")[0] == b"resolved"
    assert time.monotonic() - began < 5


def test_more_waiters_than_there_are_places_are_answered_at_once(door):
    door.waiters = 0
    began = time.monotonic()
    assert ask(door, f"/api/v1/outputs/{uuid4()}/", "wait=30")[0] == b"waiting"
    assert time.monotonic() - began < 2


def test_a_long_answer_gives_its_slot_back_once_however_often_it_is_closed(committed_db):
    def long(environ, start_response):
        start_response("200 OK", [])
        return StreamingHttpResponse(iter([b"a", b"b"]))

    door = Door(long, slots=1, waiters=1, streams=1, largest_body=1000)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": BytesIO()}
    for _ in range(2):
        answer = door(environ, lambda status, headers: None)
        assert b"".join(answer) == b"ab"
        answer.close()
        answer.close()
        assert door.streams.qsize() == 1
