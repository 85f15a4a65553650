"""What the evidence says of the threshold: counting the outputs of a window, and the chain of tests over the counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from django.db import connection

from benchmarks import past, stage
from benchmarks.figures import Figure
from governance.tuning import reading, samples
from reviews.models import Queue

ROUNDS = 5
DELTA = 0.025
FULL, REBUILT, CHAIN = 10_000_000, 10.0, 1.0


def bench(size: float) -> list[Figure]:
    """Seconds to count a window in the database beside numpy on the same arrays in memory, and to test its thresholds.

    The window is a quarter of the year of outputs that is made.
    """
    scene = stage.set_up(reviewers=3)
    queue = Queue.objects.create(system=scene.system, slug="general").pk
    past.decide_for_years(scene, queue, max(40_000, int(FULL * size)), name="past")
    scope = samples.scope(scene.system)
    if scope is None:
        raise RuntimeError("No output was decided by a threshold.")
    found = samples.sample(scope, in_force=900_000)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT confidence, label FROM governance_output WHERE model_version = %s AND label IS NOT NULL",
            [scope.model_version],
        )
        confidence, label = (np.array(column) for column in zip(*cursor.fetchall(), strict=True))
    edges = np.array(samples.GRID)
    ours, limit, chain = [], [], []
    for turn in range(ROUNDS + 1):
        plain = _seconds(lambda: _count(confidence, label, edges))
        counted = _seconds(lambda: samples.sample(scope, in_force=900_000))
        reading.read.cache_clear()
        tested = _seconds(lambda: reading.read(found.bands, in_force=900_000, target=0.02, delta=DELTA))
        if turn:
            limit.append(plain), ours.append(counted), chain.append(tested)
    took = statistics.median(ours)
    return [
        Figure("counting a window from the tables", took * 1e3, statistics.median(limit) * 1e3, "ms", found.outputs,
               "numpy on the same arrays in memory"),
        Figure("the same", took, REBUILT, "s", found.outputs, "demanded, for ten million", at_most=1.0),
        Figure("the chain of tests", statistics.median(chain), CHAIN, "s", found.outputs, "demanded", at_most=1.0),
    ]  # fmt: skip


def _count(confidence: np.ndarray, label: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many, and how many wrong, in each slice of confidence."""
    slices = np.searchsorted(edges, confidence, side="right")
    return np.stack(
        [np.bincount(slices, minlength=len(edges) + 1), np.bincount(slices[~label], minlength=len(edges) + 1)]
    )


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
