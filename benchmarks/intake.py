"""Intake against its limits: batches against raw COPY of the same rows, single outputs against a bare view.

Rounds are interleaved; the figures are medians. The limit of the batches is one table with a primary key, the unique
external id and the index of the list, into which output and content go as one row, ready-made, on four connections.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psutil
from django.db import connection

from benchmarks import bare, load
from benchmarks.figures import Figure
from governance.models import System
from governance.people import accounts, keys
from governance.people.actors import CONSOLE
from governance.people.actors import person as acting
from governance.policies import lifecycle
from governance.policies.registry import in_force
from reviews import intake
from reviews.intake import copying, wire
from reviews.intake.arrivals import arrive
from reviews.intake.dossiers import prepare

ROUNDS = 3
CLIENTS, SINGLE_CLIENTS = 4, 8
CHUNK = 1000
RAW = "bench_raw_output"
OURS = "governance.project.wsgi:application"
CONTRACT: dict[str, Any] = {
    "version": "1.0.0",
    "input": {
        "type": "object",
        "properties": {
            "pixels": {"type": "array", "items": {"type": "number"}, "maxItems": 64},
            "email": {"type": "string"},
        },
        "required": ["pixels"],
    },
    "output": {"type": "object", "properties": {"digit": {"enum": list(range(10))}}, "required": ["digit"]},
    "correct_when": ["/output/digit"],
    "personal_data": ["/input/email"],
}
POLICY: dict[str, Any] = {
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


def bench(size: float = 0.01) -> list[Figure]:
    """Rows and CPU of batches, requests of single outputs, each beside its limit. Fills the database."""
    system, key = _set_up()
    many, single = max(20 * CHUNK, int(1_000_000 * size) // CHUNK * CHUNK), max(4_000, int(100_000 * size))
    return [*_batches(system, key, many), *_singles(system, key, single)]


def _set_up() -> tuple[System, str]:
    owner, approver = (
        acting(accounts.create(f"{role}@intake.example.org", name=role, by=CONSOLE, roles=[(role, None)]))
        for role in ("owner", "approver")
    )
    system = lifecycle.register_system(
        slug="bench-intake", name="Bench", purpose="Speed.", risk_tier="limited", owner="bench", by=owner
    ).system
    lifecycle.register_contract(system, CONTRACT, by=owner)
    version = lifecycle.propose(system, POLICY, by=owner, because="To measure.").version
    lifecycle.approve(version, by=approver, digest=version.digest)
    lifecycle.activate(version, by=approver)
    _, secret = keys.create("bench", system=system, scopes=["outputs:write", "outputs:read"], by=CONSOLE)
    return System.objects.get(pk=system.pk), secret


def _body(slug: str, name: str, number: int) -> bytes:
    """An output whose rows come to about a kilobyte; about two in five are released."""
    return json.dumps({
        "system": slug, "external_id": f"{name}-{number}",
        "input": {"pixels": [(number * place) % 17 for place in range(64)], "email": "someone@example.org"},
        "output": {"digit": number % 10}, "confidence": round(0.5 + number % 500 / 1000, 4), "model": "digits-lr",
        "model_version": "3.1", "attributes": {"channel": "scan", "page": number // 100},
        "alternatives": [{"output": {"digit": (number + 1) % 10}, "confidence": 0.1}],
    }).encode()  # fmt: skip


def _batches(system: System, key: str, rows: int) -> list[Figure]:
    buffers = _raw_buffers(system, rows)
    database = _postmaster()
    raw, http, own, raw_cpu, http_cpu = [], [], [], [], []
    with load.served(OURS) as (port, server):
        for turn in range(ROUNDS + 1):
            copied, used = _raw_round(buffers, database)
            requests = _batch_requests(system.slug, key, f"h{turn}", rows)
            before = load.cpu_of(server, database)
            sent = load.send(port, _dealt(requests, CLIENTS), rows=CHUNK)
            spent = load.cpu_of(server, database) - before
            alone = _in_process(system, f"p{turn}", min(rows, 20 * CHUNK))
            if turn:  # the first round only warms up
                raw.append(copied.rate)
                http.append(sent.rate)
                own.append(alone)
                raw_cpu.append(used / rows * 1e6)
                http_cpu.append(spent / rows * 1e6)
    limit, copy = statistics.median(raw), f"raw COPY of the same rows, {CLIENTS} connections"
    return [
        Figure(f"intake in batches of 1,000 over HTTP, {CLIENTS} clients", statistics.median(http), limit, "rows/s",
               rows, copy, at_least=0.25),
        Figure("the same, CPU of server and database", statistics.median(http_cpu), statistics.median(raw_cpu),
               "µs a row", rows, copy, at_most=5.0),
        Figure("intake in batches of 1,000 in one process", statistics.median(own), limit, "rows/s", rows, copy),
    ]  # fmt: skip


def _singles(system: System, key: str, count: int) -> list[Figure]:
    bare.make_table()
    database = _postmaster()
    ours, limit, cpu, bare_cpu = [], [], [], []
    with (
        load.served("benchmarks.bare:application", threads=4) as (bare_port, bare_server),
        load.served(OURS) as (port, server),
    ):
        for turn in range(ROUNDS + 1):
            bodies = [_body(system.slug, f"s{turn}", number) for number in range(count)]
            requests = [load.request("/insert/", body) for body in bodies]
            before = load.cpu_of(bare_server, database)
            plain = load.send(bare_port, _dealt(requests, SINGLE_CLIENTS))
            between = load.cpu_of(bare_server, database)
            requests = [load.request("/api/v1/outputs/", body, key=key) for body in bodies]
            start = load.cpu_of(server, database)
            whole = load.send(port, _dealt(requests, SINGLE_CLIENTS))
            if turn:
                limit.append(plain.rate)
                ours.append(whole.rate)
                bare_cpu.append((between - before) / count * 1e6)
                cpu.append((load.cpu_of(server, database) - start) / count * 1e6)
    against = "bare view with one INSERT, same server"
    return [
        Figure(f"intake one by one over HTTP, {SINGLE_CLIENTS} clients", statistics.median(ours),
               statistics.median(limit), "requests/s", count, against, at_least=0.4),
        Figure("the same, CPU of server and database", statistics.median(cpu), statistics.median(bare_cpu),
               "µs a request", count, against),
    ]  # fmt: skip


def _batch_requests(slug: str, key: str, name: str, rows: int) -> list[bytes]:
    path, kind = "/api/v1/outputs/batch/", "application/x-ndjson"
    bodies = [_body(slug, name, number) for number in range(rows)]
    return [load.request(path, b"\n".join(bodies[at : at + CHUNK]), key=key, kind=kind) for at in range(0, rows, CHUNK)]


def _dealt(requests: Sequence[bytes], clients: int) -> list[Sequence[bytes]]:
    return [requests[place::clients] for place in range(clients)]


def _raw_buffers(system: System, rows: int) -> list[bytes]:
    """The same rows (output and content as one row) as binary COPY buffers of 1,000, into an empty table."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {RAW}")
        cursor.execute(
            f"CREATE TABLE {RAW} (LIKE governance_output INCLUDING DEFAULTS, salt_key bytea, input text, "
            "output_json text, context text, gate_inputs text, verdict text, PRIMARY KEY (id), "
            "UNIQUE (system_id, external_id))"
        )
        cursor.execute(f"CREATE INDEX ON {RAW} (system_id, id DESC)")
    setting = intake.Sender(system, CONSOLE).setting(force=in_force(system.pk))
    template, buffers = setting.template(), []
    width = wire.count(len(copying.OUTPUT) + len(copying.CONTENT) - 1)
    for at in range(0, rows, CHUNK):
        bodies = [intake.read(_body(system.slug, "raw", number)) for number in range(at, at + CHUNK)]
        dossiers = [prepare(arrive(body), setting, template) for body in bodies]
        pairs = zip(copying.outputs(dossiers, setting, setting.at), copying.contents(dossiers), strict=True)
        # A row is its width in 2 bytes, then its fields; the content's first field is the id, 20 bytes, once more.
        lines = [width + output[2:] + content[22:] for output, content in pairs]
        buffers.append(b"".join((wire.HEADER, *lines, wire.TRAILER)))
    return buffers


def _raw_round(buffers: Sequence[bytes], database: int) -> tuple[load.Round, float]:
    columns = ", ".join((*copying.OUTPUT, *copying.CONTENT[1:]))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {RAW}")
    links = [connection.copy() for _ in range(CLIENTS)]
    for link in links:
        link.inc_thread_sharing()
        link.ensure_connection()
    free = list(links)

    def copy(part: Sequence[bytes], times: list[float]) -> None:
        with free.pop().cursor() as cursor:
            for buffer in part:
                began = time.perf_counter()
                with cursor.copy(f"COPY {RAW} ({columns}) FROM STDIN (FORMAT binary)") as pipe:
                    pipe.write(buffer)
                times.append(time.perf_counter() - began)

    before = load.cpu_of(database)
    copied = load.side_by_side(copy, _dealt(buffers, CLIENTS), rows=CHUNK)
    used = load.cpu_of(database) - before
    for link in links:
        link.close()
    return copied, used


def _in_process(system: System, name: str, rows: int) -> float:
    """Rows a second that one process takes in, from bodies that are read already."""
    bodies = [intake.read(_body(system.slug, name, number)) for number in range(rows)]
    began = time.perf_counter()
    intake.accept(bodies, system=system, actor=CONSOLE, key=UUID(int=1))
    return rows / (time.perf_counter() - began)


def _postmaster() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(psutil.Process(cursor.fetchone()[0]).ppid())
