"""Many people at one queue: every item is decided once, none is lost, and every loser is told 409.

COUNTERSIGN_FULL=1 runs it at the size the product promises: 200 clients, 2,000 items.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db.models import Count

from governance.models import Entry, Output
from governance.people import keys
from governance.people.actors import CONSOLE
from reviews.models import Decision, Item, Seat
from tests import cast
from tests.reviews.desk import desk

pytestmark = [pytest.mark.journey, pytest.mark.slow]
FULL = os.environ.get("COUNTERSIGN_FULL") == "1"
CLIENTS, ITEMS = (200, 2000) if FULL else (48, 480)


@contextmanager
def served(environment: dict[str, str]) -> Iterator[int]:
    """The program as `up` serves it, on a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "2",
        "--blocking-threads", str(CLIENTS), "--log-level", "error", "governance.project.wsgi:application",
    ]  # fmt: skip
    server = subprocess.Popen(command, cwd=Path(__file__).parents[2], env=environment | {"LOG_LEVEL": "ERROR"})
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, "The server did not start."
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


class Tab:
    """One client of a reviewer: takes the next item and decides it until nothing is left. Two tabs share a person."""

    def __init__(self, port: int, secret: str) -> None:
        self.port, self.headers = port, {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self.answers: list[tuple[str, int]] = []
        self.won: list[str] = []
        self.lost_sentences: list[str] = []

    def work(self) -> None:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while taken := self._post(link, "next", "reviews/next/", {}):
            item, token = taken["item"]["id"], taken["claim"]["token"]
            said = {"claim_token": token, "verdict": "approve"}
            done = self._post(link, "decide", f"reviews/{item}/decide/", said)
            if "decision" in done:
                self.won.append(item)
            else:
                self.lost_sentences.append(done["detail"])

    def _post(self, link: http.client.HTTPConnection, name: str, path: str, body: dict[str, str]) -> dict:
        link.request("POST", f"/api/v1/{path}", json.dumps(body), self.headers)
        answer = link.getresponse()
        content = answer.read()
        self.answers.append((name, answer.status))
        return json.loads(content) if content else {}


def test_many_clients_decide_each_item_once_and_every_loser_is_told(committed_db, committed_environment):
    system = cast.system()
    desk(system, ITEMS)
    people = [cast.person(f"reviewer{n}", "reviewer") for n in range(CLIENTS // 2)]
    secrets = [keys.create(p.name, system=system, scopes=["reviews:write"], by=CONSOLE, person=p)[1] for p in people]
    with served(committed_environment) as port:
        tabs = [Tab(port, secret) for secret in secrets for _ in range(2)]
        threads = [threading.Thread(target=tab.work) for tab in tabs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=240)
    answers = Counter(answer for tab in tabs for answer in tab.answers)
    won = Counter(item for tab in tabs for item in tab.won)
    assert set(answers) == {("next", 200), ("next", 204), ("decide", 200), ("decide", 409)}, answers
    assert len(won) == ITEMS
    assert set(won.values()) == {1}
    assert answers["decide", 200] == ITEMS
    assert answers["next", 204] == CLIENTS
    lost = [sentence for tab in tabs for sentence in tab.lost_sentences]
    assert all("decided this item at" in sentence or "no longer in your hands" in sentence for sentence in lost)
    assert Item.objects.filter(state="closed").count() == Output.objects.filter(status="approved").count() == ITEMS
    assert not Seat.objects.filter(closed_at=None).exists()
    assert not Decision.objects.values("item").annotate(n=Count("pk")).filter(n__gt=1).exists()
    assert Entry.objects.filter(type="decided").count() == ITEMS
    assert Entry.objects.filter(type="claimed").count() == ITEMS
