"""Five hundred clients that wait for decisions: what they cost everybody else, and how soon they hear.

Everything runs as `manage.py up` runs it; the waiting clients and the others share it.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec

from benchmarks import load, stage
from benchmarks.figures import Figure
from benchmarks.installation import everything
from governance.models import Output
from governance.people.actors import person as acting
from reviews import decisions, queue

ROUNDS = 3
CLIENTS = 500
OTHERS = 4
UNDO_SECONDS = 1
_DECIDERS = 4
_DECIDED_A_ROUND = 100


class Waiters(threading.Thread):
    """Clients in a thread of their own, each waiting for one output; `heard` has the moment each was told the end."""

    def __init__(self, port: int, key: str, outputs: list[str]) -> None:
        super().__init__(daemon=True)
        self.port, self.key, self.outputs = port, key, outputs
        self.heard: dict[str, float] = {}
        self.answers: list[bytes] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Asks and listens until every client has its answer."""
        try:
            asyncio.run(self._all())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asks
            self.failure = error

    async def _all(self) -> None:
        await asyncio.gather(*(self._wait(output) for output in self.outputs))

    async def _wait(self, output: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            path = f"/api/v1/outputs/{output}/?wait=55"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.key}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            told = await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"A waiting client was answered {head[:100]!r}.")
            if msgspec.json.decode(told)["resolution"] is not None:
                self.heard[output] = time.time()
        finally:
            writer.close()


def bench(size: float) -> list[Figure]:
    """How slow others are beside the waiting clients and without them, and the time from the end to the answer."""
    requests = max(400, int(10_000 * size))
    scene = stage.set_up(reviewers=_DECIDERS, undo_seconds=UNDO_SECONDS)
    alone, beside, late = [], [], []
    with everything() as (port, _):
        for turn in range(ROUNDS + 1):
            outputs = stage.wait_for_people(scene, f"w{turn}", CLIENTS)
            work = _others(scene, outputs, requests)
            quiet = load.send(port, work)
            waiters = Waiters(port, scene.producer, outputs)
            waiters.start()
            time.sleep(3)  # until all of them are in
            busy = load.send(port, work)
            decided = _decide(scene, outputs[:_DECIDED_A_ROUND])
            waiters_heard = _delays(waiters, decided)
            _decide(scene, outputs[_DECIDED_A_ROUND:])
            waiters.join(60)
            if waiters.failure:
                raise waiters.failure
            if turn:  # the first round only warms up
                alone.append(quiet.p95), beside.append(busy.p95), late.append(waiters_heard)
    return [
        Figure(f"others' p95 with {CLIENTS} clients waiting", statistics.median(beside), statistics.median(alone), "ms",
               requests, "p95 with nobody waiting", at_most=1.5),
        Figure("decision to answer after the undo window, p95", statistics.median(late), 300.0, "ms", _DECIDED_A_ROUND,
               "demanded", at_most=1.0),
    ]  # fmt: skip


def _others(scene: stage.Stage, outputs: list[str], count: int) -> list[list[bytes]]:
    reads = [load.ask(f"/api/v1/outputs/{outputs[n % len(outputs)]}/", key=scene.producer) for n in range(count)]
    return [reads[place::OTHERS] for place in range(OTHERS)]


def _decide(scene: stage.Stage, outputs: list[str]) -> list[str]:
    """Approves them, a few at a time; the same outputs."""
    from django.db import connection

    def approve(part: list[str], place: int) -> None:
        actor = acting(scene.reviewers[place])
        for output in part:
            item = Output.objects.get(pk=output).items.get()
            claim = queue.claim_item(actor, item.pk)
            decisions.decide(actor, item=item.pk, token=claim.token, verdict="approve")
        connection.close()

    with ThreadPoolExecutor(_DECIDERS) as pool:
        list(pool.map(approve, [outputs[place::_DECIDERS] for place in range(_DECIDERS)], range(_DECIDERS)))
    return outputs


def _delays(waiters: Waiters, outputs: list[str]) -> float:
    """The 95th percentile in ms from the end of the undo window to the answer. Raises when one never heard."""
    ends = dict(Output.objects.filter(pk__in=outputs).values_list("pk", "final_at"))
    until = time.monotonic() + UNDO_SECONDS + 10
    while time.monotonic() < until and not all(output in waiters.heard for output in outputs):
        time.sleep(0.05)
    missing = [output for output in outputs if output not in waiters.heard]
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(outputs)} waiting clients heard nothing.")
    told = sorted(
        (datetime.fromtimestamp(waiters.heard[str(id)], UTC) - end).total_seconds() * 1e3 for id, end in ends.items()
    )
    return told[int(len(told) * 0.95)]
