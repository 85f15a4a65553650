"""What strikes. Each fault is over when its function returns; what died is started again by the program itself."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psutil
import psycopg
import redis
from celery import Celery
from kombu.exceptions import KombuError

from governance.project import embedded
from tests.faults.site import PROJECT, Site

Fault = Callable[[Site, random.Random], None]

TASKS = (
    ("reviews.routing.tasks.route_waiting", "route"), ("reviews.routing.tasks.keep_time", "route"),
    ("reviews.delivery.tasks.deliver_due", "deliver"),
)  # fmt: skip
_OURS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'countersign' AND pid <> pg_backend_pid()"


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def web_worker(site: Site, dice: random.Random) -> None:
    """kill -9 of a process that answers requests."""
    _kill([worker for web in site.children("granian") for worker in web.children()][:1])


def celery_parent(site: Site, dice: random.Random) -> None:
    """kill -9 of the worker's first process."""
    _kill(site.children("celery", "worker"))


def celery_child(site: Site, dice: random.Random) -> None:
    """kill -9 of a process in the middle of a task."""
    children = [child for worker in site.children("celery", "worker") for child in worker.children()]
    _kill(dice.sample(children, min(1, len(children))))


def scheduler(site: Site, dice: random.Random) -> None:
    """kill -9 of the scheduler."""
    _kill(site.children("celery", "beat"))


def sealer(site: Site, dice: random.Random) -> None:
    """kill -9 of the sealer."""
    _kill(site.children("seal"))


def second_scheduler(site: Site, dice: random.Random) -> None:
    """A second scheduler, for six seconds."""
    command = [sys.executable, "-m", "celery", "--app", "governance.project.celery", "--quiet", "beat", "--scheduler",
               "governance.project.beat:Steady", "--pidfile", ""]  # fmt: skip
    second = subprocess.Popen(command, cwd=PROJECT, env=site.environment, stdout=site.log, stderr=site.log)
    time.sleep(6)
    second.kill()
    second.wait()


def backend(site: Site, dice: random.Random) -> None:
    """kill -9 of one connection's process: PostgreSQL ends all the others and recovers."""
    with site.database() as link:
        pids = [row[0] for row in link.execute(_OURS).fetchall()]
    if pids:
        os.kill(dice.choice(pids), signal.SIGKILL)


def postmaster(site: Site, dice: random.Random) -> None:
    """kill -9 of PostgreSQL."""
    os.kill(site.server("postgres"), signal.SIGKILL)


def connections_lost(site: Site, dice: random.Random) -> None:
    """Every connection to PostgreSQL is cut, wherever its transaction stands."""
    with site.database() as link:
        link.execute(f"SELECT pg_terminate_backend(pid) FROM ({_OURS}) p")


def statements_cancelled(site: Site, dice: random.Random) -> None:
    """Whatever runs is cancelled, again and again for two seconds, as a statement timeout does."""
    with site.database() as link:
        for _ in range(40):
            link.execute(f"SELECT pg_cancel_backend(pid) FROM ({_OURS} AND state = 'active') p")
            time.sleep(0.05)


def statement_timeouts(site: Site, dice: random.Random) -> None:
    """A statement may take 30 ms for three seconds, while rows that all want are locked for longer."""
    with site.database() as link, _set(link, "statement_timeout = '30ms'"):
        link.execute("SET statement_timeout = 0")
        for _ in range(5):
            with link.transaction():
                for table in ("reviews_seat", "reviews_item", "governance_output"):
                    link.execute(f"SELECT FROM {table} ORDER BY id DESC LIMIT 300 FOR UPDATE")
                time.sleep(0.4)
            time.sleep(0.1)


def serialization_failures(site: Site, dice: random.Random) -> None:
    """Transactions see one snapshot for three seconds, while another one writes the rows they want and commits."""
    with site.database() as link, _set(link, "default_transaction_isolation = 'repeatable read'"):
        until = time.monotonic() + 3
        while time.monotonic() < until:
            with contextlib.suppress(psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                link.execute("UPDATE reviews_seat SET is_for_lead = is_for_lead WHERE closed_at IS NULL")
                link.execute("UPDATE reviews_item SET round = round WHERE state <> 'closed'")
                link.execute("UPDATE governance_output SET revision = revision WHERE status = 'in_review'")


@contextlib.contextmanager
def _set(link: psycopg.Connection[Any], setting: str) -> Iterator[None]:
    """Every new connection to the database has the setting, and the old ones are cut so that they are new."""
    name = setting.partition(" ")[0]
    link.execute(f"ALTER DATABASE countersign SET {setting}")
    link.execute(f"SELECT pg_terminate_backend(pid) FROM ({_OURS}) p")
    try:
        yield
    finally:
        link.execute(f"ALTER DATABASE countersign RESET {name}")
        link.execute(f"SELECT pg_terminate_backend(pid) FROM ({_OURS}) p")


def commits_unanswered(site: Site, dice: random.Random) -> None:
    """For four seconds every second answer that a transaction is over is lost, and the connection with it."""
    site.database_line.dice, site.database_line.loses = dice, 0.5
    time.sleep(4)
    site.database_line.loses = 0.0


def broker_gone(site: Site, dice: random.Random) -> None:
    """Nobody is there where the broker was, for six seconds."""
    site.broker_line.go()
    time.sleep(6)
    site.broker_line.come_back()


def clock_stepped(site: Site, dice: random.Random) -> None:
    """The clock of every process of the program is an hour wrong for eight seconds, and then right again."""
    site.set_clock(dice.choice((3600, -3600)))
    time.sleep(8)
    site.set_clock(0)


def disk_full(site: Site, dice: random.Random) -> None:
    """There is no room for the write-ahead log, for five seconds and until PostgreSQL has noticed."""
    site.fill_wal()
    try:
        with contextlib.suppress(psycopg.Error), site.database() as link:
            link.execute(
                "CREATE TABLE IF NOT EXISTS junk AS SELECT repeat(md5(n::text), 60) FROM generate_series(1, 90000) n"
            )
        time.sleep(5)
    finally:
        site.empty_wal()
    site.look_after()
    with site.database() as link:
        link.execute("DROP TABLE IF EXISTS junk")


def deadlock(site: Site, dice: random.Random) -> None:
    """Rows of items, outputs and seats are locked in the wrong order, for three seconds each time."""
    with site.database() as link, contextlib.suppress(psycopg.errors.DeadlockDetected), link.transaction():
        for table in dice.sample(("governance_output", "reviews_seat", "reviews_item"), 3):
            link.execute(f"SELECT FROM {table} ORDER BY id DESC LIMIT 200 FOR UPDATE")
            time.sleep(1)


def redis_killed(site: Site, dice: random.Random) -> None:
    """kill -9 of Redis."""
    os.kill(site.server("redis"), signal.SIGKILL)


def redis_flushed(site: Site, dice: random.Random) -> None:
    """Redis loses everything."""
    with contextlib.suppress(redis.RedisError):
        site.redis().flushall()


def redis_paused(site: Site, dice: random.Random) -> None:
    """Redis hangs; for thirty seconds in one seed of ten."""
    pid = site.server("redis")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(30 if dice.random() < 0.1 else 5)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def redis_full(site: Site, dice: random.Random) -> None:
    """Redis has no memory left for five seconds."""
    with contextlib.suppress(redis.RedisError):
        link = site.redis()
        link.config_set("maxmemory-policy", "noeviction")
        link.config_set("maxmemory", 1)
        time.sleep(5)
        link.config_set("maxmemory", 0)


def messages_thrice(site: Site, dice: random.Random) -> None:
    """Every message of the broker three times, in another order."""
    sender = Celery(broker=embedded.addresses(site.home).redis, set_as_current=False)
    sent = [task for task in TASKS for _ in range(3)] * 3
    dice.shuffle(sent)
    # The broker may be gone at this moment, which is a fault of its own.
    with contextlib.suppress(OSError, redis.RedisError, KombuError):
        for name, queue in sent:
            sender.send_task(name, queue=queue, retry=False)
    sender.close()


FAULTS: tuple[Fault, ...] = (
    web_worker, celery_parent, celery_child, scheduler, sealer, second_scheduler, backend, postmaster, connections_lost,
    commits_unanswered, statements_cancelled, statement_timeouts, serialization_failures, deadlock, redis_killed,
    redis_flushed, redis_paused, redis_full, broker_gone, messages_thrice, clock_stepped, disk_full,
)  # fmt: skip
QUICK = (
    web_worker, celery_child, connections_lost, commits_unanswered, statements_cancelled, statement_timeouts,
    redis_flushed, messages_thrice,
)  # fmt: skip


def possible(site: Site) -> tuple[Fault, ...]:
    """What can be struck on this machine: the clock where there is a C compiler, the disk where one may mount."""
    can = {clock_stepped: site.has_own_clock, disk_full: site.has_small_wal}
    return tuple(fault for fault in FAULTS if can.get(fault, True))
