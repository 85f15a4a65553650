"""When a round is over and which verdict counts, as a pure function."""

import pytest

from governance.contracts.schema import compile_contract
from reviews.decisions.rounds import Opinion, Step, agree, next_step
from tests.cast import CONTRACT

DIGITS = compile_contract(dict(CONTRACT))


def said(seat: int, verdict: str, digit: int | None = None) -> Opinion:
    return Opinion(seat, verdict, None if digit is None else {"digit": digit}, verdict == "approve")


def step(*opinions: Opinion, reviewers: int = 1, confirms_wrong: bool = False) -> Step:
    return next_step(opinions, reviewers=reviewers, confirms_wrong=confirms_wrong, contract=DIGITS)


def test_one_reviewer_ends_it():
    only = said(1, "override", 3)
    assert step(only) == Step("closed", final=only)
    assert step() == Step("open")


def test_two_who_agree_end_it_and_the_second_is_the_final_one():
    first, second = said(1, "override", 3), said(2, "override", 3)
    assert step(first, reviewers=2) == Step("awaiting_second")
    assert step(first, second, reviewers=2) == Step("closed", final=second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said(1, "approve"), said(2, "reject")),
        (said(1, "approve"), said(2, "override", 7)),
        (said(1, "override", 3), said(2, "override", 4)),
    ],
)
def test_two_who_disagree_open_the_third_seat_whose_verdict_is_final(first, second):
    assert not agree(DIGITS, first, second)
    assert step(first, second, reviewers=2) == Step("adjudication", opens=3)
    third = said(3, "override", 9)
    assert step(first, second, third, reviewers=2) == Step("closed", final=third)


def test_two_rejections_agree_whatever_their_reasons():
    assert agree(DIGITS, said(1, "reject"), said(2, "reject"))


def test_overrides_agree_by_what_the_contract_calls_correct():
    contract = compile_contract({**CONTRACT, "output": {}, "correct_when": ["/output/digit"]})
    one = Opinion(1, "override", {"digit": 3, "note": "clear"}, False)
    other = Opinion(2, "override", {"digit": 3.0, "note": "faint"}, False)
    assert agree(contract, one, other)
    assert not agree(None, one, other)


def test_a_wrong_that_has_to_be_confirmed_opens_a_second_seat():
    assert step(said(1, "override", 3), confirms_wrong=True) == Step("awaiting_second", opens=2)
    assert step(said(1, "approve"), confirms_wrong=True).state == "closed"
    assert step(said(1, "override", 3), said(2, "override", 3), confirms_wrong=True).state == "closed"
    assert step(said(1, "override", 3), said(2, "approve"), confirms_wrong=True) == Step("adjudication", opens=3)
