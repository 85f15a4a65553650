"""The pages people wait for: deciding and the next card, and the history at any depth, with a year of decisions behind.

Server time: one client, one request at a time, on connections that stay open.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import load, past, stage
from benchmarks.figures import Figure
from governance.models import Person
from reviews.models import Decision, Queue, Seat

ROUNDS = 3
_PAGES_A_ROUND = 20
_CARDS = 60
# What the history can be asked for beside what has figures of its own.
_FILTERS = {
    "reason": {"reason": "wrong-label"}, "model version": {"model_version": "3.2"}, "policy": {"policy": "1"},
    "days": {"from": "2026-03-01", "to": "2026-04-01"}, "sure": {"confidence_from": "85"}, "blind": {"blind": "no"},
    "outcome changed": {"corrected": "yes"}, "took": {"took_from": "6.9"}, "answer": {"ai_said": "digit 7"},
}  # fmt: skip
_LIMITED = re.compile(r'^SELECT .*FROM "reviews_decision".* LIMIT \d+$', re.S)


@dataclass
class Desk:
    """A reviewer's browser at the workbench, with the item in hand and the one after it ready."""

    browser: Client
    person: Person
    item: str
    token: str

    def decide_and_go_on(self) -> tuple[float, int]:
        """Approves the item in hand and has the one after the next made ready; milliseconds and queries of both."""
        decided, queries = self._post(f"/review/{self.item}/decide/", {"verdict": "approve"}, 204)
        ready = _seat(self.person)
        self.item, self.token = str(ready.item_id), str(ready.claim_token)
        ahead, more = self._post("/review/ahead/", {"shown": self.item}, 200)
        return decided + ahead, queries + more

    def _post(self, url: str, data: dict[str, str], status: int) -> tuple[float, int]:
        with CaptureQueriesContext(connection) as asked:
            began = time.perf_counter()
            answer = self.browser.post(url, {**data, "token": self.token}, headers={"X-Desk": "1"})
            took = (time.perf_counter() - began) * 1e3
        _must(answer, status)
        return took, len(asked)


def bench(size: float) -> list[Figure]:
    """Rows 6 and 7 of what is demanded. Fills the database."""
    count = max(20_000, int(5_000_000 * size))
    few, cards = 500, ROUNDS * _CARDS + 20
    scene = stage.set_up(reviewers=3)
    stage.wait_for_people(scene, "few", 2 * cards)
    queue = Queue.objects.get(system=scene.system).pk
    past.decide_for_years(scene, queue, few, name="early")
    early = cards_of(scene.reviewers[0])
    past.decide_for_years(scene, queue, count - few, name="late")
    late = cards_of(scene.reviewers[1])
    times, queries = [took for took, _ in late], [asked for _, asked in late]
    return [
        Figure(f"decide and next card, p95 with {count:,} decisions", p95(times), 60.0, "ms", len(times), "demanded",
               at_most=1.0),
        Figure("queries of the two requests, most", max(queries), 12, "queries", len(times), "demanded", at_most=1.0),
        Figure("queries, most, as data grows", max(queries), max(asked for _, asked in early), "queries", len(times),
               f"with {few} decisions", at_most=1.0),
        *_history(scene, count),
    ]  # fmt: skip


def cards_of(person: Person) -> list[tuple[float, int]]:
    """Milliseconds and queries of each of sixty decisions of hers, with the card that follows it."""
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    _must(browser.post("/queue/next/"), 302)
    now = _seat(person)
    desk = Desk(browser, person, str(now.item_id), str(now.claim_token))
    _must(browser.post("/review/ahead/", headers={"X-Desk": "1"}), 200)
    for _ in range(10):
        desk.decide_and_go_on()
    return [desk.decide_and_go_on() for _ in range(_CARDS)]


def _seat(person: Person) -> Seat:
    """What she has in hand, else the card that is ready for her."""
    return Seat.objects.filter(claimed_by=person, closed_at=None).order_by("is_soft").first()  # type: ignore[return-value]


def _history(scene: stage.Stage, count: int) -> list[Figure]:
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(scene.lead)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    urls = _urls(scene, count)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for url in urls.values():
            file.write(json.dumps(_main_select(browser, url)) + "\n")
        file.flush()
        os.environ["BENCH_SELECTS"] = file.name
        with (
            load.served("governance.project.wsgi:application") as (port, _),
            load.served("benchmarks.bare_select:application", threads=4) as (bare_port, _),
        ):
            slow_tail: dict[str, list[float]] = {name: [] for name in urls}
            ours: dict[str, list[float]] = {name: [] for name in urls}
            bare: dict[str, list[float]] = {name: [] for name in urls}
            for turn in range(ROUNDS + 1):
                for number, (name, url) in enumerate(urls.items()):
                    plain = load.send(bare_port, [[load.ask(f"/{number}/")] * _PAGES_A_ROUND])
                    whole = load.send(port, [[load.ask(url, cookie=cookie)] * _PAGES_A_ROUND])
                    if turn:
                        bare[name].append(plain.p50), ours[name].append(whole.p50)
                        slow_tail[name].append(whole.p95)
    middle = {name: (statistics.median(ours[name]), statistics.median(bare[name])) for name in urls}
    against = "bare view, same SELECT"
    slowest = max(statistics.median(tails) for tails in slow_tail.values())
    slow = max(middle, key=lambda name: middle[name][0])
    far = max(middle, key=lambda name: middle[name][0] / middle[name][1])
    return [
        *(Figure(f"history page, {name}, p50", *both, "ms", count, against) for name, both in middle.items()),
        Figure("history page, p95 of the slowest filter", slowest, 60.0, "ms", count, "demanded", at_most=1.0),
        Figure(f"history page, slowest filter ({slow}), p50", *middle[slow], "ms", count, against, at_most=4.0),
        Figure(f"history page, worst ratio ({far}), p50", *middle[far], "ms", count, against, at_most=4.0),
    ]  # fmt: skip


def _urls(scene: stage.Stage, count: int) -> dict[str, str]:
    from governance.api.paging import _write

    deep = Decision.objects.order_by("id").values_list("pk", flat=True)[count // 10]
    asked: dict[str, dict[str, str]] = {
        "all": {}, "system": {"system": stage.SLUG}, "verdict": {"system": stage.SLUG, "verdict": "override"},
        "rule": {"system": stage.SLUG, "rule": "fax"}, "reviewer": {"reviewer": str(scene.reviewers[2].pk)},
        **{name: {"system": stage.SLUG, **filters} for name, filters in _FILTERS.items()},
        "deep": {"system": stage.SLUG, "cursor": _write("a", deep)}, "words": {"q": "page 4711"},
    }  # fmt: skip
    return {name: f"/history/?{urlencode(filters)}" for name, filters in asked.items()}


def _main_select(browser: Client, url: str) -> str:
    """The SELECT that finds the rows of the page."""
    with CaptureQueriesContext(connection) as asked:
        _must(browser.get(url), 200)
    found = [query["sql"] for query in asked if _LIMITED.match(query["sql"])]
    if not found:
        raise RuntimeError(f"{url} reads no decisions: {[query['sql'][:80] for query in asked]}.")
    return max(found, key=len)


def _must(answer: HttpResponse, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"Answered {answer.status_code}, not {status}: {answer.content[:300]!r}.")


def p95(times: list[float]) -> float:
    """What 95 in 100 of the times do not exceed."""
    return sorted(times)[int(len(times) * 0.95)]
