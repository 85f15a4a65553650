"""Cases whose scans or measurements lie near: by pgvector where the database has it, without it by the same answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contracts.schema import compile_contract
from governance.models import OutputContent, System
from reviews.models import Item, Precedent
from reviews.pages.desk.alike import Alike, alike
from reviews.precedents import remembering
from reviews.precedents.nearness import FAR, FEWEST_NUMBERS, MOST_NUMBERS, place_of
from reviews.precedents.vectors import has_vectors
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.precedents.test_like_cases import AT_ONCE, decided

SCAN = {"type": "array", "x-view": "scan", "items": {"type": "array", "items": {"type": "integer", "maximum": 9}}}
GIVEN: dict[str, Any] = {"type": "object", "properties": {"scan": SCAN}}
ONE, NEARLY_ONE, ANOTHER = (
    [[0, 9, 0], [0, 9, 0], [0, 9, 0]],
    [[0, 9, 0], [0, 8, 1], [0, 9, 0]],
    [[9, 0, 9], [0, 0, 0], [9, 0, 9]],
)


def contract(properties: dict[str, Any], **parts: Any) -> Any:
    return compile_contract({**cast.CONTRACT, "input": {"type": "object", "properties": properties}, **parts})


def distance(a: list[float] | None, b: list[float] | None) -> float:
    assert a is not None
    assert b is not None
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def test_like_scans_are_near_and_others_are_far() -> None:
    known = contract({"scan": SCAN})
    one, nearly, another = (place_of(known, {"scan": scan}) for scan in (ONE, NEARLY_ONE, ANOTHER))
    assert distance(one, nearly) < FAR < distance(one, another)


def test_a_measurement_counts_in_spreads_of_its_range_whatever_its_unit_and_its_place_in_the_text() -> None:
    ranges = {"a": [0, 90, 100, 110, 200], "b": [0.0, 0.1, 0.2, 0.3, 1.0], "c": [0, 1, 2, 3, 4], "d": [0, 1, 2, 3, 4]}
    part = {"x-view": "measurements", "properties": {name: {"x-range": cuts} for name, cuts in ranges.items()}}
    known = contract({"m": part})
    place = place_of(known, {"m": {"d": 2, "b": 0.4, "a": 120, "c": 2}})
    assert place is not None
    assert place == pytest.approx([0.5**0.5, 0.5**0.5, 0, 0])


def test_a_producers_own_embedding_comes_first() -> None:
    known = contract({"scan": SCAN, "embedding": {"type": "array", "x-near": True}})
    assert place_of(known, {"scan": ONE, "embedding": [0, 2, 0, 0]}) == [0, 1, 0, 0]


@pytest.mark.parametrize(
    "odd",
    [None, [], 7, "x", [1, 2], [0] * 9, [1, "x", 3, 4], [float("nan")] * 4, [1e308] * 9, [1] * (MOST_NUMBERS + 1), {}],
)
def test_what_cannot_be_compared_has_no_place(odd: Any) -> None:
    assert place_of(contract({"e": {"x-near": True}}), {"e": odd}) is None


def test_personal_data_makes_no_place() -> None:
    assert place_of(contract({"scan": SCAN}, personal_data=["/input/scan"]), {"scan": ONE}) is None


@given(st.lists(st.floats(-1e9, 1e9), min_size=FEWEST_NUMBERS, max_size=60))
@settings(max_examples=100)
def test_every_place_lies_on_the_unit_sphere(numbers: list[float]) -> None:
    place = place_of(contract({"e": {"x-near": True}}), {"e": numbers})
    assert place is None or sum(number * number for number in place) == pytest.approx(1)


def came(system: System, scan: Any, *, digit: int) -> Item:
    (item,) = desk(system, digit=digit)
    OutputContent.objects.filter(output=item.output_id).update(input=json.dumps({"scan": scan}))
    return item


def found(system: System, scan: Any, *, besides: Item) -> Alike:
    known = contract({"scan": SCAN})
    return alike(system.pk, given={"scan": scan}, ai_said="7", besides=besides.output_id, contract=known)


@pytest.mark.django_db
def test_the_nearest_case_comes_first_whatever_the_ai_said_of_it() -> None:
    system = cast.system(contract_parts={"input": GIVEN}, review=AT_ONCE)
    decided(came(system, NEARLY_ONE, digit=3), verdict="override", output={"digit": 1})
    decided(came(system, ANOTHER, digit=7))
    remembering.remember()
    assert Precedent.objects.filter(place__len=9).count() == 2
    shown = found(system, ONE, besides=came(system, ONE, digit=7))
    said = [(each.ai_said, each.verdict, each.said) for each in shown.newest]
    if has_vectors():
        assert (said, shown.is_near) == ([("3", "override", "1")], True)
    else:
        assert (said, shown.is_near) == ([("7", "approve", "")], False)


@pytest.mark.django_db
def test_where_nothing_is_near_the_same_answer_counts() -> None:
    system = cast.system(contract_parts={"input": GIVEN}, review=AT_ONCE)
    decided(came(system, ANOTHER, digit=7))
    remembering.remember()
    shown = found(system, ONE, besides=came(system, ONE, digit=7))
    assert ([each.ai_said for each in shown.newest], shown.is_near) == (["7"], False)
