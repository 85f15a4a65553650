"""Sealing: each entry gets one place, causes come first, and the sealer never signs two histories."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from uuid_utils.compat import uuid7

from governance.evidence import keys, log, merkle, note, seal, tiles
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Signer
from governance.evidence.record import draft, record, subject, write
from governance.models import Entry, LogCheckpoint, LogHead, LogKey, LogTile, PendingEntry, Sealed
from governance.people.actors import CONSOLE
from tests.governance.evidence import journey
from tests.governance.evidence.sealing import Sealer

PROJECT = Path(__file__).resolve().parents[3]


def write_some(count: int) -> None:
    write([draft("tried", actor=CONSOLE, subject=subject("key", uuid7())) for _ in range(count)])


@pytest.fixture
def sealer(db, tmp_path) -> Sealer:
    return Sealer(tmp_path)


def hashes_in_order() -> list[bytes]:
    order = Sealed.objects.order_by("index").values_list("entry__leaf_hash", flat=True)
    return [bytes(found) for found in order]


def test_what_waits_gets_consecutive_places_and_a_signed_head(sealer):
    write_some(5)
    sealed = sealer.once()
    assert (sealed.count, sealed.size, PendingEntry.objects.count()) == (6, 6, 0)  # the entry about the key too
    head = Checkpoint.parse(note.open(sealed.note, sealer.keys).text)
    assert head == Checkpoint(sealer.origin, 6, merkle.root_of(hashes_in_order()))
    assert list(Sealed.objects.order_by("index").values_list("index", flat=True)) == [*range(6)]
    assert sealer.once() is None


def test_the_log_grows_by_batches_and_every_head_follows_from_the_one_before(sealer):
    write_some(700)
    assert sealer.all(limit=97) == 701
    leaves = hashes_in_order()
    heads = list(LogCheckpoint.objects.order_by("size"))
    assert len(heads) == 8
    for head in heads:
        assert bytes(head.root) == merkle.root_of(leaves[: head.size])
    assert sorted(LogTile.objects.values_list("level", "number")) == [(0, 0), (0, 1)]
    now = log.head()
    proof = merkle.consistency_proof(heads[2].size, now.size, log.tree(now))
    assert merkle.is_consistent(heads[2].size, now.size, bytes(heads[2].root), now.root, proof)


def test_every_entry_of_a_real_history_has_a_proof_and_stands_behind_its_causes(sealer, settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer.all(limit=10)
    place = {}
    for index, leaf in enumerate(log.entries(0, log.head().size)):
        said = json.loads(leaf)
        assert all(cause in place for cause in said["causes"]), said
        assert said["subject"]["prev"] is None or said["subject"]["prev"] in place
        place[merkle.hashlib.sha256(b"\0" + leaf).hexdigest()] = index
    for entry in Entry.objects.all():
        proof = log.prove(entry.pk)
        head = Checkpoint.parse(note.open(proof.note, sealer.keys).text)
        assert merkle.includes(bytes(entry.leaf_hash), proof.index, head.size, proof.path, head.root)


def test_tiles_and_bundles_are_what_the_heads_are_made_of(sealer):
    write_some(600)
    sealer.all()
    assert tiles.split(log.tile(0, 1, 256)) == hashes_in_order()[256:512]
    assert tiles.split(log.tile(0, 2, 89)) == hashes_in_order()[512:]
    assert log.tile(1, 0, 2) == b"".join(merkle.root_of(hashes_in_order()[at : at + 256]) for at in (0, 256))
    assert len(tiles.unbundle(log.entry_bundle(2, 89))) == 89


def test_an_entry_that_waits_has_no_proof_yet(sealer):
    assert log.prove(record("tried", actor=CONSOLE, kind="key", id=uuid7()).id) is None


@pytest.mark.parametrize("table", ["sealed", "logtile", "logcheckpoint", "loghead"])
@pytest.mark.parametrize("change", ["DELETE FROM governance_{}", "TRUNCATE governance_{} CASCADE"])
def test_what_is_sealed_stays(sealer, table, change):
    write_some(300)
    sealer.all()
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        connection.cursor().execute(change.format(table))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE governance_sealed SET index = index + 1000", "UPDATE governance_logtile SET hashes = '\\x00'",
        "UPDATE governance_logcheckpoint SET note = ''", "UPDATE governance_loghead SET size = size - 1",
        "UPDATE governance_loghead SET root = '\\x00'", "UPDATE governance_logkey SET since = now()",
    ],
)  # fmt: skip
def test_what_is_sealed_does_not_change(sealer, change):
    write_some(300)
    sealer.all()
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        connection.cursor().execute(change)


def test_there_are_never_two_heads_of_one_size(sealer):
    write_some(3)
    sealer.all()
    head = LogCheckpoint.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        LogCheckpoint.objects.create(size=head.size, root=bytes(32), note="")


def test_two_sealers_at_once_give_each_entry_one_place(committed_db, tmp_path):
    signer = [Signer.make(Sealer(tmp_path).origin)]
    write_some(400)
    sealers = [Sealer(tmp_path / name, signers=signer) for name in "ab"]
    failed: list[Exception] = []

    def work(one: Sealer) -> None:
        try:
            one.all(limit=7)
        except Exception as error:  # noqa: BLE001  told below, in the thread that asserts
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[one]) for one in sealers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(Sealed.objects.order_by("index").values_list("index", flat=True)) == [*range(401)]
    assert tiles.root(log.head().edge) == merkle.root_of(hashes_in_order())


def test_a_database_set_back_to_an_older_state_is_not_signed_again(committed_db, tmp_path):
    """The memory outside is what tells: here it comes from a sealer that has signed more than this database has."""
    sealer = Sealer(tmp_path)
    write_some(5)
    sealer.all()
    sealer.memory.write(Checkpoint(sealer.origin, 100, bytes(32)))
    write_some(1)
    with pytest.raises(seal.NotSealable, match="set back to an older state"):
        sealer.once()
    assert LogHead.objects.get().size == 6


def test_a_log_whose_beginning_is_another_is_not_signed(sealer):
    write_some(5)
    sealer.all()
    sealer.memory.write(Checkpoint(sealer.origin, 3, bytes(32)))
    write_some(1)
    with pytest.raises(seal.NotSealable, match="not those that were signed"):
        sealer.once()


def test_an_entry_that_was_taken_away_before_its_seal_stops_the_sealer(sealer):
    write_some(2)
    PendingEntry.objects.create(entry_id=uuid7())
    with pytest.raises(seal.NotSealable, match="taken it away"):
        sealer.once()


def test_a_log_of_another_name_is_not_signed(sealer, settings):
    write_some(1)
    sealer.all()
    write_some(1)
    settings.EVIDENCE_ORIGIN = "log.example/another"
    with pytest.raises(seal.NotSealable, match="COUNTERSIGN_ORIGIN"):
        seal.seal(sealer.signers, seal.Memory(sealer.memory.path.with_name("other"), "log.example/another"))


def test_a_change_of_keys_is_in_the_log_and_both_sign_meanwhile(sealer):
    write_some(1)
    sealer.all()
    old, new = sealer.signers[0], Signer.make(sealer.origin)
    sealer.signers = [old, new]
    assert set(note.open(sealer.once().note, [old.key, new.key]).signed_by) == {old.key, new.key}
    sealer.signers = [new]
    assert list(note.open(sealer.once().note, [new.key]).signed_by) == [new.key]
    changes = [json.loads(bytes(e.leaf))["detail"] for e in Entry.objects.filter(type="log_keys").order_by("rev")]
    assert [(len(c["added"]), len(c["retired"])) for c in changes] == [(1, 0), (1, 0), (0, 1)]
    assert LogKey.objects.get(retired_at=None).text == str(new.key)


def test_a_key_that_others_can_read_signs_nothing(tmp_path):
    path = tmp_path / "key"
    keys.make(path, origin="log.example/one")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    keys.make(path, origin="log.example/one")
    assert path.read_text() == before
    path.chmod(0o640)
    with pytest.raises(keys.Unsigned, match="read by others"):
        keys.read(path, origin="log.example/one")


def test_a_key_of_another_log_signs_nothing(tmp_path):
    keys.make(tmp_path / "key", origin="log.example/one")
    with pytest.raises(keys.Unsigned, match="carries its name"):
        keys.read(tmp_path / "key", origin="log.example/two")


def test_a_key_is_replaced_in_two_steps(tmp_path):
    path = tmp_path / "key"
    keys.make(path, origin="log.example/one")
    new = keys.add(path, origin="log.example/one")
    assert len(keys.read(path, origin="log.example/one")) == 2
    assert keys.keep_newest(path, origin="log.example/one") == new
    assert keys.read(path, origin="log.example/one") == [new]


def test_the_command_seals_what_waits(committed_db, committed_environment, tmp_path):
    write_some(3)
    keys.make(tmp_path / "key", origin=Sealer(tmp_path).origin)
    environment = committed_environment | {
        "COUNTERSIGN_SEALING_KEY_FILE": str(tmp_path / "key"), "COUNTERSIGN_HOME": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "manage.py", "seal", "--once"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "4 entries sealed."), done.stderr
    (tmp_path / "key").chmod(0o644)
    refused = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "read by others" in refused.stderr
