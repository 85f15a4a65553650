"""PostgreSQL and writers are killed without warning while two sealers work: nothing is lost, nothing twice, no gap.

COUNTERSIGN_CRASHES sets how often the server dies (twelve is what is promised; a run has three), COUNTERSIGN_CRASH_SEED
who dies with it and how long the load lasts before. The figures are printed: `pytest -s`.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.project import embedded
from governance.project.embedded import home as homes

PROJECT = Path(__file__).resolve().parents[3]
OURS = ("DATABASE", "REDIS", "COUNTERSIGN", "DJANGO", "SECRET_KEY", "PROMETHEUS", "PYTEST", "PORT")
CRASHES = int(os.environ.get("COUNTERSIGN_CRASHES", "3"))
SEED = int(os.environ.get("COUNTERSIGN_CRASH_SEED", "20261124"))
WRITER = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "governance.project.settings"
django.setup()
from django.db import InterfaceError, OperationalError, connection, transaction
from uuid_utils.compat import uuid7
from governance.evidence.record import draft, subject, write
from governance.people.actors import CONSOLE
while True:
    try:
        drafts = [draft("tried", actor=CONSOLE, subject=subject("key", uuid7())) for _ in range(7)]
        with transaction.atomic():
            write(drafts)
    except (OperationalError, InterfaceError):
        connection.close()
        continue
    print(*[each.id for each in drafts], sep="\\n", flush=True)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """An installation of its own whose PostgreSQL waits for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-crash-"))
    folder.chmod(0o755)
    with embedded.ensure(folder / "home", redis=False):
        yield folder / "home"
    shutil.rmtree(folder)


def environment(home: Path) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    return plain | {"COUNTERSIGN_HOME": str(home), "PYTHONPATH": str(PROJECT)}


def manage(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment(home), capture_output=True, text=True)


def writer(home: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("a") as stream, log.with_suffix(".errors").open("a") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", WRITER], cwd=PROJECT, env=environment(home), stdout=stream, stderr=errors
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_nothing_sealed_twice_and_there_is_no_gap(home, tmp_path):
    dice = random.Random(SEED)
    migrated = manage(home, "migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    logs = [tmp_path / f"writer-{number}" for number in range(2)]
    writers = [writer(home, log) for log in logs]
    sealers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "seal"], cwd=PROJECT, env=environment(home), stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        dead = 0
        for crash in range(CRASHES):
            written(logs, beyond=len(told_in(logs)) + 100)
            time.sleep(dice.random() * 4 if CRASHES < 6 else 10 + dice.random() * 4)
            dead = kill_server(home, besides=dead)
            if crash % 2 == 0:
                place = dice.randrange(2)
                writers[place].kill()
                writers[place].wait()
                writers[place] = writer(home, logs[place])
        written(logs, beyond=len(told_in(logs)) + 100)
        assert [sealer.poll() for sealer in sealers] == [None, None]
    finally:
        for process in (*writers, *sealers):
            process.kill()
            process.wait()
    told = told_in(logs)
    assert manage(home, "seal", "--once").returncode == 0
    entries, heads = check(home, told)
    print(f"\nSeed {SEED}: {CRASHES} crashes; {len(told)} entries acknowledged, {entries} sealed under {heads} heads.")


def told_in(logs: list[Path]) -> list[str]:
    """The ids of the entries whose commit was answered."""
    return [line for log in logs for line in log.read_text().splitlines()]


def written(logs: list[Path], *, beyond: int) -> None:
    """Waits until the writers have had more answers than that: the server is up again, whatever the machine does."""
    deadline = time.monotonic() + 120
    while len(told_in(logs)) <= beyond:
        assert time.monotonic() < deadline, "the writers get no more answers"
        time.sleep(0.1)


def kill_server(home: Path, *, besides: int) -> int:
    """Kills the running server, which is not the one that was killed `besides` it; its process id."""
    deadline = time.monotonic() + 60
    while (server := homes.state(home, "postgres").get("server", besides)) == besides:
        assert time.monotonic() < deadline, "no new server is told of"
        time.sleep(0.1)
    os.kill(server, signal.SIGKILL)
    return int(server)


def check(home: Path, told: list[str]) -> tuple[int, int]:
    """Every entry whose commit was answered is sealed once, places have no gap, and every head is a beginning. How many
    entries and heads there are."""
    done = manage(home, "verify_evidence", "--json")
    report = json.loads(done.stdout)
    assert (report["findings"], report["pending"]) == ([], 0), done.stderr
    asked = manage(
        home, "shell", "--verbosity", "0", "-c",
        "from governance.models import LogCheckpoint, Sealed; print(LogCheckpoint.objects.count());"
        "print('\\n'.join(str(e) for e in Sealed.objects.order_by('index').values_list('entry_id', flat=True)))",
    )  # fmt: skip
    sealed = [line for line in asked.stdout.split() if len(line) == 36]
    assert len(sealed) == len(set(sealed)) == report["entries"]
    assert set(told) <= set(sealed)
    return report["entries"], int(asked.stdout.split()[0])
