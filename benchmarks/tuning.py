"""What the evidence says of the threshold: counting the outputs of a window, and the chain of tests over the counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.db import connection
from django.test import Client

from benchmarks import stage
from benchmarks.figures import Figure
from governance import tuning
from governance.models import Person, Tally
from governance.people.actors import CONSOLE
from governance.tuning import keeping, looks, reading, samples

ROUNDS = 9
DELTA = 0.025
FULL, REBUILT, CHAIN, KEPT, PAGE = 10_000_000, 10.0, 1.0, 0.5, 100.0
ORDINARY, ONE_P = ((1177, 8028), (1177, 2362), (49, 28), 0.02), 20.0
DAYS, CHUNK, IN_FORCE = 89, 100_000, 900_000
# As intake and deciding leave them, all in one window: two in three go out, one in twenty of these is audited, one
# label in fifty says wrong. The entries are short and nobody verifies this database.
_ROWS = """
CREATE TEMPORARY TABLE made AS
SELECT g, uuidv7(age) AS entry, uuidv7(age) AS output, clock_timestamp() + age AS at, c.confidence,
    c.confidence >= %(in_force)s AS is_out
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g,
     LATERAL (SELECT (g::float8 / %(count)s - 1) * %(days)s * interval '1 day' - interval '2 hours' AS age) AS a,
     LATERAL (SELECT CASE WHEN g %% 3 = 0 THEN g * 7919 %% 1000001 ELSE 900000 + g * 7919 %% 100001 END AS confidence) c
"""
_FILL = (
    "INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf) "
    "SELECT entry, at, 'judged', 'output', output, 1, %(system)s, convert_to(entry::text, 'UTF8') FROM made",
    "INSERT INTO governance_output (id, system_id, external_id, body_digest, received_at, policy_id, contract_version, "
    "model, model_version, confidence, lane, rule, threshold, propensity, is_audit, is_held, is_breached, status, "
    "resolved_by, final_at, revision, label, labelled_at, entry_id) "
    "SELECT output, %(system)s, 'made-' || g, sha256(g::text::bytea), at, %(policy)s, '1.0.0', 'digits-lr', '3.1', "
    "confidence, CASE WHEN is_out THEN 'release' ELSE 'review' END, 'threshold:default', %(in_force)s, "
    "CASE WHEN is_out THEN 50000 ELSE 1000000 END, is_out AND g %% 20 = 0, false, false, "
    "CASE WHEN is_out THEN 'released' ELSE 'approved' END, CASE WHEN is_out THEN 'policy' ELSE 'person' END, at, 1, "
    "CASE WHEN NOT is_out OR g %% 20 = 0 THEN g %% 50 <> 0 END, CASE WHEN NOT is_out OR g %% 20 = 0 THEN at END, entry "
    "FROM made",
    "TRUNCATE governance_pendingentry",
    "DROP TABLE made",
)


def bench(size: float) -> list[Figure]:
    """Counting a window from what is kept beside numpy on the same rows in memory, from the tables, and keeping it."""
    count = max(40_000, int(FULL * size))
    scene = stage.set_up(reviewers=1)
    _make(scene, count)
    scope = samples.scope(scene.system)
    if scope is None:
        raise RuntimeError("No output was decided by a threshold.")
    rebuilt = [_seconds(lambda: keeping.keep(scope)) for _ in range(3) if Tally.objects.all().delete()]
    slices = _slices(count)
    found, table = samples.sample(scope, in_force=IN_FORCE), samples.count(scope, in_force=IN_FORCE)
    if found.bands != table.bands or found.outputs != count:
        raise RuntimeError("What is kept is not what the tables hold.")
    ours, limit, chain, again = [], [], [], []
    looks.look(scene.system, by=CONSOLE)
    client = Client(HTTP_HOST="localhost")
    client.force_login(Person.objects.filter(roles__name="owner").earliest("pk"))
    pages: dict[str, list[float]] = {"": [], "?now=1&trial=0.85": []}
    for turn in range(ROUNDS + 1):
        plain = _seconds(lambda: np.bincount(slices, minlength=128))
        counted = _seconds(lambda: samples.sample(scope, in_force=IN_FORCE))
        kept = _seconds(lambda: keeping.keep(scope))
        seen = {query: _warm(client, query) for query in pages}
        reading.read.cache_clear()
        tested = _seconds(lambda: reading.read(found.bands, in_force=IN_FORCE, target=0.025, delta=DELTA))
        if turn:
            limit.append(plain), ours.append(counted), chain.append(tested), again.append(kept)
            for query, took in seen.items():
                pages[query].append(took)
    alone = [_seconds(lambda: tuning.p_value(*ORDINARY)) for _ in range(ROUNDS)]
    everything = _seconds(lambda: samples.count(scope, in_force=IN_FORCE))
    took, bare = statistics.median(ours) * 1e3, statistics.median(limit) * 1e3
    page, moved = (statistics.median(times) * 1e3 for times in pages.values())
    return [
        Figure("counting a window from what is kept", took, bare, "ms", count,
               "one numpy bincount of the same rows in memory", at_most=KEPT),
        Figure("keeping it from nothing", statistics.median(rebuilt), REBUILT, "s", count, "demanded", at_most=1.0),
        Figure("keeping it up to date, nothing new", statistics.median(again) * 1e3, bare, "ms", count, "numpy"),
        Figure("counting it from the tables", everything * 1e3, bare, "ms", count, "numpy"),
        Figure("one p-value of ordinary size", statistics.median(alone) * 1e3, ONE_P, "ms", sum(ORDINARY[0]),
               "demanded", at_most=1.0),
        Figure("the chain of tests", statistics.median(chain), CHAIN, "s", count, "demanded", at_most=1.0),
        Figure("the lab's page, certified", page, bare, "ms", count, "numpy"),
        Figure("the handle moved without a script: counted anew, drawn", moved, PAGE, "ms", count,
               "demanded", at_most=1.0),
    ]  # fmt: skip


def _warm(client: Client, query: str) -> float:
    """The page opened again, as by one who moves the handle: the tests over the same counts are known by then."""
    _open(client, query)
    return _seconds(lambda: _open(client, query))


def _open(client: Client, query: str) -> None:
    if client.get(f"/systems/{stage.SLUG}/tuning/{query}").status_code != 200:
        raise RuntimeError("The lab does not answer.")


def _make(scene: stage.Stage, count: int) -> None:
    asked: dict[str, Any] = {
        "system": scene.system.pk, "policy": scene.system.in_force_id, "count": float(count), "days": float(DAYS),
        "in_force": IN_FORCE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE governance_pendingentry")
        for first in range(1, count + 1, CHUNK):
            cursor.execute(_ROWS, asked | {"first": first, "last": min(first + CHUNK - 1, count)})
            for statement in _FILL:
                used = {name: value for name, value in asked.items() if f"%({name})s" in statement}
                cursor.execute(statement, used or None)
        cursor.execute("VACUUM ANALYZE governance_output")
        cursor.execute("VACUUM ANALYZE governance_entry")


def _slices(count: int) -> np.ndarray:
    """The slice of every row, computed as the rows were made."""
    g = np.arange(1, count + 1, dtype=np.int64)
    confidence = np.where(g % 3 == 0, g * 7919 % 1_000_001, 900_000 + g * 7919 % 100_001)
    return np.searchsorted(np.array(sorted({*samples.GRID, IN_FORCE})), confidence, side="right")


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
