"""Replay: two policies asked about every recorded output, beside counting the same rows and nothing else."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection

from benchmarks import past, stage
from benchmarks.figures import Figure
from governance.policies import replay
from governance.policies.document import parse_policy
from governance.policies.replay import Window
from reviews.models import Queue

ROUNDS = 3
FULL, DEMANDED = 1_000_000, 10.0


def bench(size: float) -> list[Figure]:
    """Seconds for a replay of a year of outputs: by their confidence alone, and with rules that read what they say."""
    scene = stage.set_up(reviewers=3)
    queue = Queue.objects.create(system=scene.system, slug="general").pk
    count = max(10_000, int(FULL * size))
    past.decide_for_years(scene, queue, count, name="past")
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(received_at) FROM governance_output")
        (last,) = cursor.fetchone()
    window = Window(scene.system.pk, last - timedelta(days=past.DAYS + 1), last + timedelta(seconds=1))
    base = parse_policy({"threshold": {"default": 0.9}})
    asked = {
        "by confidence": parse_policy({"threshold": {"default": 0.7}}),
        "with rules that read the content": parse_policy(_document()),
    }
    figures = []
    for name, candidate in asked.items():
        ours, limit = [], []
        for turn in range(ROUNDS + 1):
            plain = _seconds(lambda: _count(window))
            whole = _seconds(lambda: replay.tally(window, base=base, candidate=candidate))  # noqa: B023  called at once
            if turn:
                limit.append(plain), ours.append(whole)
        took = statistics.median(ours)
        figures += [
            Figure(f"replay {name}", took, statistics.median(limit), "s", count, "SELECT count(*) … GROUP BY"),
            Figure("the same", took, DEMANDED, "s", count, "demanded, for a million", at_most=1.0),
        ]  # fmt: skip
    return figures


def _document() -> dict[str, Any]:
    def ask(field: str, op: str, value: Any) -> dict[str, Any]:
        return {"field": field, "op": op, "value": value, "on_missing": "false"}

    return {
        "threshold": {
            "default": 0.7, "segments": [{"id": "sevens", "when": ask("output.digit", "eq", 7), "threshold": 0.8}]
        },
        "rules": [
            {"id": "dark", "when": ask("input.pixels.0", "gt", 200), "then": "block"},
            {"id": "unsure", "when": {"all": [ask("confidence", "lt", 0.55), ask("output.digit", "in", [1, 7])]},
             "then": "review"},
        ],
    }  # fmt: skip


def _count(window: Window) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane, count(*) FROM governance_output "
            "WHERE system_id = %s AND received_at >= %s AND received_at < %s GROUP BY lane",
            [window.system, window.opens, window.closes],
        )
        cursor.fetchall()


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
