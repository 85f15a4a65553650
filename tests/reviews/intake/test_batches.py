"""A batch taken apart into its lines."""

import json

import pytest

from governance.refusals import Invalid
from reviews.intake import batches
from reviews.intake.bodies import TooLarge


def test_lines_keep_their_numbers_and_blank_ones_are_left_out() -> None:
    assert batches.lines(b'{"a":1}\r\n\n  \n{"b":2}') == [(1, b'{"a":1}\r'), (4, b'{"b":2}')]


def test_ten_thousand_lines_are_taken_and_one_more_refused() -> None:
    assert len(batches.lines(b"{}\n" * 10_000)) == 10_000
    with pytest.raises(TooLarge):
        batches.lines(b"{}\n" * 10_001)
    with pytest.raises(TooLarge):
        batches.elements(b"[" + b",".join([b"{}"] * 10_001) + b"]")


def test_a_flood_of_blank_lines_is_refused_before_it_is_taken_apart() -> None:
    with pytest.raises(TooLarge):
        batches.lines(b"\n" * 1_000_000)


def test_the_elements_of_a_list_are_lines() -> None:
    assert batches.elements(b' [ {"a": 1} , 2 ] ') == [(1, b'{"a": 1}'), (2, b"2")]
    assert batches.elements(b"[]") == []


def test_a_number_that_json_lacks_harms_only_its_own_element() -> None:
    found = batches.elements(b'[{"a":NaN}, {"b":"\\ud800"},{"c":1e999}, {"d":"\xc3\xa9"}]')
    assert [number for number, _ in found] == [1, 2, 3, 4]
    assert json.loads(found[3][1]) == {"d": "é"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[", b"[1", b"[1,]", b"[NaN,]", b"[NaN 1]", b"[NaN]]", b"[1] x", b"\xff", b"[" * 200_000, b"7"],
)
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        batches.elements(data)
