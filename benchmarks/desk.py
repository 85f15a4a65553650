"""The workbench as a reviewer feels it: from the key to the next card painted, and what a page weighs.

A real browser decides item after item by the keyboard, each when the next card lies ready, against the server as `up`
starts it. The answer that brings the card after that is timed beside a bare view that returns the same bytes.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.test import Client

from benchmarks import load, stage
from benchmarks.figures import Figure
from governance.models import Person
from reviews.models import Decision

ITEMS, FEWEST = 500, 40
_AHEAD = 5  # items that stay, so that a next card is always ready
_WARM_UP = 3
_BLINK_MS = 360  # a key sooner than that after a new card is taken for a double one
_CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
_GUARD = "document.querySelector('next-card[data-ready]') !== null && !document.querySelector('send-line').waiting"
# From the moment the key was pressed to the second frame after another card is there: by then it is painted.
_STOPWATCH = """
performance.setResourceTimingBufferSize(5000);
window.times = [];
addEventListener("keydown", ({timeStamp}) => {
  const was = document.querySelector(".bench > .item")?.dataset.card;
  const look = () => {
    if (document.querySelector(".bench > .item")?.dataset.card === was) {
      if (performance.now() - timeStamp < 3000) requestAnimationFrame(look);
      return;
    }
    requestAnimationFrame(() => window.times.push(performance.now() - timeStamp));
  };
  requestAnimationFrame(look);
}, true);
"""
_ANSWERED = """(ending) => performance.getEntriesByType("resource")
  .filter(({name}) => name.endsWith(ending)).map(({startTime, responseEnd}) => responseEnd - startTime)"""
_FETCHED = """async (count) => {
  const times = [];
  for (let turn = 0; turn < count; turn += 1) {
    const from = performance.now();
    await (await fetch("/", {cache: "no-store"})).text();
    times.push(performance.now() - from);
  }
  return times;
}"""


@dataclass
class Sat:
    """What one sitting came to: milliseconds of each key, decision and next card; bytes compressed, and as sent."""

    keys: list[float]
    decided: list[float]
    ahead: list[float]
    bare: list[float] = field(default_factory=list)
    first_load: int = 0
    first_load_sent: int = 0
    cards: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


def bench(size: float) -> list[Figure]:
    """The figures of one sitting. Raises RuntimeError when there is no browser, or a decision was lost."""
    if not Path(_CHROMIUM).exists():
        raise RuntimeError(f"There is no browser at {_CHROMIUM}; set CHROMIUM to one.")
    count = max(FEWEST, int(ITEMS * size))
    scene = stage.set_up()
    stage.wait_for_people(scene, "desk", count + _WARM_UP + _AHEAD)
    cookie = _sign_in(scene.reviewers[0])
    with load.served("governance.project.wsgi:application") as (port, _):
        sat = _sit(f"http://localhost:{port}", cookie, count)
    made = Decision.objects.filter(person=scene.reviewers[0], undone_at=None).count()
    if made != count + _WARM_UP:
        raise RuntimeError(f"{count + _WARM_UP} keys were pressed and {made} decisions taken.")
    demanded, middle = "demanded", statistics.median
    return [
        Figure("key to next card painted, median", middle(sat.keys), 50.0, "ms", count, demanded, at_most=1.0),
        Figure("key to next card painted, p95", _p95(sat.keys), 100.0, "ms", count, demanded, at_most=1.0),
        Figure("decision answered, in the browser, p95", _p95(sat.decided), 60.0, "ms", count, demanded, at_most=1.0),
        Figure("card after the next, in the browser, p50", middle(sat.ahead), middle(sat.bare),
               "ms", count, "bare view, same bytes"),
        Figure("first load, compressed", sat.first_load / 1e3, 150.0, "kB", 1, demanded, at_most=1.0),
        Figure("first load, as sent here", sat.first_load_sent / 1e3, 150.0, "kB", 1, "demanded compressed"),
        Figure("a card, compressed, largest", max(sat.cards) / 1e3, 15.0, "kB", count, demanded, at_most=1.0),
    ]  # fmt: skip


def _sit(site: str, cookie: str, count: int) -> Sat:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        try:
            context = browser.new_context(base_url=site, viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "countersign", "value": cookie, "url": site}])
            context.add_init_script(_STOPWATCH)
            page = context.new_page()
            sat = _decide(page, count)
            sat.first_load, sat.first_load_sent = _weigh_first(browser, site, cookie, page.url)
            sat.cards = [_packed(body) for body in sat.bodies]
            page.goto("about:blank")  # leaving gives the next card back
            sat.bare = _bare(browser, max(sat.bodies, key=len), count)
            return sat
        finally:
            browser.close()


def _decide(page: Any, count: int) -> Sat:
    """Approves so many items by the key, after some that only warm up."""
    bodies: list[bytes] = []
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/review/ahead/") else None)
    page.goto("/queue/")
    page.get_by_role("button", name="Review the next one").click()
    page.wait_for_url("**/review/*/")
    for _ in range(_WARM_UP + count):
        _ready(page)
        page.keyboard.press("a")
        if len(bodies) < FEWEST:
            bodies += [answer.body() for answer in answers if answer.status == 200]
        answers.clear()
    _ready(page)
    keys = [float(time) for time in page.evaluate("window.times")]
    if len(keys) != count + _WARM_UP:
        raise RuntimeError(f"{count + _WARM_UP} keys were pressed and {len(keys)} cards painted.")
    decided, ahead = (page.evaluate(_ANSWERED, ending) for ending in ("/decide/", "/review/ahead/"))
    return Sat(keys[_WARM_UP:], decided[_WARM_UP:], ahead[_WARM_UP:], bodies=bodies)


def _ready(page: Any) -> None:
    """Waits for the next card, asked from outside: the page's policy forbids `eval`."""
    for _ in range(1000):
        if page.evaluate(_GUARD):
            page.wait_for_timeout(_BLINK_MS)
            return
        page.wait_for_timeout(10)
    raise RuntimeError("The next card never came.")


def _weigh_first(browser: Any, site: str, cookie: str, url: str) -> tuple[int, int]:
    """Bytes of everything that a browser with an empty cache asks for: compressed, and as they were sent."""
    context = browser.new_context(base_url=site)
    context.add_cookies([{"name": "countersign", "value": cookie, "url": site}])
    page = context.new_page()
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  a bound method cannot be wrapped
    page.goto(url, wait_until="load")
    loaded = [(answer.request.sizes()["responseBodySize"], answer.body()) for answer in list(answers)]
    context.close()
    return sum(min(sent, _packed(body)) for sent, body in loaded), sum(sent for sent, _ in loaded)


def _bare(browser: Any, body: bytes, count: int) -> list[float]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        os.environ["BENCH_BYTES"] = file.name
        with load.served("benchmarks.bare_bytes:application", threads=4) as (port, _):
            page = browser.new_page()
            page.goto(f"http://localhost:{port}/")
            times: list[float] = page.evaluate(_FETCHED, count + _WARM_UP)
            page.close()
    return times[_WARM_UP:]


def _sign_in(person: Person) -> str:
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    return browser.cookies["countersign"].value


def _packed(body: bytes) -> int:
    return len(gzip.compress(body, 6))


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]
