"""What docs/ tells an operator and an auditor to type, typed: keys, a bundle taken elsewhere, a witness."""

import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from uuid_utils.compat import uuid7

from governance.evidence.record import record
from governance.models import Entry
from governance.people.actors import CONSOLE
from tests import cast

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def place(db: None, tmp_path: Path, settings: Any) -> Path:
    """An installation whose operator keeps the key in a file of his own."""
    cast.system()
    settings.EMBEDDED = False
    settings.SEALING_KEY_FILE, settings.SEALER_HOME = tmp_path / "log.key", tmp_path / "sealer"
    return tmp_path


def typed(*words: object) -> str:
    out = io.StringIO()
    call_command(*map(str, words), stdout=out)
    return out.getvalue()


def keys_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if "+" in line]


def test_a_key_is_made_once_replaced_in_two_steps_and_both_ways_are_evidence(place: Path) -> None:
    file = place / "log.key"
    (first,) = keys_in(typed("log_key", "new", file))
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="log_key add"):
        typed("log_key", "new", file)
    typed("seal", "--once")
    assert keys_in(typed("log_key", "show")) == [first]

    both = keys_in(typed("log_key", "add", file))
    assert both[0] == first
    record("tried", actor=CONSOLE, kind="key", id=uuid7())
    typed("seal", "--once")
    assert keys_in(typed("log_key", "show")) == both

    assert keys_in(typed("log_key", "retire", file)) == both[1:]
    record("tried", actor=CONSOLE, kind="key", id=uuid7())
    typed("seal", "--once")
    assert keys_in(typed("log_key", "show")) == both[1:]
    assert Entry.objects.filter(type="log_keys").count() == 3
    typed("verify_evidence")


def test_a_bundle_verifies_in_an_empty_folder_with_python_alone(place: Path) -> None:
    typed("log_key", "new", place / "log.key")
    typed("seal", "--once")
    (place / "auditor").mkdir()
    (place / "auditor" / "trusted").write_text(typed("log_key", "show"))
    said = typed("export_evidence", "--output", place / "auditor" / "log.zip", "--system", "digits")
    assert re.search(r"SHA-256 [0-9a-f]{64}", said)
    assert [path.name for path in (place / "auditor").iterdir() if path.name.startswith(".")] == []
    unpack = "import zipfile; zipfile.ZipFile('log.zip').extract('verify.py')"
    check = [sys.executable, "-I", "verify.py", "log.zip", "--trust", "trusted"]
    for words in ([sys.executable, "-I", "-c", unpack], check):
        done = subprocess.run(words, cwd=place / "auditor", env={}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--output", "log.zip", "--system", "nobody"], "no system nobody"),
        (["--output", "log.zip", "--from", "yesterday"], "yesterday is no day or moment"),
        (["--output", "missing/log.zip"], "cannot be written"),
    ],
)
def test_an_export_that_cannot_be_says_so_and_leaves_nothing(place: Path, words: list[str], sentence: str) -> None:
    typed("log_key", "new", place / "log.key")
    typed("seal", "--once")
    before = Entry.objects.count()
    words[1] = str(place / "out" / words[1])
    (place / "out").mkdir()
    with pytest.raises(CommandError, match=sentence):
        typed("export_evidence", *words)
    assert list((place / "out").iterdir()) == []
    assert Entry.objects.count() == before


def test_a_witness_on_its_own_signs_the_heads_of_the_log(place: Path, settings: Any) -> None:
    typed("log_key", "new", place / "log.key")
    typed("seal", "--once")
    (place / "trusted").write_text(typed("log_key", "show"))
    with a_witness(place) as (url, key):
        settings.WITNESSES = [f"{url} {key}"]
        assert ": signed" in typed("publish_checkpoint", "--witnesses")
        record("tried", actor=CONSOLE, kind="key", id=uuid7())
        typed("seal", "--once")
        assert ": signed" in typed("publish_checkpoint", "--witnesses")
    with a_witness(place) as (_, again):
        assert again == key


@contextmanager
def a_witness(place: Path) -> Iterator[tuple[str, str]]:
    """`manage.py witness` as a process of its own: its address and its key."""
    words = ["witness", "--trust", place / "trusted", "--folder", place / "witness", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "manage.py", *map(str, words)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            found = re.fullmatch(r"Witness of 1 log at (http://\S+)/ · (\S+)\n", said)
            assert found, said
            yield found[1], found[2]
            process.send_signal(signal.SIGINT)
            assert process.stdout.read() == "Stopped.\n"
            assert process.wait(30) == 0
        finally:
            process.kill()
