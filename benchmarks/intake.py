"""Intake against its limits: batches against raw COPY of the same rows, single outputs against a bare view.

    python -m benchmarks.intake [SIZE]        (on embedded servers of its own, with fsync on)

`bench(size)` wants a disposable, migrated database and fills it. Rounds are interleaved; what is printed are medians.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    from governance.project import embedded

    home = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    os.environ |= {
        "COUNTERSIGN_HOME": str(home), "COUNTERSIGN_AS_OWNER": "1", "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "governance.project.settings",
    }  # fmt: skip
    hold = embedded.ensure(home, durable=True)
    import django

    django.setup()

from django.db import connection

from benchmarks import bare, load
from governance.models import System
from governance.people import accounts, keys
from governance.people.actors import CONSOLE
from governance.people.actors import person as acting
from governance.policies import lifecycle
from reviews import intake
from reviews.intake import copying
from reviews.intake.accepting import _force
from reviews.intake.arrivals import arrive
from reviews.intake.dossiers import prepare

ROUNDS = 3
CHUNK = 1000
RAW = "bench_raw_output"
CONTRACT = {
    "version": "1.0.0",
    "input": {
        "type": "object",
        "properties": {"pixels": {"type": "array", "items": {"type": "number"}, "maxItems": 64}, "email": {"type": "string"}},
        "required": ["pixels"],
    },
    "output": {"type": "object", "properties": {"digit": {"enum": list(range(10))}}, "required": ["digit"]},
    "correct_when": ["/output/digit"],
    "personal_data": ["/input/email"],
}
POLICY = {
    "risk": {"target": 0.02, "confidence": 0.95},
    "threshold": {
        "default": 0.8,
        "segments": [{"id": "sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "threshold": 0.97}],
    },
    "rules": [
        {"id": "fax", "when": {"field": "attributes.channel", "op": "eq", "value": "fax"}, "then": "review"},
        {"id": "model-2", "when": {"field": "model_version", "op": "starts_with", "value": "2."}, "then": "block"},
    ],
    "audit": {"rate": 0.05},
    "routing": {"default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}}},
    "sla": {"due_in": "PT4H"},
    "review": {"undo_seconds": 8},
}


def bench(size: float = 0.01) -> list[dict[str, Any]]:
    """One line per figure: `name`, `ours`, `limit` (rates per second or µs a row), `ratio`, `wanted`, `size`."""
    system, key = _set_up()
    many, single = max(8 * CHUNK, int(1_000_000 * size) // CHUNK * CHUNK), max(2_000, int(100_000 * size))
    return [*_batches(system, key, many), *_singles(key, single)]


def _set_up() -> tuple[System, str]:
    slug = f"bench-{time.time_ns()}"
    people = {
        role: acting(accounts.create(f"{role}-{slug}@example.org", name=role, by=CONSOLE, roles=[(role, None)]))
        for role in ("owner", "approver")
    }
    system = lifecycle.register_system(
        slug=slug, name="Bench", purpose="Speed.", risk_tier="limited", owner="bench", by=people["owner"]
    ).system
    lifecycle.register_contract(system, CONTRACT, by=people["owner"])
    version = lifecycle.propose(system, POLICY, by=people["owner"], because="To measure.").version
    lifecycle.approve(version, by=people["approver"], digest=version.digest)
    lifecycle.activate(version, by=people["approver"])
    _, secret = keys.create("bench", system=system, scopes=["outputs:write", "outputs:read"], by=CONSOLE)
    return System.objects.get(pk=system.pk), secret


def _body(slug: str, name: str, number: int) -> bytes:
    """An output whose rows come to about a kilobyte; about three in five are released."""
    return json.dumps({
        "system": slug, "external_id": f"{name}-{number}",
        "input": {"pixels": [(number * place) % 17 for place in range(64)], "email": "someone@example.org"},
        "output": {"digit": number % 10}, "confidence": round(0.5 + number % 500 / 1000, 4), "model": "digits-lr",
        "model_version": "3.1", "attributes": {"channel": "scan", "page": number // 100},
        "alternatives": [{"output": {"digit": (number + 1) % 10}, "confidence": 0.1}],
    }).encode()  # fmt: skip


def _batches(system: System, key: str, rows: int) -> list[dict[str, Any]]:
    """Batches of 1,000 by 4 clients over HTTP, and in this process, against raw COPY on 4 connections."""
    buffers = _raw_buffers(system, rows)
    database = _postmaster()
    raw, http, own, raw_cpu, http_cpu = [], [], [], [], []
    with load.served("governance.project.wsgi:application") as (port, server):
        for turn in range(ROUNDS + 1):
            copied, used = _raw_round(buffers, database)
            name = f"h{turn}-{time.time_ns()}"
            chunks = [
                load.request("/api/v1/outputs/batch/", b"\n".join(_body(system.slug, name, n) for n in range(at, at + CHUNK)),
                             key=key, kind="application/x-ndjson")
                for at in range(0, rows, CHUNK)
            ]  # fmt: skip
            before = load.cpu_of(server, database)
            sent = load.send(port, [chunks[place::4] for place in range(4)], rows=CHUNK)
            spent = load.cpu_of(server, database) - before
            alone = _in_process(system, f"p{name}", min(rows, 10 * CHUNK))
            if turn:  # the first round only warms up
                raw.append(copied.rate), http.append(sent.rate), own.append(alone)
                raw_cpu.append(used / rows * 1e6), http_cpu.append(spent / rows * 1e6)
    limit, limit_cpu = statistics.median(raw), statistics.median(raw_cpu)
    return [
        _line("intake in batches of 1,000 over HTTP, 4 clients, rows/s", statistics.median(http), limit, 0.25, rows),
        _line("the same, CPU µs a row (at most)", statistics.median(http_cpu), limit_cpu, 5.0, rows),
        _line("intake in batches of 1,000 in one process, rows/s", statistics.median(own), limit, None, rows),
    ]


def _raw_buffers(system: System, rows: int) -> list[bytes]:
    """The same rows (output and content as one row) as binary COPY buffers of 1,000."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {RAW}")
        cursor.execute(
            f"CREATE TABLE {RAW} (LIKE governance_output, salt_key bytea, input text, output_json text, context text, "
            "gate_inputs text, verdict text, PRIMARY KEY (id), UNIQUE (system_id, external_id))"
        )
        cursor.execute(f"CREATE INDEX ON {RAW} (system_id, id DESC)")
    sender = intake.Sender(system, CONSOLE)
    setting = sender.setting(force=_force(system.pk, fresh=True))
    template, width, buffers = setting.template(), len(copying._OUTPUT) + len(copying._CONTENT) - 1, []
    for at in range(0, rows, CHUNK):
        dossiers = [
            prepare(arrive(intake.read(_body(system.slug, "raw", n))), setting, template) for n in range(at, at + CHUNK)
        ]
        pairs = zip(copying._outputs(dossiers, setting, setting.at), copying._contents(dossiers), strict=True)
        lines = [width.to_bytes(2, "big") + output[2:] + content[22:] for output, content in pairs]
        buffers.append(b"".join((copying.wire.HEADER, *lines, copying.wire.TRAILER)))
    return buffers


def _raw_round(buffers: Sequence[bytes], database: int) -> tuple[load.Round, float]:
    columns = ", ".join((*copying._OUTPUT, *copying._CONTENT[1:]))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {RAW}")
        cursor.execute("CHECKPOINT")
    links = [connection.copy() for _ in range(4)]
    for link in links:
        link.inc_thread_sharing()
        link.ensure_connection()

    def copy(part: Sequence[bytes], times: list[float]) -> None:
        with free.pop().cursor() as cursor:
            for buffer in part:
                began = time.perf_counter()
                with cursor.copy(f"COPY {RAW} ({columns}) FROM STDIN (FORMAT binary)") as pipe:
                    pipe.write(buffer)
                times.append(time.perf_counter() - began)

    free = list(links)
    before = load.cpu_of(database)
    copied = load.side_by_side(copy, [buffers[place::4] for place in range(4)], rows=CHUNK)
    used = load.cpu_of(database) - before
    for link in links:
        link.close()
    return copied, used


def _in_process(system: System, name: str, rows: int) -> float:
    bodies = [intake.read(_body(system.slug, name, number)) for number in range(rows)]
    began = time.perf_counter()
    intake.accept(bodies, system=system, actor=CONSOLE)
    return rows / (time.perf_counter() - began)


def _singles(key: str, count: int) -> list[dict[str, Any]]:
    """One output a request, 8 clients, against a bare view with one INSERT; both behind Granian."""
    bare.make_table()
    ours, limit, slowest = [], [], []
    slug = keys_system(key)
    with (
        load.served("benchmarks.bare:application", threads=4) as (bare_port, _),
        load.served("governance.project.wsgi:application") as (port, _),
    ):
        for turn in range(ROUNDS + 1):
            name = f"s{turn}-{time.time_ns()}"
            bodies = [_body(slug, name, number) for number in range(count)]
            plain = load.send(bare_port, [[load.request("/insert/", b) for b in bodies[p::8]] for p in range(8)])
            whole = load.send(port, [[load.request("/api/v1/outputs/", b, key=key) for b in bodies[p::8]] for p in range(8)])
            if turn:
                limit.append(plain.rate), ours.append(whole.rate), slowest.append(whole.p99)
    return [
        _line("intake one by one over HTTP, 8 clients, requests/s", statistics.median(ours), statistics.median(limit), 0.4, count)
        | {"p99_ms": round(statistics.median(slowest), 1)}
    ]


def keys_system(secret: str) -> str:
    """The slug of the system that a key belongs to."""
    from governance.models import ApiKey

    return ApiKey.objects.values_list("system__slug", flat=True).get(digest=keys.digest_of(secret))


def _postmaster() -> int:
    import psutil

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).ppid()


def _line(name: str, ours: float, limit: float, wanted: float | None, size: int) -> dict[str, Any]:
    return {
        "name": name, "ours": round(ours, 1), "limit": round(limit, 1), "ratio": round(ours / limit, 3),
        "wanted": wanted, "size": size,
    }  # fmt: skip


if __name__ == "__main__":
    import shutil

    from django.core.management import call_command

    try:
        call_command("migrate", interactive=False, verbosity=0)
        for line in bench(float(sys.argv[1]) if len(sys.argv) > 1 else 0.01):
            print(json.dumps(line))
    finally:
        connection.close()
        hold.release()
        shutil.rmtree(home, ignore_errors=True)
