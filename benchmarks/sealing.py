"""The log: sealing beside COPY of the same bytes, verifying beside one SHA-256 an entry, writes beside bare ones."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure
from governance.evidence import bundle, seal, verifier
from governance.evidence.note import Signer
from governance.evidence.record import COLUMNS, Draft, Subject, draft
from governance.people.actors import CONSOLE

FULL, ROUNDS, CLIENTS, SECONDS = 1_000_000, 3, 16, 2.0
_BARE = (
    "CREATE TABLE {} (id uuid, at timestamptz, type text, subject_kind text, subject uuid, rev int, system uuid,"
    " leaf bytea)"
)


def bench(size: float) -> list[Figure]:
    """Entries a second, for ours and the limit beside it in each round; medians."""
    count = max(30_000, int(FULL * size)) // ROUNDS
    folder = Path(tempfile.mkdtemp(prefix="countersign-seal-"))
    signers = [Signer.make(settings.EVIDENCE_ORIGIN)]
    memory = seal.Memory(folder / "head", settings.EVIDENCE_ORIGIN)
    seal.acknowledge(signers, settings.EVIDENCE_ORIGIN)
    _sealed(signers, memory)
    with connection.cursor() as cursor:
        for table in ("bare", "bare_single"):
            cursor.execute(_BARE.format(table))
    ours, limit = [], []
    for _ in range(ROUNDS):
        drafts = _drafts(count)
        limit.append(count / _seconds(lambda made=drafts: _copied("bare", made)))
        _copied("governance_entry", drafts)
        began = time.perf_counter()
        found = _sealed(signers, memory)
        ours.append(found / (time.perf_counter() - began))
    return [
        Figure("sealing, batches of 5,000", statistics.median(ours), statistics.median(limit), "entries/s", count,
               "COPY of the same bytes into a bare table", at_least=0.25),
        *_verifying(folder, signers, count * ROUNDS),
        _single(),
    ]  # fmt: skip


def _verifying(folder: Path, signers: Sequence[Signer], count: int) -> list[Figure]:
    """A bundle of the whole log checked, in CPU seconds: a busy neighbour costs time, not work."""
    path = folder / "log.zip"
    with path.open("wb") as file:
        bundle.write(file, bundle.Selection(), payloads="none")
    keys = verifier.parse_keys(str(signers[0].key))
    opened = verifier.Bundle(path)
    size = opened.manifest["size"]
    leaves = [leaf for _, found, _ in verifier.entries_of(opened, size, verifier.Log(opened, "")) for leaf in found]
    plain, tree, whole = [], [], []
    for _ in range(ROUNDS):
        plain.append(size / _work(lambda: [hashlib.sha256(leaf).digest() for leaf in leaves]))
        tree.append(size / _work(lambda: _hashed(path, size)))
        whole.append(size / _work(lambda: verifier.verify(path, keys, lambda done, of: None)))
    limit = statistics.median(plain)
    said = "one SHA-256 an entry, CPU"
    return [
        Figure("a bundle: hashes and tree", statistics.median(tree), limit, "entries/s", size, said, at_least=0.40),
        Figure("a bundle: everything", statistics.median(whole), limit, "entries/s", size, said, at_least=0.04),
    ]  # fmt: skip


def _hashed(path: Path, size: int) -> bytes:
    opened = verifier.Bundle(path)
    found = verifier.entries_of(opened, size, verifier.Log(opened, ""))
    levels = verifier.tree_of(b"".join([joined for _, _, joined in found]))
    return verifier.root_at(
        size, verifier.subtree_of(lambda level, number: levels[level][number * 8192 : number * 8192 + 8192])
    )


def _single() -> Figure:
    """Durable writes of one entry each, from many clients at once, beside the same rows in a table without evidence."""
    ours, limit = [], []
    for _ in range(ROUNDS):
        limit.append(_writes("bare_single"))
        ours.append(_writes("governance_entry"))
    return Figure("single durable entries, 16 clients", statistics.median(ours), statistics.median(limit), "entries/s",
                  int(statistics.median(ours) * SECONDS), "a table without evidence", at_least=0.50)  # fmt: skip


def _writes(table: str) -> float:
    statement = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
    waiting = [_drafts(4_000) for _ in range(CLIENTS)]
    counts, together = [0] * CLIENTS, threading.Barrier(CLIENTS)

    def write(client: int) -> None:
        with psycopg.connect(settings.DATABASE_URL, autocommit=True, prepare_threshold=1) as link:
            together.wait()
            until = time.perf_counter() + SECONDS
            for made in waiting[client]:
                if time.perf_counter() > until:
                    return
                link.execute(statement, made.row())
                counts[client] += 1

    threads = [threading.Thread(target=write, args=[client]) for client in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _drafts(count: int) -> list[Draft]:
    """Entries of about a kilobyte, as verdicts are."""
    detail = {f"member_{number}": "x" * 60 for number in range(8)}
    return [draft("tried", actor=CONSOLE, subject=Subject("key", uuid7()), detail=detail) for _ in range(count)]


def _copied(table: str, drafts: Sequence[Draft]) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(drafts), seal.BATCH):
            with cursor.copy(f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                for made in drafts[start : start + seal.BATCH]:
                    copy.write_row(made.row())


def _sealed(signers: Sequence[Signer], memory: seal.Memory) -> int:
    count = 0
    while done := seal.seal(signers, memory):
        count += done.count
    return count


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _work(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began
