"""Signed notes: who signed is said by the signature and nothing else, and a doubtful note is refused whole."""

import base64

import pytest

from governance.evidence import merkle, note
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Key, NotVerified, Signer

TEXT = "log.example/one\n5\nAAAA\n"
ANNA, BERT = Signer.make("log.example/one"), Signer.make("log.example/one")
WITNESS = Signer.make("witness.example", note.WITNESS_KEY)


def test_a_note_is_opened_by_the_key_that_signed_it():
    opened = note.open(note.make(TEXT, [ANNA]), [ANNA.key])
    assert opened.text == TEXT
    assert list(opened.signed_by) == [ANNA.key]


def test_keys_and_signers_are_read_as_they_are_written():
    assert Key.parse(str(ANNA.key)) == ANNA.key
    assert Signer.parse(ANNA.as_text()) == ANNA
    assert Key.parse(str(WITNESS.key)) == WITNESS.key


def test_a_signature_by_a_stranger_is_passed_over_and_alone_is_worth_nothing():
    both = note.make(TEXT, [ANNA, BERT])
    assert list(note.open(both, [BERT.key]).signed_by) == [BERT.key]
    with pytest.raises(NotVerified, match="No trusted key"):
        note.open(note.make(TEXT, [ANNA]), [BERT.key])


def test_one_bad_signature_of_a_known_key_spoils_the_note():
    forged = note.make(TEXT, [ANNA]) + BERT.sign("another text\n")
    assert note.open(forged, [ANNA.key])
    with pytest.raises(NotVerified, match="not valid"):
        note.open(forged, [ANNA.key, BERT.key])


def test_a_changed_text_has_no_signature():
    with pytest.raises(NotVerified, match="not valid"):
        note.open(note.make(TEXT, [ANNA]).replace("\n5\n", "\n6\n"), [ANNA.key])


def test_a_witness_signs_the_time_at_which_it_looked():
    signed = note.make(TEXT, [ANNA]) + WITNESS.sign(TEXT, moment=1_800_000_000)
    assert list(note.open(signed, [WITNESS.key]).signed_by) == [WITNESS.key]
    ((_, signature, _),) = note.take_apart(TEXT + "\n" + WITNESS.sign(TEXT, moment=1_800_000_000))[1]
    assert WITNESS.key.verify(TEXT, signature[4:]) == 1_800_000_000
    late = signature[:4] + (1_900_000_000).to_bytes(8, "big") + signature[12:]
    with pytest.raises(NotVerified):
        note.open(TEXT + "\n" + note.line_of("witness.example", late), [WITNESS.key])


@pytest.mark.parametrize(
    "broken",
    [
        "", TEXT, TEXT + "\n", TEXT + "\n— x\n", TEXT + "\n- log.example/one AAAAAAAA\n", TEXT + "\n— a b AAAAAAAA\n",
        TEXT + "\n— a+b AAAAAAAA\n", TEXT + "\n— a AAAA\n", TEXT + "\n— a AAAAAAA\n", "a\r\n\n— a AAAAAAAA\n",
        note.make(TEXT, [ANNA])[:-1], note.make(TEXT, [ANNA]) * 2,
    ],
)  # fmt: skip
def test_what_is_not_a_note_is_refused(broken):
    with pytest.raises(NotVerified):
        note.open(broken, [ANNA.key])


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255 - 1])
def test_a_key_that_different_libraries_read_differently_is_no_key(y):
    with pytest.raises(NotVerified):
        Key("log.example/one", y.to_bytes(32, "little"))


def test_a_key_under_anothers_id_is_refused():
    name, _, data = str(ANNA.key).split("+", 2)
    with pytest.raises(NotVerified, match="does not belong"):
        Key.parse(f"{name}+00000000+{data}")


def test_a_checkpoint_is_read_as_it_is_written():
    head = Checkpoint("log.example/one", 5, merkle.root_of([bytes(32)] * 5))
    assert Checkpoint.parse(head.text) == head
    assert Checkpoint.parse(head.text + "an extension\n") == head


@pytest.mark.parametrize(
    ("size", "root"),
    [("05", bytes(32)), ("-1", bytes(32)), ("", bytes(32)), ("5", bytes(31)), ("\u0665", bytes(32)), ("5 ", bytes(32))],
)
def test_a_checkpoint_of_another_form_is_refused(size, root):
    with pytest.raises(ValueError, match="checkpoint"):
        Checkpoint.parse(f"log.example/one\n{size}\n{base64.b64encode(root).decode()}\n")
