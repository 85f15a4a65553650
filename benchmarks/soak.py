"""An hour of mixed load: whether memory stays flat, nothing gets slower as rows come, and the log holds no error.

Producers, batches, reviewers, and people who look at pages, each at a pace of their own. The first sixth warms up; the
second and the last are compared. What failed, and the memory of each minute, goes to standard error.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import httpx
import psutil
from django.db import connection
from django.test import Client

from benchmarks import stage
from benchmarks.figures import Figure
from benchmarks.installation import everything

SECONDS, PARTS = 3_600, 6
REVIEWERS = 4
PAGES = ("/", "/queue/", "/history/", "/history/shifts/", f"/systems/{stage.SLUG}/", f"/systems/{stage.SLUG}/tuning/")
BATCH = 200
PARTS_OF_UP = {"web": "granian", "worker": "route,deliver,analyse", "scheduler": " beat", "sealer": " seal"}
MB = 1024 * 1024


class Soak:
    """Clients that go on until told to stop, each operation noted as (seconds since the start, kind, milliseconds)."""

    def __init__(self, port: int, scene: stage.Stage, cookie: dict[str, str]) -> None:
        self.base, self.scene, self.cookie = f"http://127.0.0.1:{port}", scene, cookie
        self.began, self.stopping = time.monotonic(), threading.Event()
        self.noted: list[tuple[float, str, float]] = []
        self.failures: list[str] = []

    def run(self, seconds: float, sample: Callable[[], None]) -> None:
        """Runs all clients for so long and samples each minute, or ten times in a short one."""
        work: list[tuple[Callable[[httpx.Client, int], None], float, str]] = [
            (self._send, 0.25, self.scene.producer), (self._send_many, 20.0, self.scene.producer),
            (self._look, 2.0, ""), *((self._decide, 1.0, key) for key in self.scene.keys),
        ]  # fmt: skip
        threads = [threading.Thread(target=self._paced, args=each) for each in work]
        for thread in threads:
            thread.start()
        every = min(60.0, seconds / 10)
        while (left := self.began + seconds - time.monotonic()) > 0:
            time.sleep(min(every, left))
            sample()
        self.stopping.set()
        for thread in threads:
            thread.join(60)

    def _paced(self, work: Callable[[httpx.Client, int], None], every: float, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(
            base_url=self.base, headers=headers, cookies={} if key else self.cookie, timeout=60
        ) as client:
            number = 0
            while not self.stopping.is_set():
                began = time.monotonic()
                try:
                    work(client, number)
                except httpx.HTTPError as error:
                    self.failures.append(f"{work.__name__}: {type(error).__name__} {error}")
                number += 1
                self.stopping.wait(max(0.0, began + every - time.monotonic()))

    def _ask(self, kind: str, client: httpx.Client, method: str, url: str, **how: Any) -> httpx.Response:
        began = time.monotonic()
        answer = client.request(method, url, **how)
        self.noted.append((began - self.began, kind, (time.monotonic() - began) * 1e3))
        if answer.status_code >= 400:
            self.failures.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
        return answer

    def _send(self, client: httpx.Client, number: int) -> None:
        body = stage.body("one", number, confidence=0.5 + number % 10 / 20)
        self._ask(
            "intake", client, "POST", "/api/v1/outputs/", content=body, headers={"Content-Type": "application/json"}
        )

    def _send_many(self, client: httpx.Client, number: int) -> None:
        lines = b"\n".join(stage.body(f"many{number}", n, confidence=0.95) for n in range(BATCH))
        url, kind = f"/api/v1/outputs/batch/?system={stage.SLUG}", {"Content-Type": "application/x-ndjson"}
        self._ask("batch", client, "POST", url, content=lines, headers=kind)

    def _decide(self, client: httpx.Client, number: int) -> None:
        taken = self._ask("claim", client, "POST", "/api/v1/reviews/next/", json={})
        if taken.status_code == 204:
            return
        said = taken.json()
        item, verdict = said["item"], {"claim_token": said["claim"]["token"]}
        if item["blind"]:
            verdict |= {"output": {"digit": number % 10}}
        elif number % 9:
            verdict |= {"verdict": "approve"}
        else:
            other = {"digit": (item["output"]["digit"] + 1) % 10}
            verdict |= {"verdict": "override", "output": other, "reasons": ["wrong-label"]}
        self._ask("decide", client, "POST", f"/api/v1/reviews/{item['id']}/decide/", json=verdict)

    def _look(self, client: httpx.Client, number: int) -> None:
        url = PAGES[number % len(PAGES)]
        self._ask(f"page {url}", client, "GET", url)


def bench(size: float) -> list[Figure]:
    """Memory and times of the last sixth beside those of the second, and whatever went wrong."""
    seconds = max(60.0, SECONDS * size)
    scene = stage.set_up(reviewers=REVIEWERS)
    stage.wait_for_people(scene, "stock", 500)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(scene.lead)
    cookie = {name: morsel.value for name, morsel in browser.cookies.items()}
    samples: list[dict[str, float]] = []
    with tempfile.TemporaryFile("w+") as log, everything(log=log) as (port, pid):
        soak = Soak(port, scene, cookie)
        soak.run(seconds, lambda: samples.append(_sample(pid)))
        log.seek(0)
        errors = [line for line in log if line.strip()]
    for line in [*soak.failures[:20], *errors[:20], *map(json.dumps, samples)]:
        print(line.rstrip(), file=sys.stderr)
    return _figures(soak, samples, errors, seconds)


def _figures(soak: Soak, samples: list[dict[str, float]], errors: list[str], seconds: float) -> list[Figure]:
    times: dict[str, list[list[float]]] = defaultdict(lambda: [[] for _ in range(PARTS)])
    for at, kind, took in soak.noted:
        times[kind][min(PARTS - 1, int(at * PARTS / seconds))].append(took)
    parts = [samples[len(samples) * n // PARTS : len(samples) * (n + 1) // PARTS] for n in range(PARTS)]
    minutes, against = round(seconds / 60), "the second sixth"
    figures = [
        Figure(f"{name} memory, last of {minutes} min", _median(parts[-1], name), _median(parts[1], name), "MB",
               len(samples), against, at_most=1.1)
        for name in PARTS_OF_UP
    ]  # fmt: skip
    figures += [
        Figure(f"{kind}, median", statistics.median(sixths[-1]), statistics.median(sixths[1]), "ms",
               sum(map(len, sixths)), against, at_most=1.5)
        for kind, sixths in sorted(times.items()) if sixths[1] and sixths[-1]
    ]  # fmt: skip
    done = len(soak.noted)
    return [
        *figures,
        Figure("requests that failed", len(soak.failures), 1, "requests", done, "none wanted", at_most=0.0),
        Figure("lines in the log of errors", len(errors), 1, "lines", done, "none wanted", at_most=0.0),
    ]  # fmt: skip


def _median(samples: list[dict[str, float]], name: str) -> float:
    return statistics.median(sample[name] for sample in samples)


def _sample(root: int) -> dict[str, float]:
    """Megabytes of memory of each part, pages shared with others counted by their share."""
    held: dict[str, float] = dict.fromkeys(PARTS_OF_UP, 0.0)
    for process in psutil.Process(root).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
            name = next((name for name, mark in PARTS_OF_UP.items() if mark in line), None)
            if name:
                held[name] += process.memory_full_info().pss / MB
        except psutil.NoSuchProcess:
            continue
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        held["connections"] = cursor.fetchone()[0]
    return held
