"""Where two people answer: second reviews, audits that find something wrong, and decisions put in another's place."""

import pytest
from django.db.models import F
from uuid_utils.compat import uuid7

from governance.models import Entry, Output
from governance.refusals import Conflict, NotAllowed, NotFound
from reviews import queue
from reviews.decisions import decide, history, supersede, undo
from reviews.decisions.cases import read_case
from reviews.decisions.deciding import MovedOn, decide_case
from reviews.models import Decision, Item, Seat
from reviews.queue import cards, marks
from reviews.queue.reviewers import reviewer
from tests import cast
from tests.reviews.desk import check_constraints, desk

pytestmark = pytest.mark.django_db
PAIR = {"default": {"queue": "general", "reviewers": 2}}
OVERRIDE = {"verdict": "override", "output": {"digit": 3}}


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


@pytest.fixture
def alice():
    return cast.acting(cast.alice())


@pytest.fixture
def bob():
    return cast.acting(cast.bob())


@pytest.fixture
def carol():
    return cast.acting(cast.carol())


def decided(actor, item: Item, **said):
    claim = queue.claim_item(actor, item.pk)
    done = decide(actor, item=item.pk, token=claim.token, **said)
    check_constraints()
    return done


def test_a_case_that_has_moved_on_is_read_again_and_never_written_as_it_was(alice, bob):
    (item,) = desk(cast.system(routing=PAIR))
    hers, his = queue.claim_item(alice, item.pk), queue.claim_item(bob, item.pk)
    read_before = read_case(reviewer(alice), item.pk, hers.token)
    decide(bob, item=item.pk, token=his.token, verdict="approve")
    with pytest.raises(MovedOn):
        decide_case(reviewer(alice), read_before, token=hers.token, **OVERRIDE)
    assert Decision.objects.count() == 1
    assert decide(alice, item=item.pk, token=hers.token, **OVERRIDE).item_state == "adjudication"
    assert types(item)[-2:] == ["decided", "decided"]
    check_constraints()


def finish(decision) -> None:
    """Lets the undo window pass."""
    Decision.objects.filter(pk=decision).update(final_at=F("decided_at"))


def output_of(item: Item) -> Output:
    return Output.objects.get(pk=item.output_id)


def types(item: Item) -> list[str]:
    return list(Entry.objects.filter(subject=item.output_id).order_by("rev").values_list("type", flat=True))


def test_nothing_is_resolved_before_both_have_judged(alice, bob):
    (item,) = desk(cast.system(routing=PAIR))
    first = decided(alice, item, verdict="approve")
    assert (first.item_state, output_of(item).status, output_of(item).label) == ("awaiting_second", "in_review", None)
    second = decided(bob, item, verdict="approve")
    output = output_of(item)
    assert (second.item_state, output.status, output.decision) == ("closed", "approved", second.decision)
    assert types(item) == ["judged", "decided", "decided"]


def test_nobody_gives_the_second_opinion_on_her_own(alice):
    (item,) = desk(cast.system(routing=PAIR))
    decided(alice, item, verdict="approve")
    assert queue.claim_next(alice) is None
    with pytest.raises(NotAllowed, match="somebody else gives the second opinion"):
        queue.claim_item(alice, item.pk)


def test_disagreement_goes_to_a_lead_who_sees_both_answers_without_names(alice, bob, carol):
    (item,) = desk(cast.system(routing=PAIR))
    decided(alice, item, verdict="approve")
    assert decided(bob, item, **OVERRIDE).item_state == "adjudication"
    assert output_of(item).status == "in_review"
    dave = cast.acting(cast.person("dave", "reviewer"))
    assert queue.claim_next(dave) is None
    claim = queue.claim_next(carol)
    assert (claim.item, claim.number) == (item.pk, 3)
    card = cards.card(claim)
    assert card["answers"] == [{"verdict": "approve", "output": None}, {"verdict": "override", "output": {"digit": 3}}]
    assert not {"Alice", "Bob"} & set(str(card).split())
    final = decide(carol, item=item.pk, token=claim.token, verdict="reject", reasons=["unreadable"])
    output = output_of(item)
    assert (final.item_state, output.status, output.decision) == ("closed", "rejected", final.decision)


def test_disagreement_goes_to_the_queue_above_where_there_is_one(alice, bob):
    routing = {**PAIR, "queues": {"general": {"escalates_to": "seniors"}, "seniors": {}}}
    system = cast.system(routing=routing)
    (item,) = desk(system)
    decided(alice, item, verdict="approve")
    decided(bob, item, **OVERRIDE)
    dave = cast.acting(cast.person("dave", "reviewer"))
    claim = queue.claim_next(dave, queue="seniors")
    assert (claim.item, claim.number) == (item.pk, 3)
    assert queue.claim_next(alice) is None


def test_until_the_round_closes_a_decision_is_hidden_from_whoever_could_sit_in_it(alice, bob, carol):
    (item,) = desk(cast.system(routing=PAIR))
    first = decided(alice, item, verdict="approve")
    owner = cast.acting(cast.dana())
    assert [d.pk for d in history.seen_by(alice)] == [first.decision]
    assert [d.pk for d in history.seen_by(owner)] == [first.decision]
    assert not history.seen_by(carol).exists()
    assert not history.seen_by(bob).exists()
    with pytest.raises(NotFound):
        undo(carol, first.decision)
    with pytest.raises(NotFound):
        supersede(carol, first.decision, verdict="approve")
    decided(bob, item, verdict="approve")
    assert history.seen_by(carol).count() == 2


def test_the_first_can_undo_until_the_second_has_decided(alice, bob):
    (item,) = desk(cast.system(routing=PAIR))
    first = decided(alice, item, verdict="approve")
    undo(alice, first.decision)
    assert Item.objects.get(pk=item.pk).state == "open"
    again = decided(alice, item, **OVERRIDE)
    second = decided(bob, item, **OVERRIDE)
    for who, decision in ((alice, again.decision), (bob, second.decision)):
        with pytest.raises(Conflict, match="Another reviewer has decided"):
            undo(who, decision)


def test_an_adjudication_can_be_undone(alice, bob, carol):
    (item,) = desk(cast.system(routing=PAIR))
    decided(alice, item, verdict="approve")
    decided(bob, item, **OVERRIDE)
    final = decided(carol, item, verdict="approve")
    claim = undo(carol, final.decision)
    check_constraints()
    assert (claim.number, Item.objects.get(pk=item.pk).state, output_of(item).status) == (
        3,
        "adjudication",
        "in_review",
    )


def test_an_audit_that_finds_it_right_changes_nothing_but_the_label(alice):
    (item,) = desk(cast.system(), purpose="audit")
    assert decided(alice, item, output={"digit": 7}).item_state == "closed"
    output = output_of(item)
    assert (output.status, output.resolved_by, output.label, output.correction) == ("released", "policy", True, None)


def test_an_audit_that_finds_it_wrong_counts_when_a_second_person_agrees(alice, bob):
    (item,) = desk(cast.system(), purpose="audit")
    assert decided(alice, item, output={"digit": 3}).item_state == "awaiting_second"
    assert (output_of(item).label, output_of(item).correction) == (None, None)
    assert queue.claim_next(alice) is None
    claim = queue.claim_next(bob)
    assert (claim.number, claim.is_blind, claim.state) == (2, True, "awaiting_second")
    second = decide(bob, item=item.pk, token=claim.token, output={"digit": 3})
    check_constraints()
    output = output_of(item)
    assert (output.status, output.label, output.correction) == ("released", False, second.decision)
    assert types(item) == ["judged", "decided", "decided", "corrected"]


def test_an_audit_on_which_two_disagree_is_adjudicated(alice, bob, carol):
    (item,) = desk(cast.system(), purpose="audit")
    decided(alice, item, output={"digit": 3})
    assert decided(bob, item, output={"digit": 7}).item_state == "adjudication"
    decided(carol, item, output={"digit": 7})
    assert (output_of(item).label, output_of(item).correction) == (True, None)


def test_undoing_a_wrong_on_an_audit_closes_the_second_seat_again(alice, bob):
    (item,) = desk(cast.system(), purpose="audit")
    first = decided(alice, item, output={"digit": 3})
    undo(alice, first.decision)
    assert queue.claim_next(bob) is None
    decided(alice, item, output={"digit": 4})
    assert queue.claim_next(bob).number == 2


def test_an_audit_that_is_held_is_resolved_by_the_person(alice):
    (item,) = desk(cast.system(audit={"rate": 0.05, "hold": True}), purpose="audit", held=True)
    assert decided(alice, item, output={"digit": 3}).item_state == "closed"
    output = output_of(item)
    assert (output.status, output.resolved_by, output.label, output.correction) == ("overridden", "person", False, None)


def test_a_superseding_decision_is_the_next_revision(alice, carol):
    (item,) = desk(cast.system())
    first = decided(alice, item, verdict="approve")
    with pytest.raises(Conflict, match="until then it can be undone"):
        supersede(alice, first.decision, **OVERRIDE)
    finish(first.decision)
    second = supersede(carol, first.decision, **OVERRIDE)
    check_constraints()
    output = output_of(item)
    assert (output.status, output.revision, output.decision, output.label) == ("overridden", 2, second.decision, False)
    made = Decision.objects.get(pk=second.decision)
    assert (made.supersedes_id, made.final_at) == (first.decision, made.decided_at)
    assert list(Decision.objects.standing()) == [made]
    assert types(item) == ["judged", "decided", "superseded"]
    with pytest.raises(Conflict, match="superseded already"):
        supersede(alice, first.decision, **OVERRIDE)
    third = supersede(alice if made.person_id == alice.person.pk else carol, second.decision, verdict="approve")
    assert (output_of(item).revision, output_of(item).decision) == (3, third.decision)


def test_only_whoever_decided_or_a_lead_supersedes(alice, bob):
    (item,) = desk(cast.system())
    first = decided(alice, item, verdict="approve")
    finish(first.decision)
    with pytest.raises(NotAllowed, match="or a lead"):
        supersede(bob, first.decision, **OVERRIDE)
    for outsider in (cast.dana(), cast.eve()):
        with pytest.raises(NotAllowed):
            supersede(cast.acting(outsider), first.decision, **OVERRIDE)
    with pytest.raises(NotFound):
        supersede(alice, uuid7(), **OVERRIDE)
    assert supersede(alice, first.decision, **OVERRIDE).item_state == "closed"


def test_the_first_label_of_a_blind_item_stays(alice):
    (item,) = desk(cast.system(), blind=True)
    first = decided(alice, item, output={"digit": 3})
    finish(first.decision)
    supersede(alice, first.decision, verdict="approve")
    output = output_of(item)
    assert (output.status, output.label) == ("approved", False)


def test_superseding_what_two_judged_opens_a_round_and_changes_nothing_before_it_closes(alice, bob, carol):
    (item,) = desk(cast.system(routing=PAIR))
    decided(alice, item, verdict="approve")
    second = decided(bob, item, verdict="approve")
    finish(second.decision)
    opened = supersede(carol, second.decision, **OVERRIDE)
    check_constraints()
    output = output_of(item)
    assert (opened.item_state, output.status, output.revision) == ("awaiting_second", "approved", 1)
    (again,) = Item.objects.filter(output=item.output_id, round=2)
    assert queue.claim_next(carol) is None
    with pytest.raises(NotAllowed, match="judged it before"):
        queue.claim_item(alice, again.pk)
    closing = decided(cast.acting(cast.person("dora", "reviewer")), again, **OVERRIDE)
    output = output_of(item)
    assert (output.status, output.revision, output.decision) == ("overridden", 2, closing.decision)
    assert Decision.objects.get(pk=closing.decision).supersedes_id == second.decision
    assert Seat.objects.filter(item=again, closed_at=None).count() == 0
    with pytest.raises(Conflict, match="later round"):
        supersede(alice, Decision.objects.get(item=item, seat=1).pk, **OVERRIDE)


def test_what_is_said_in_a_superseding_round_is_final_at_once_so_the_resolution_before_it_and_its_label_stand(
    alice, bob, carol
):
    (item,) = desk(cast.system(routing=PAIR))
    decided(alice, item, verdict="approve")
    second = decided(bob, item, verdict="approve")
    finish(second.decision)
    before = output_of(item)
    assert (before.status, before.label) == ("approved", True)
    opened = supersede(carol, second.decision, **OVERRIDE)
    with pytest.raises(Conflict, match=r"final at .*supersede"):
        undo(carol, opened.decision)
    with pytest.raises(Conflict, match=r"Another reviewer has decided|final"):
        undo(bob, second.decision)
    after = output_of(item)
    assert [after.status, after.decision, after.final_at] == [before.status, before.decision, before.final_at]
    assert (after.label, after.labelled_at) == (before.label, before.labelled_at)
    (again,) = Item.objects.filter(output=item.output_id, round=2)
    dora = cast.acting(cast.person("dora", "reviewer"))
    closing = decided(dora, again, **OVERRIDE)
    with pytest.raises(Conflict):
        undo(dora, closing.decision)
    assert (output_of(item).status, output_of(item).label) == ("overridden", False)
