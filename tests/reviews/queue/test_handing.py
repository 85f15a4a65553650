"""Working together: a note goes with the item, a question blocks nothing, an answer comes back."""

import pytest

from governance.models import Entry, Payload
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from reviews import queue
from reviews.decisions import decide
from reviews.models import Note, Seat
from reviews.queue import handing, marks
from tests import cast
from tests.reviews.desk import check_constraints, desk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def in_hand(**columns):
    alice = cast.acting(cast.alice())
    desk(cast.system(), **columns)
    return alice, queue.claim_next(alice)


def test_an_item_is_handed_over_with_its_note():
    alice, claim = in_hand()
    bob = cast.bob()
    handing.hand_over(alice, claim.item, claim.token, to=bob, note="You know this customer.")
    check_constraints()
    assert queue.claim_next(alice) is None
    assert queue.claim_next(cast.acting(bob)).item == claim.item
    (read,) = handing.written_to(cast.acting(bob))
    assert (read.text, read.note.kind) == ("You know this customer.", "handed_over")
    leaf = bytes(Entry.objects.get(pk=read.note.entry_id).leaf)
    assert b"customer" not in leaf
    with pytest.raises(Conflict):
        decide(alice, item=claim.item, token=claim.token, verdict="approve")


def test_an_item_is_handed_only_to_somebody_who_may_judge_it():
    alice, claim = in_hand()
    with pytest.raises(NotAllowed):
        handing.hand_over(alice, claim.item, claim.token, to=cast.dana())
    with pytest.raises(NotAllowed):
        handing.hand_over(alice, claim.item, claim.token, to=cast.alice())
    with pytest.raises(Conflict):
        handing.hand_over(cast.acting(cast.bob()), claim.item, claim.token, to=cast.carol())


def test_a_question_blocks_nothing_and_its_answer_comes_back():
    alice, claim = in_hand()
    bob = cast.bob()
    question = handing.ask(alice, claim.item, to=bob, text="Seven or one?")
    (asked,) = handing.written_to(cast.acting(bob))
    assert asked.text == "Seven or one?"
    handing.answer(cast.acting(bob), question.pk, text="One.")
    assert not handing.written_to(cast.acting(bob))
    with pytest.raises(Conflict, match="already"):
        handing.answer(cast.acting(bob), question.pk, text="Seven.")
    assert [read.text for read in handing.written_to(alice)] == ["One."]
    decide(alice, item=claim.item, token=claim.token, verdict="approve")
    check_constraints()


def test_whoever_was_asked_is_no_second_reviewer():
    alice = cast.acting(cast.alice())
    desk(cast.system(routing={"default": {"queue": "general", "reviewers": 2}}))
    claim = queue.claim_next(alice)
    bob = cast.bob()
    handing.ask(alice, claim.item, to=bob, text="What do you think?")
    assert queue.claim_next(cast.acting(bob)) is None
    assert queue.claim_next(cast.acting(cast.carol())).item == claim.item
    assert Seat.objects.filter(barred__contains=[bob.pk]).count() == 1


def test_a_blind_item_is_answered_alone():
    alice, claim = in_hand(purpose="audit")
    with pytest.raises(NotAllowed, match="alone"):
        handing.ask(alice, claim.item, to=cast.bob(), text="?")


def test_notes_are_for_those_who_write_and_are_written_to_and_for_leads():
    alice, claim = in_hand()
    handing.ask(alice, claim.item, to=cast.bob(), text="Seven or one?")
    assert len(handing.notes_of(cast.acting(cast.carol()), claim.item)) == 1
    assert not handing.notes_of(cast.acting(cast.person("dora", "reviewer")), claim.item)
    stranger = cast.person("rita", "reviewer", system=cast.system("elsewhere"))
    with pytest.raises(NotFound):
        handing.notes_of(cast.acting(stranger), claim.item)


@pytest.mark.parametrize("text", ["", "x" * 1001, "a\x00b"])
def test_a_question_is_a_text_of_some_length(text):
    alice, claim = in_hand()
    with pytest.raises(Invalid):
        handing.ask(alice, claim.item, to=cast.bob(), text=text)
    assert not Note.objects.exists()


def test_the_page_asks_answers_and_hands_over():
    _, claim = in_hand()
    bob = cast.bob()
    browser = cast.signed_in(cast.alice())
    where = f"/review/{claim.item}/notes/"
    assert browser.post(where, {"do": "ask", "to": str(bob.pk), "text": "<b>Seven?</b>"}).status_code == 302
    page = browser.get(where).content.decode()
    assert "&lt;b&gt;Seven?" in page
    theirs = cast.signed_in(bob)
    assert "asks you" in theirs.get("/queue/").content.decode()
    sent = {"do": "answer", "question": str(Note.objects.get().pk), "text": "One."}
    assert theirs.post(where, sent).status_code == 302
    sent = {"do": "hand", "to": str(bob.pk), "text": "Yours.", "token": str(claim.token)}
    assert browser.post(where, sent).status_code == 302
    assert queue.claim_held(cast.acting(cast.alice()), claim.item) is None
    assert Payload.objects.filter(name="note").count() == 3
