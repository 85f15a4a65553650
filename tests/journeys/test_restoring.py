"""A backup is restored for real: it verifies and work goes on; one older than what was signed is not signed on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, connections

from governance.contracts.values import MISSING
from governance.evidence import seal
from governance.models import Entry
from governance.people import actors, keys
from governance.people.actors import CONSOLE
from governance.project.embedded import postgres
from reviews import intake, queue
from reviews.decisions import decide
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.conftest import _administer
from tests.governance.evidence.sealing import Sealer

PROJECT = Path(__file__).parents[2]


@pytest.mark.journey
def test_a_restored_backup_verifies_and_an_older_one_is_not_signed_on(
    committed_db: str, committed_environment: dict[str, str], tmp_path: Path
) -> None:
    sealer = Sealer(tmp_path)
    _arrive("one", "two")
    sealer.all()
    _dump(tmp_path / "older")
    claim = queue.claim_next(cast.acting(cast.alice()))
    decide(cast.acting(cast.alice()), item=claim.item, token=claim.token, verdict="approve", output=MISSING)
    sealer.all()
    _dump(tmp_path / "newest")
    entries = Entry.objects.count()

    with _restored(tmp_path / "newest") as name:
        url = urlunsplit(urlsplit(committed_environment["DATABASE_URL"])._replace(path=f"/{name}"))
        done = subprocess.run(
            [sys.executable, "manage.py", "verify_evidence"], cwd=PROJECT, capture_output=True, text=True, check=False,
            env=committed_environment | {"DATABASE_URL": url},
        )  # fmt: skip
        assert (done.returncode, f"{entries:,} entries" in done.stdout) == (0, True), done.stdout + done.stderr
        assert queue.claim_next(cast.acting(cast.bob())) is not None
        assert sealer.all() > 0

    with _restored(tmp_path / "older"):
        queue.claim_next(cast.acting(cast.alice()))
        with pytest.raises(seal.NotSealable, match="set back to an older state"):
            sealer.once()


def _arrive(*names: str) -> None:
    """Outputs that wait for people, sent by a program."""
    system = cast.system()
    key, _ = keys.create("sender", system=system, scopes=["outputs:write"], by=CONSOLE)
    bodies = [
        {"system": system.slug, "external_id": name, "input": {}, "output": {"digit": 3}, "confidence": 0.5,
         "model": "reader", "model_version": "1"}
        for name in names
    ]  # fmt: skip
    intake.accept([intake.read(json.dumps(body).encode()) for body in bodies], system=system, actor=actors.key(key))
    while route_waiting():
        pass


def _dump(file: Path) -> None:
    _run("pg_dump", "--format=custom", f"--file={file}", dbname=str(connection.settings_dict["NAME"]))


@contextmanager
def _restored(file: Path) -> Iterator[str]:
    """The backup in a database of its own, to which the test is connected meanwhile."""
    was, name = str(connection.settings_dict["NAME"]), f"{connection.settings_dict['NAME']}_{file.name}"
    connections.close_all()
    _administer(f'CREATE DATABASE "{name}" TEMPLATE template0')
    connection.settings_dict["NAME"] = name
    try:
        _run("pg_restore", "--exit-on-error", str(file), dbname=name)
        yield name
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = was
        _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(program: str, *arguments: str, dbname: str) -> None:
    place = connection.settings_dict
    given = {"PGHOST": place["HOST"], "PGPORT": str(place["PORT"] or ""), "PGUSER": place["USER"],
             "PGPASSWORD": place["PASSWORD"]}  # fmt: skip
    environment = {**os.environ, **{name: value for name, value in given.items() if value}}
    command = [_program(program), f"--dbname={dbname}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _program(name: str) -> str:
    """The server's own: what a newer one restores, an older server may not know."""
    major = connection.ensure_connection() or connection.pg_version // 10_000
    for folder in (postgres._wheel() / "bin", Path(f"/usr/lib/postgresql/{major}/bin")):
        program = shutil.which(name, path=str(folder))
        if program and f" {major}." in subprocess.run([program, "--version"], capture_output=True, text=True).stdout:
            return program
    pytest.skip(f"there is no {name} of PostgreSQL {major} here")
