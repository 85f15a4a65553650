"""From intake to the queue: how soon an output can be claimed in a steady stream, and what the router can move."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time

import redis
from django.conf import settings

from benchmarks import load, stage
from benchmarks.bare_celery import QUEUE, app, nothing
from benchmarks.figures import PROJECT, Figure
from benchmarks.installation import everything
from governance.people.actors import CONSOLE
from reviews import intake
from reviews.models import Item
from reviews.routing.waiting import route_waiting

ROUNDS = 3
PER_SECOND = 500
_AT_ONCE = 25  # outputs in a request of the stream: twenty requests a second


def bench(size: float) -> list[Figure]:
    """The 95th percentile from intake to claimable at 500 outputs a second; batches against single Celery tasks."""
    scene = stage.set_up()
    count, seconds = max(2_000, int(100_000 * size)), max(4, int(60 * size))
    batches, singles = [], []
    with _BareWorker():
        for turn in range(ROUNDS):
            singles.append(_singles(count))
            batches.append(_batches(scene, f"b{turn}", count))
    with everything() as (port, _):
        _stream(scene, port, "warm", 1)
        slow = [_stream(scene, port, f"s{turn}", seconds) for turn in range(ROUNDS)]
    return [
        Figure(f"intake to claimable at {PER_SECOND} outputs/s, p95", statistics.median(slow), 1000.0, "ms",
               PER_SECOND * seconds, "demanded", at_most=1.0),
        Figure("routing in batches, one process", statistics.median(batches), statistics.median(singles), "items/s",
               count, "Celery, a task an item", at_least=5.0),
    ]  # fmt: skip


def _stream(scene: stage.Stage, port: int, name: str, seconds: int) -> float:
    """Sends a steady stream over HTTP; the p95 in ms from an output's transaction to its item's being routed."""
    requests = [
        load.request(
            "/api/v1/outputs/batch/", b"\n".join(stage.body(name, n) for n in range(at, at + _AT_ONCE)),
            key=scene.producer, kind="application/x-ndjson",
        )
        for at in range(0, PER_SECOND * seconds, _AT_ONCE)
    ]  # fmt: skip
    load.send(port, [requests[place::2] for place in range(2)], every=2 * _AT_ONCE / PER_SECOND)
    mine = Item.objects.filter(output__external_id__startswith=f"{name}-")
    until = time.monotonic() + 30
    while mine.filter(routed_at=None).exists():
        if time.monotonic() > until:
            raise RuntimeError("Some items were not routed within 30 seconds.")
        time.sleep(0.2)
    took = sorted((routed - came).total_seconds() * 1e3 for came, routed in mine.values_list("created_at", "routed_at"))
    if len(took) != PER_SECOND * seconds:
        raise RuntimeError(f"{len(took)} of {PER_SECOND * seconds} outputs became items.")
    return took[int(len(took) * 0.95)]


def _batches(scene: stage.Stage, name: str, count: int) -> float:
    bodies = [intake.read(stage.body(name, number)) for number in range(count)]
    intake.accept(bodies, system=scene.system, actor=CONSOLE)
    began, routed = time.perf_counter(), 0
    while batch := route_waiting():
        routed += batch
    if routed != count:
        raise RuntimeError(f"{routed} of {count} items were routed.")
    return count / (time.perf_counter() - began)


def _singles(count: int) -> float:
    """Tasks a second from the moment the worker may take them, all of them waiting in Redis by then."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(count):
            nothing.apply_async((number,), queue=QUEUE, producer=producer)
    if broker.llen(QUEUE) != count:
        raise RuntimeError("The tasks are not in Redis.")
    began = time.perf_counter()
    app.control.add_consumer(QUEUE)
    while broker.llen(QUEUE) or broker.hlen("unacked"):
        if time.perf_counter() - began > 120:
            raise RuntimeError("Celery's worker does not empty its queue.")
        time.sleep(0.01)
    took = time.perf_counter() - began
    app.control.cancel_consumer(QUEUE)
    time.sleep(1)  # the worker must have let go before the next round fills the queue
    return count / took


class _BareWorker:
    """A Celery worker as `up` starts it, for the task that does nothing."""

    def __enter__(self) -> None:
        command = [
            sys.executable, "-m", "celery", "--app", "benchmarks.bare_celery", "--quiet", "worker", "--queues", "idle",
            "--concurrency", "2", "--loglevel", "ERROR", "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"C_FORCE_ROOT": "1"})
        until = time.monotonic() + 60
        while not app.control.ping(timeout=1):
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError("Celery's worker does not answer.")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
