"""The load: producers and reviewers, each noting every operation and what came of it."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PRODUCERS, REVIEWERS = 2, 2


@dataclass
class History:
    """Operations with their outcome: `ok`, `fail` (refused, with no effect) or `unknown`; in a file as they come."""

    path: Path
    intakes: dict[str, str | None] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._file, self._lock = self.path.open("a"), threading.Lock()

    def note(
        self, operation: str, key: str, outcome: str, result: str | None = None, *, began: float | None = None
    ) -> None:
        """`began` is by the monotonic clock; the line then says how many seconds the operation took."""
        took = None if began is None else round(time.monotonic() - began, 4)
        with self._lock:
            line = {"at": time.time(), "operation": operation, "key": key, "outcome": outcome, "result": result,
                    "took": took}  # fmt: skip
            self._file.write(json.dumps(line) + "\n")
            self.counts[f"{operation} {outcome}"] = self.counts.get(f"{operation} {outcome}", 0) + 1

    def close(self) -> None:
        self._file.close()

    @property
    def operations(self) -> int:
        return sum(self.counts.values())


class Load:
    """Producers and reviewers of one seed, until they are told to stop. Each finishes what it has begun."""

    def __init__(self, base: str, keys: dict[str, Any], system: str, seed: int, history: History) -> None:
        self.base, self.keys, self.system, self.seed, self.history = base, keys, system, seed, history
        self.stopping, self.problems = threading.Event(), []
        self._threads = [threading.Thread(target=self._guarded, args=(self._produce, n)) for n in range(PRODUCERS)]
        self._threads += [threading.Thread(target=self._guarded, args=(self._review, n)) for n in range(REVIEWERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join(240)
            if thread.is_alive():
                raise TimeoutError("A producer has not finished.")
        if self.problems:
            raise self.problems[0]

    def stock(self, count: int) -> None:
        """Sends so many outputs at once that all need people, before anything else."""
        names = [f"s{self.seed}-stock-{number}" for number in range(count)]
        lines = (
            {"system": self.system, "external_id": name, "input": {}, "output": {"digit": number % 10},
             "confidence": 0.3, "model": "m", "model_version": "1"} for number, name in enumerate(names)
        )  # fmt: skip
        with self._client(self.keys["producer"]) as api:
            answer = api.post(
                "outputs/batch/", content="\n".join(map(json.dumps, lines)), timeout=240,
                headers={"Content-Type": "application/x-ndjson"},
            )  # fmt: skip
        answer.raise_for_status()
        for name, line in zip(names, answer.text.splitlines(), strict=True):
            self.history.intakes[name] = json.loads(line)["output"]["id"]
            self.history.note("stock", name, "ok", self.history.intakes[name])

    def _guarded(self, work: Any, number: int) -> None:
        try:
            work(number, random.Random(f"{self.seed}/{work.__name__}/{number}"))
        except Exception as problem:  # noqa: BLE001  the thread's failure is raised by `stop`
            self.problems.append(problem)

    def _client(self, key: str) -> httpx.Client:
        return httpx.Client(base_url=f"{self.base}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=20)

    def _produce(self, number: int, dice: random.Random) -> None:
        count = 0
        with self._client(self.keys["producer"]) as api:
            while not self.stopping.is_set():
                count += 1
                name = f"s{self.seed}-{number}-{count}"
                self._intake(api, name, dice)
                time.sleep(dice.uniform(0.02, 0.2))

    def _intake(self, api: httpx.Client, name: str, dice: random.Random) -> None:
        body = {"system": self.system, "external_id": name, "input": {}, "output": {"digit": dice.randrange(10)},
                "confidence": dice.choice((0.3, 0.6, 0.95, 0.99)), "model": "m", "model_version": "1"}  # fmt: skip
        self.history.intakes.setdefault(name, None)
        until = time.monotonic() + 150
        while time.monotonic() < until:
            # Now and then the line is lost before the answer is read: the same again has to be safe.
            timeout = 0.005 if dice.random() < 0.08 else 20
            began = time.monotonic()
            try:
                answer = api.post("outputs/", json=body, timeout=timeout)
            except httpx.TransportError:
                self.history.note("intake", name, "unknown")
                time.sleep(0.3)
                continue
            if answer.status_code in (200, 201):
                self.history.intakes[name] = answer.json()["id"]
                self.history.note("intake", name, "ok", answer.json()["id"], began=began)
                return
            self.history.note("intake", name, "unknown" if answer.status_code >= 500 else "fail", answer.text[:200])
            if answer.status_code < 500:
                raise AssertionError(f"{name} was refused: {answer.status_code} {answer.text[:300]}")
            time.sleep(0.3)
        raise TimeoutError(f"{name} was never taken.")

    def _review(self, number: int, dice: random.Random) -> None:
        with self._client(self.keys["reviewers"][number]) as api:
            while not self.stopping.is_set():
                began = time.monotonic()
                try:
                    taken = api.post("reviews/next/", json={})
                except httpx.TransportError:
                    self.history.note("claim", "", "unknown")
                    time.sleep(0.3)
                    continue
                self.history.note("claim", "", "ok" if taken.status_code in (200, 204) else "unknown", began=began)
                if taken.status_code == 200 and dice.random() < 0.8:  # else she walks away and the lease runs out
                    self._decide(api, taken.json(), dice)
                time.sleep(dice.uniform(0.02, 0.3))

    def _decide(self, api: httpx.Client, taken: dict[str, Any], dice: random.Random) -> None:
        item, token = taken["item"]["id"], taken["claim"]["token"]
        verdict = dice.choice(("approve", "reject"))
        said: dict[str, Any] = {"claim_token": token, "verdict": verdict}
        if taken["item"]["blind"]:
            said = {"claim_token": token, "output": {"digit": 3}}
        for _ in range(20):
            began = time.monotonic()
            try:
                answer = api.post(f"reviews/{item}/decide/", json=said)
            except httpx.TransportError:
                self.history.note("decide", item, "unknown")
                time.sleep(0.3)
                continue
            if answer.status_code == 200:
                self.history.decisions[answer.json()["decision"]] = item
                self.history.note("decide", item, "ok", answer.json()["decision"], began=began)
                return
            self.history.note("decide", item, "fail" if answer.status_code < 500 else "unknown", answer.text[:200])
            if answer.status_code < 500:
                return
            time.sleep(0.3)
