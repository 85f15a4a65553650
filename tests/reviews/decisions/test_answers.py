"""Reading an answer: every problem is named, and no edit is lost or invented."""

import pytest

from governance.contracts.schema import compile_contract
from governance.contracts.values import MISSING
from governance.policies.policy import Reason, Review
from governance.refusals import Invalid
from reviews.decisions.answers import Answer, read_answer, short_reading
from tests.cast import CONTRACT

NOTED = compile_contract({
    **CONTRACT,
    "output": {
        "type": "object", "properties": {"digit": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["digit"], "additionalProperties": False,
    },
    "personal_data": ["/output/note"],
})  # fmt: skip
REVIEW = Review(
    reasons=(Reason("blurred", "Blurred"), Reason("empty", "Empty")), reason_required=("override", "reject")
)
AI = {"digit": 7, "note": "Ann's"}


def read(verdict=None, output=MISSING, *, reasons=("blurred",), comment="", is_blind=False, review=REVIEW) -> Answer:
    return read_answer(
        NOTED, review, AI, is_blind=is_blind, verdict=verdict, output=output, reasons=reasons, comment=comment
    )


def problems(*args, **kwargs) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read(*args, **kwargs)
    return {problem.pointer: problem.code for problem in refused.value.errors}


def test_an_approval_is_right_and_carries_nothing():
    answer = read("approve", reasons=())
    assert (answer.verdict, answer.output, answer.is_correct) == ("approve", MISSING, True)


def test_an_override_of_what_counts_is_wrong():
    answer = read("override", {"digit": 3, "note": "Ann's"})
    assert (answer.verdict, answer.output["digit"], answer.is_correct) == ("override", 3, False)


def test_an_edit_beside_what_counts_stays_an_override_of_a_right_answer():
    answer = read("override", {"digit": 7, "note": "Anne's"})
    assert (answer.verdict, answer.output["note"], answer.is_correct) == ("override", "Anne's", True)


def test_an_override_that_changes_nothing_is_refused_with_a_sentence():
    with pytest.raises(Invalid, match="approve it instead"):
        read("override", {"digit": 7.0, "note": "Ann's"})


def test_an_edit_is_never_recorded_as_an_approval():
    assert problems("approve", {"digit": 3}, reasons=()) == {"/output": "contradiction"}
    assert read("approve", dict(AI), reasons=()).output is MISSING


def test_an_override_has_to_keep_the_contract():
    found = problems("override", {"digit": "three", "extra": 1})
    assert set(found) == {"/output/digit", "/output"}


def test_an_override_needs_an_output_and_a_rejection_takes_none():
    assert problems("override") == {"/output": "missing-field"}
    assert problems("reject", {"digit": 3}) == {"/output": "contradiction"}


@pytest.mark.parametrize("verdict", [None, "", "release", "APPROVE"])
def test_an_unknown_verdict_is_refused(verdict):
    assert "/verdict" in problems(verdict, reasons=())


def test_reasons_are_the_policys_and_asked_for_where_it_says_so():
    assert problems("reject", reasons=()) == {"/reasons": "required"}
    assert problems("reject", reasons=("blurred", "nonsense")) == {"/reasons/1": "unknown-reason"}
    assert read("reject", reasons=("empty", "blurred", "empty")).reasons == ("empty", "blurred")
    assert read("approve", reasons=()).reasons == ()


@pytest.mark.parametrize("output", [{"digit": 3, "note": "\ud800"}, {"digit": 3, "note": "a\0b"}])
def test_what_cannot_be_stored_is_refused(output):
    assert problems("override", output)["/output"] == "not-storable"
    assert problems("reject", comment="a\0b") == {"/comment": "not-storable"}
    assert problems("reject", comment="x" * 4001) == {"/comment": "too-long"}


def test_a_blind_answer_becomes_an_approval_or_an_override_by_what_counts():
    right = read(output={"digit": 7, "note": "mine"}, is_blind=True, reasons=())
    assert (right.verdict, right.is_correct, right.output["note"]) == ("approve", True, "mine")
    wrong = read(output={"digit": 1}, is_blind=True, reasons=())
    assert (wrong.verdict, wrong.is_correct) == ("override", False)


def test_a_blind_item_takes_no_verdict_but_a_rejection():
    assert problems("approve", is_blind=True)["/verdict"] == "blind"
    assert problems("override", {"digit": 3}, is_blind=True)["/verdict"] == "blind"
    assert problems(is_blind=True)["/output"] == "missing-field"
    assert read("reject", is_blind=True).verdict == "reject"


def test_the_short_reading_has_the_values_that_count_and_no_personal_data():
    assert short_reading(NOTED, {"digit": 7, "note": "Ann's"}) == "7"
    assert short_reading(NOTED, MISSING) == ""
    whole = compile_contract(
        {**CONTRACT, "output": {}, "correct_when": ["/output/name"], "personal_data": ["/output/name"]}
    )
    assert "Ann" not in short_reading(whole, {"name": "Ann"})
    assert len(short_reading(None, {"text": "x" * 900})) == 200
