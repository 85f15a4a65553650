"""Bundles: one file that proves itself, on a machine that has nothing but Python."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from governance.evidence import bundle, verifier
from governance.evidence.bundle import Selection
from governance.evidence.note import Signer
from governance.evidence.record import record
from governance.models import Entry, Output
from governance.people.actors import CONSOLE
from governance.refusals import Conflict
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sealer(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all(limit=20)
    return sealer


def test_a_whole_log_verifies_with_every_gate_run_again(sealer, tmp_path):
    report = archives.checked(archives.made(), tmp_path, sealer.keys)
    assert report["findings"] == []
    assert report["entries"] == Entry.objects.count()
    assert report["heads"] >= 2
    # What a model said that nobody let in is never asked about the rules.
    asked = Output.objects.exclude(rule="unknown-model").count()
    assert (report["counts"]["gates run again"], report["counts"]["judged"]) == (asked, Output.objects.count())
    assert "withheld" not in report["counts"]


def test_the_same_log_gives_the_same_bytes(sealer):
    both = [io.BytesIO(), io.BytesIO()]
    for file in both:
        bundle.write(file, Selection())
    assert both[0].getvalue() == both[1].getvalue()
    names = zipfile.ZipFile(both[0]).namelist()
    assert names == sorted(names)


@pytest.mark.parametrize(("payloads", "gates"), [("gate", "gates run again"), ("none", "not re-executed")])
def test_what_is_withheld_is_counted_and_never_hidden(sealer, tmp_path, payloads, gates):
    report = archives.checked(archives.made(payloads=payloads), tmp_path, sealer.keys)
    assert report["findings"] == []
    assert report["counts"]["withheld"] > 10
    assert report["counts"][gates] >= Output.objects.exclude(rule="unknown-model").count() - 1


def test_a_part_of_the_log_comes_with_all_that_it_cites(sealer, tmp_path):
    output = Output.objects.get(external_id="msg-1")
    members = archives.made(bundle.Selection(subjects=frozenset({output.pk})))
    report = archives.checked(members, tmp_path, sealer.keys)
    assert report["findings"] == []
    assert report["kind"] == "selection"
    told = {json.loads(content)["type"] for name, content in members.items() if name.startswith("entries/")}
    assert {"proposed", "approved", "activated", "judged", "routed", "claimed", "decided", "superseded"} <= told
    assert report["entries"] < Entry.objects.count()
    others = [str(pk) for pk in Output.objects.exclude(pk=output.pk).values_list("pk", flat=True)]
    assert not any(other in content.decode(errors="replace") for other in others for content in members.values())


def test_a_span_of_time_and_a_system_can_be_chosen(sealer, tmp_path):
    system = Output.objects.first().system_id
    now = datetime.now(UTC)
    within = archives.made(Selection(now - timedelta(hours=1), now + timedelta(hours=1), system))
    assert archives.checked(within, tmp_path, sealer.keys)["findings"] == []
    nothing = archives.made(Selection(since=now + timedelta(hours=1)))
    assert archives.checked(nothing, tmp_path, sealer.keys)["entries"] == 0


def test_nothing_is_handed_out_before_anything_is_sealed(db):
    with pytest.raises(Conflict, match="Nothing is sealed"):
        bundle.write(io.BytesIO(), Selection())


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Python with nothing but its own library."""
    command = [sys.executable, "-I", "-S", "verify.py", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={})


@pytest.fixture
def desk(sealer, tmp_path) -> Path:
    """An auditor's clean directory: the bundle, verify.py out of it, and the key that came another way."""
    folder = tmp_path / "desk"
    folder.mkdir()
    members = archives.made()
    archives.kept(members, folder / "log.zip")
    archives.kept(archives.made(payloads="gate"), folder / "short.zip")
    (folder / "verify.py").write_bytes(members["verify.py"])
    (folder / "key.txt").write_text("# from the notary\n" + str(sealer.keys[0]) + "\n")
    return folder


def test_the_file_in_the_bundle_verifies_it_with_python_alone(desk):
    done = run("log.zip", "--trust", "key.txt", cwd=desk)
    assert done.returncode == 0, done.stdout + done.stderr
    # Without the library for patterns nothing is lost here: no condition of this policy asks for one.
    assert done.stdout.endswith("VERIFIED\n")


def test_exit_codes_say_what_was_found(desk):
    untrusted = run("log.zip", cwd=desk)
    assert (untrusted.returncode, "UNTRUSTED KEY" in untrusted.stdout) == (2, True)
    assert run("short.zip", "--trust", "key.txt", cwd=desk).returncode == 0
    short = run("short.zip", "--trust", "key.txt", "--require-payloads", cwd=desk)
    assert (short.returncode, "UNDECIDED" in short.stdout) == (2, True)
    assert run("key.txt", "--trust", "key.txt", cwd=desk).returncode == 3
    assert run("nothing.zip", cwd=desk).returncode == 3
    assert run("log.zip", "--trust", "log.zip", cwd=desk).returncode == 3
    assert run("log.zip", "--colour", cwd=desk).returncode == 3
    assert run(cwd=desk).returncode == 3
    told = json.loads(run("log.zip", "--trust", "key.txt", "--json", cwd=desk).stdout)
    assert (told["exit"], told["findings"]) == (0, [])


def test_it_is_one_file_of_the_standard_library_that_fits_an_hour():
    text = (PROJECT / "governance/evidence/verifier.py").read_text()
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 950
    imported = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names
    for package in ("governance", "governance/evidence"):
        assert "import" not in (PROJECT / package / "__init__.py").read_text()


def test_watching_remembers_and_demands_that_the_log_only_grew(sealer, desk):
    arguments = ("--trust", "key.txt", "--state", "seen.txt")
    assert run("watch", "log.zip", *arguments, cwd=desk).returncode == 0
    first = (desk / "seen.txt").read_text()
    record("tried", actor=CONSOLE, kind="key", id=uuid7())
    sealer.all()
    archives.kept(archives.made(), desk / "later.zip")
    assert run("watch", "later.zip", *arguments, cwd=desk).returncode == 0
    assert (desk / "seen.txt").read_text() != first
    shrunk = run("watch", "log.zip", *arguments, cwd=desk)
    assert (shrunk.returncode, "shrank" in shrunk.stdout) == (1, True)
    assert run("watch", "log.zip", "--trust", "key.txt", cwd=desk).returncode == 3


def test_its_keys_are_those_of_the_product():
    signer = Signer.make("log.example/one")
    ((name, id, public),) = verifier.parse_keys(str(signer.key))
    assert (name, id, public) == (signer.key.name, signer.key.id, signer.key.public)
