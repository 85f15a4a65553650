"""Claiming and deciding against a bare pair of views, and the cost of a claim as the queue and its history grow.

`bench(size)` wants a disposable, migrated database and fills it. At full size a million items are open.
"""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import connection, connections

from benchmarks import bare_pair, load, pages
from benchmarks.figures import Figure
from governance.models import System
from governance.people import accounts, actors, keys
from governance.people.actors import CONSOLE, Actor
from governance.policies import lifecycle
from reviews import queue
from reviews.queue import marks

CLIENTS, ROUNDS, CYCLES = 32, 3, 40
OPEN, SMALL, HELD_OVER = 1_000_000, 10_000, 80_000
CONTRACT = {
    "version": "1.0.0",
    "output": {"type": "object", "properties": {"digit": {"enum": list(range(10))}}, "required": ["digit"]},
    "correct_when": ["/output/digit"],
}
POLICY = {
    "threshold": {"default": 0.9},
    "routing": {"default": {"queue": "general"}},
    "review": {"reasons": [{"code": "blurred", "label": "Blurred"}]},
}
# Rows as intake and routing leave them. The entries are of the right size; nobody verifies this database.
_FILL = (
    "INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf) "
    "SELECT {id:1}, now(), 'judged', 'output', {id:2}, 1, %(system)s, "
    "convert_to(repeat('j', 900) || %(slug)s || g, 'UTF8') "
    "FROM generate_series(%(first)s::int, %(last)s::int) g",
    "INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf) "
    "SELECT {id:3}, now(), 'routed', 'item', {id:4}, 1, %(system)s, "
    "convert_to(repeat('r', 700) || %(slug)s || g, 'UTF8') "
    "FROM generate_series(%(first)s::int, %(last)s::int) g",
    "INSERT INTO governance_output (id, system_id, external_id, body_digest, policy_id, contract_version, model, "
    "model_version, confidence, lane, rule, threshold, propensity, is_audit, is_held, is_breached, status, revision, "
    "entry_id) SELECT {id:2}, %(system)s, %(slug)s || g, sha256(g::text::bytea), %(policy)s, '1.0.0', 'reader', '1', "
    "620000, 'review', 'threshold:default', 900000, 1000000, false, false, false, 'in_review', 1, {id:1} "
    "FROM generate_series(%(first)s::int, %(last)s::int) g",
    "INSERT INTO governance_outputcontent (output_id, salt_key, input, output_json, context, gate_inputs, verdict) "
    "SELECT {id:2}, '\\x00', %(input)s, '{{\"digit\":7}}', "
    '\'{{"alternatives":[],"attributes":{{}},"callback_url":null,"explanation":null}}\', \'{{}}\', '
    '\'{{"because":"Confidence 0.62 is under 0.90."}}\' FROM generate_series(%(first)s::int, %(last)s::int) g',
    "INSERT INTO reviews_item (id, output_id, system_id, queue_id, purpose, round, reviewers, state, is_blind, "
    "priority, route, created_at, routed_at, due_at, entry_id) SELECT {id:4}, {id:2}, %(system)s, %(queue)s, 'review', "
    "1, 1, 'open', false, 50, '{{}}', now(), now(), now() + interval '4 hours', {id:3} "
    "FROM generate_series(%(first)s::int, %(last)s::int) g",
    "INSERT INTO reviews_seat (id, item_id, number, system_id, queue_id, skills, is_for_lead, urgent_at, is_soft, "
    "entry_id) SELECT {id:5}, {id:4}, 1, %(system)s, %(queue)s, '{{}}', false, now() + g * interval '1 ms', false, "
    "{id:3} FROM generate_series(%(first)s::int, %(last)s::int) g",
)
CHUNK = 50_000


class Id:
    """`{id:KIND}` in a statement: the id of that kind of row number g; `start` keeps two fillings apart."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __format__(self, kind: str) -> str:
        return f"('0190000{kind}-0000-7000-8{self.start:03x}-' || lpad(to_hex(g), 12, '0'))::uuid"


def bench(size: float = 0.01) -> list[Figure]:
    """The figures of PERFORMANCE rows 3 and 4."""
    count, few = max(int(OPEN * size), 10_000), max(int(SMALL * size), 1_000)
    small, large = _system("small", few, 1), _system("large", count, 2)
    connection.cursor().execute("ANALYZE")
    bare_pair.fill(count)
    return [
        *_cycles(large, count),
        *_growth(small, large, few, count),
        *_at_the_desk(large, count),
        *_snapshot(large, max(int(HELD_OVER * size), 2_000)),
    ]


def _system(slug: str, items: int, start: int) -> System:
    """A system with a queue of so many open items and 32 reviewers."""
    people = {
        role: actors.person(accounts.create(f"{role}-{slug}@example.org", name=role, by=CONSOLE, roles=[(role, None)]))
        for role in ("owner", "approver")
    }
    system = lifecycle.register_system(
        slug=slug, name=slug, purpose="Speed.", risk_tier="limited", owner="bench", by=people["owner"]
    ).system
    lifecycle.register_contract(system, CONTRACT, by=people["owner"])
    version = lifecycle.propose(system, POLICY, by=people["owner"], because="To measure.").version
    lifecycle.approve(version, by=people["approver"], digest=version.digest)
    lifecycle.activate(version, by=people["approver"])
    row = queue_row(system)
    with connection.cursor() as cursor:
        for first in range(1, items + 1, CHUNK):
            asked = {
                "system": system.pk, "slug": f"{slug}-", "policy": version.pk, "queue": row, "first": first,
                "last": min(first + CHUNK - 1, items), "input": json.dumps({"pixels": [7] * 64}),
            }  # fmt: skip
            for statement in _FILL:
                cursor.execute(statement.format(id=Id(start)), asked)
    return system


def queue_row(system: System) -> UUID:
    from reviews.models import Queue

    return Queue.objects.create(system=system, slug="general").pk


def _reviewers(system: System, name: str, count: int = CLIENTS) -> list[tuple[Actor, str]]:
    made = []
    for number in range(count):
        person = accounts.create(
            f"{name}{number}-{system.slug}@example.org", name=f"R{number}", by=CONSOLE, roles=[("reviewer", system)]
        )
        _, secret = keys.create(name, system=system, scopes=["reviews:write"], by=CONSOLE, person=person)
        made.append((actors.person(person), secret))
    return made


class Client:
    """A reviewer at an open connection: next, decide, and so on. Times are in seconds."""

    def __init__(self, port: int, prefix: str, body: bytes, key: str = "") -> None:
        self.link = socket.create_connection(("127.0.0.1", port))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.prefix, self.key = prefix, key
        self.next = load.request(f"{prefix}next/", body, key=key)
        self.claims: list[float] = []
        self.decisions: list[float] = []

    def cycle(self) -> str:
        began = time.perf_counter()
        taken = json.loads(self._ask(self.next))
        claimed = time.perf_counter()
        said = json.dumps({"claim_token": taken["claim"]["token"], "verdict": "approve"}).encode()
        self._ask(load.request(f"{self.prefix}{taken['item']['id']}/decide/", said, key=self.key))
        self.claims.append(claimed - began)
        self.decisions.append(time.perf_counter() - claimed)
        return str(taken["item"]["id"])

    def _ask(self, data: bytes) -> bytes:
        self.link.sendall(data)
        head, _, body = self._until(lambda got: b"\r\n\r\n" in got).partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body += self._until(lambda got: len(body) + len(got) >= length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"Answered {head[:100]!r} {body[:300]!r}.")
        return body

    def _until(self, is_whole: Callable[[bytes], bool]) -> bytes:
        got = b""
        while not is_whole(got):
            part = self.link.recv(1 << 20)
            if not part:
                raise RuntimeError("The server hung up.")
            got += part
        return got


def _round(clients: Sequence[Client]) -> tuple[float, list[str]]:
    """Cycles a second of all clients at once, and the items they decided."""
    done: list[str] = []

    def work(part: Sequence[bytes], _: list[float]) -> None:
        client = clients[int(part[0])]
        done.extend(client.cycle() for _ in range(CYCLES))
        _.append(0.0)

    began = time.perf_counter()
    load.side_by_side(work, [[str(place).encode()] for place in range(len(clients))], rows=CYCLES)
    return len(done) / (time.perf_counter() - began), done


def _cycles(system: System, count: int) -> list[Figure]:
    people = _reviewers(system, "http")
    ours, bare, decided = [], [], []
    with (
        load.served("governance.project.wsgi:application") as (port, server),
        load.served("benchmarks.bare_pair:application", threads=4) as (bare_port, bare_server),
    ):
        clients = [Client(port, "/api/v1/reviews/", b"{}", secret) for _, secret in people]
        limits = [Client(bare_port, "/", json.dumps({"person": n}).encode()) for n in range(CLIENTS)]
        cpu = [0.0, 0.0]
        for turn in range(ROUNDS + 1):
            for place, (group, rates, root) in enumerate(((clients, ours, server), (limits, bare, bare_server))):
                before = load.cpu_of(root)
                rate, items = _round(group)
                if turn:
                    rates.append(rate)
                    cpu[place] += load.cpu_of(root) - before
                else:
                    for client in group:
                        client.claims.clear()
                        client.decisions.clear()
                if group is clients:
                    decided += items
    if len(decided) != len(set(decided)):
        raise RuntimeError("An item was decided twice.")
    done = ROUNDS * CLIENTS * CYCLES
    against = f"two bare views, {CLIENTS} clients"
    slowest = [_p99([t for c in clients for t in getattr(c, kind)]) * 1e3 for kind in ("claims", "decisions")]
    return [
        Figure(
            "claim + decide over HTTP", statistics.median(ours), statistics.median(bare), "/s", count, against, 0.40
        ),
        Figure("web CPU of a cycle", cpu[0] / done * 1e3, cpu[1] / done * 1e3, "ms", done, against),
        Figure("claim, slowest percent", slowest[0], 100.0, "ms", done, "the demand", at_most=1.0),
        Figure("decide, slowest percent", slowest[1], 100.0, "ms", done, "the demand", at_most=1.0),
    ]


def _growth(small: System, large: System, few: int, count: int) -> list[Figure]:
    """The slowest percent of a claim in a short queue and in a long one, interleaved, through the verb."""
    desks = [(system, _reviewers(system, "verb", 1)[0][0]) for system in (small, large)]
    times: dict[str, list[float]] = {small.slug: [], large.slug: []}
    for turn in range(min(few, 800)):
        for system, actor in desks:
            began = time.perf_counter()
            claim = queue.claim_next(actor)
            took = time.perf_counter() - began
            if claim is None:
                raise RuntimeError(f"{system.slug} is empty.")
            queue.release(actor, claim.item, claim.token)
            if turn >= 50:
                times[system.slug].append(took)
    p99 = {slug: _p99(taken) * 1e3 for slug, taken in times.items()}
    return [
        Figure(f"claim from {count:,} open, slowest percent", p99["large"], p99["small"], "ms", count,
               f"the same from {few:,}", at_most=1.3)
    ]  # fmt: skip


def _at_the_desk(system: System, count: int) -> list[Figure]:
    """Server time of deciding and the next card, from the long queue."""
    reviewer = accounts.create(
        f"desk-{system.slug}@example.org", name="Desk", by=CONSOLE, roles=[("reviewer", system)]
    )  # fmt: skip
    times = [took for took, _ in pages.cards_of(reviewer)]
    what = f"decide and next card, p95 with {count:,} open"
    return [Figure(what, pages.p95(times), 60.0, "ms", len(times), "demanded", at_most=1.0)]


def _snapshot(system: System, claims: int) -> list[Figure]:
    """Time in the database of a claim, at first and after so many, while a snapshot is held open elsewhere."""
    actors_ = [actor for actor, _ in _reviewers(system, "snap", 64)]
    holder = connections.create_connection("default")
    holder.set_autocommit(False)
    with holder.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM reviews_queue")
    marks.forget()
    taken = [_claim_and_close(actors_[number % len(actors_)]) for number in range(claims)]
    holder.rollback()
    holder.close()
    part = max(claims // 20, 50)
    first, last = statistics.mean(taken[:part]) * 1e6, statistics.mean(taken[-part:]) * 1e6
    return [Figure("claim under a held snapshot, mean", last, first, "µs", claims, "the first of them", at_most=2.0)]


def _claim_and_close(actor: Actor) -> float:
    began = time.perf_counter()
    claim = queue.claim_next(actor)
    took = time.perf_counter() - began
    if claim is None:
        raise RuntimeError("The queue is empty.")
    # Closing without the rest of a decision: what grows is the index, and it grows by this.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviews_seat SET closed_at = now(), claimed_by_id = NULL, claim_token = NULL, "
            "claim_expires_at = NULL, entry_id = (SELECT entry_id FROM reviews_item WHERE id = item_id) WHERE id = %s",
            [claim.seat],
        )
    return took


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]
