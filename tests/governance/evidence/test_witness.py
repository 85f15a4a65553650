"""Witnesses: they sign what only grew, remember it, and are the ones who tell when a log was rewritten."""

import base64
import threading
from contextlib import contextmanager

import pytest
from django.core import mail
from django.core.management import call_command
from uuid_utils.compat import uuid7

from governance.evidence import log, merkle, note, witness
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Signer
from governance.evidence.record import record
from governance.evidence.witness import Seat, Witness
from governance.management.commands.witness import serving, signer_of
from governance.models import Cosignature, LogCheckpoint
from governance.people.actors import CONSOLE
from tests.governance.evidence.sealing import Sealer

LOG = Signer.make("log.example/one")
LEAVES = [merkle.node(bytes(32), bytes([number] * 32)) for number in range(20)]


def subtree(height: int, index: int) -> bytes:
    return merkle.perfect_root(LEAVES[index << height : (index + 1) << height])


def head(size: int, leaves: list[bytes] = LEAVES) -> str:
    return note.make(Checkpoint(LOG.name, size, merkle.root_of(leaves[:size])).text, [LOG])


def asked(old: int, new: int) -> str:
    return witness.request_of(old, merkle.consistency_proof(old, new, subtree) if old else [], head(new))


@pytest.fixture
def seat(tmp_path) -> Seat:
    return Seat(tmp_path / "seat", signer_of(tmp_path / "seat", "witness.example"), [LOG.key])


def test_it_signs_a_log_that_grew_and_remembers_it_across_a_restart(seat, tmp_path):
    first = seat.add_checkpoint(asked(0, 5))
    assert first.status == 200
    assert note.open(head(5) + first.text, [seat.signer.key]).signed_by
    again = Seat(tmp_path / "seat", signer_of(tmp_path / "seat", "witness.example"), [LOG.key])
    assert again.signer == seat.signer
    assert again.add_checkpoint(asked(5, 13)).status == 200
    assert again.add_checkpoint(asked(13, 13)).status == 200


def test_it_says_what_it_has_seen_to_whoever_remembers_otherwise(seat):
    seat.add_checkpoint(asked(0, 5))
    answer = seat.add_checkpoint(asked(0, 13))
    assert (answer.status, answer.text, answer.kind) == (409, "5\n", "text/x.tlog.size")


def test_it_signs_no_log_that_was_rewritten_even_by_whoever_has_the_key(seat):
    seat.add_checkpoint(asked(0, 5))
    forged = [LEAVES[1], LEAVES[0], *LEAVES[2:]]
    proof = merkle.consistency_proof(5, 13, lambda h, i: merkle.perfect_root(forged[i << h : (i + 1) << h]))
    assert seat.add_checkpoint(witness.request_of(5, proof, head(13, forged))).status == 422
    assert seat.add_checkpoint(witness.request_of(5, [], head(5, forged))).status == 409
    assert seat.add_checkpoint(asked(5, 13)).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400), ("old 05\n\n" + head(5), 400), ("old 0\n\nnothing", 400), ("older 0\n\n" + head(5), 400),
        ("old 0\n" + "AAAA\n" * 64 + "\n" + head(5), 400), ("old 0\n!\n\n" + head(5), 400),
        ("old 0\n" + base64.b64encode(bytes(32)).decode() + "\n\n" + head(5), 422), ("old 6\n\n" + head(5), 400),
        (asked(0, 5).replace(LOG.name, "log.example/two"), 404), (asked(0, 5).replace("\n5\n", "\n6\n"), 403),
    ],
)  # fmt: skip
def test_it_refuses_what_is_not_a_request_of_a_log_that_it_knows(seat, body, status):
    assert seat.add_checkpoint(body).status == status


def test_two_requests_at_once_do_not_let_it_sign_two_histories(tmp_path):
    forged = [LEAVES[1], LEAVES[0], *LEAVES[2:]]
    signer, answers = signer_of(tmp_path, "witness.example"), []

    def ask(leaves: list[bytes]) -> None:
        answers.append(
            Seat(tmp_path, signer, [LOG.key]).add_checkpoint(witness.request_of(0, [], head(5, leaves))).status
        )

    threads = [threading.Thread(target=ask, args=[leaves]) for leaves in (LEAVES, forged) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7


@contextmanager
def served(seat: Seat):
    with serving(seat, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Witness(f"http://127.0.0.1:{server.server_port}", seat.signer.key)
        finally:
            server.shutdown()


@pytest.fixture
def sealer(db, tmp_path) -> Sealer:
    sealer = Sealer(tmp_path / "sealer")
    record("tried", actor=CONSOLE, kind="key", id=uuid7())
    sealer.all()
    return sealer


def test_the_log_asks_its_witness_and_hands_the_cosignature_out(sealer, tmp_path):
    with served(Seat(tmp_path / "w", signer_of(tmp_path / "w", "witness.example"), sealer.keys)) as outside:
        assert witness.ask_all([outside]) == {outside.url: "signed"}
        assert witness.ask_all([outside]) == {outside.url: "signed before"}
        for _ in range(300):
            record("tried", actor=CONSOLE, kind="key", id=uuid7())
        sealer.all()
        assert witness.ask_all([outside]) == {outside.url: "signed"}
        signed = log.note_of(LogCheckpoint.objects.order_by("-size").first())
        assert set(note.open(signed, [*sealer.keys, outside.key]).signed_by) == {*sealer.keys, outside.key}
    assert witness.ask(outside, LogCheckpoint.objects.order_by("size").first()) == "signed before"
    assert Cosignature.objects.count() == 2


def test_a_witness_that_has_seen_more_tells_that_the_log_was_set_back(sealer, tmp_path):
    seat = Seat(tmp_path / "w", signer_of(tmp_path / "w", "witness.example"), sealer.keys)
    longer = note.make(Checkpoint(sealer.origin, 50, bytes(32)).text, sealer.signers)
    assert seat.add_checkpoint(witness.request_of(0, [], longer)).status == 200
    with served(seat) as outside:
        assert "set back" in witness.ask_all([outside])[outside.url]


def test_a_witness_that_is_not_there_or_refuses_is_told_and_nothing_is_kept(sealer, tmp_path):
    stranger = Seat(tmp_path / "w", signer_of(tmp_path / "w", "witness.example"), [LOG.key])
    with served(stranger) as outside:
        assert witness.ask_all([outside])[outside.url].startswith("refused (404)")
    assert "not reached" in witness.ask_all([outside])[outside.url]
    assert not Cosignature.objects.exists()


def test_the_daily_head_goes_to_a_folder_and_by_mail(sealer, tmp_path):
    call_command("publish_checkpoint", "--folder", str(tmp_path / "heads"), "--email", "ruth@example.org")
    (kept,) = (tmp_path / "heads").iterdir()
    assert note.open(kept.read_text(), sealer.keys)
    assert mail.outbox[0].to == ["ruth@example.org"]
    assert mail.outbox[0].attachments[0][1] == kept.read_text()
