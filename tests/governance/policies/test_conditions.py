"""The condition language: every operator, every kind, and what is said when a field is not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policies.candidate import Candidate
from governance.policies.conditions import parse
from governance.policies.sentences import condition_sentence, percent, share
from governance.refusals import Invalid, Problem

NOTHING = object()


def holds(op: str, literal: Any, value: Any = NOTHING, **more: Any) -> bool | None:
    body = {} if value is NOTHING else {"x": value}
    return parse({"field": "input.x", "op": op, "value": literal, **more}).evaluate(Candidate(None, body))


@pytest.mark.parametrize(
    ("op", "literal", "value", "answer"),
    [
        ("eq", "a", "a", True), ("eq", "a", "b", False), ("eq", "500", 500, None), ("eq", 1, True, None),
        ("eq", True, True, True), ("eq", True, 1, None), ("eq", 1, 1.0, True), ("eq", 0.1, Decimal("0.1"), True),
        ("eq", None, None, True), ("eq", None, 3, False), ("eq", "a", None, None), ("eq", [1, 2.0], [1.0, 2], True),
        ("eq", {"a": 1}, {"a": 2}, False), ("eq", {"a": 1}, "a", None), ("ne", "a", "b", True), ("ne", "a", 5, None),
        ("gt", 500, 500.01, True), ("gt", 500, 500, False), ("ge", 500, 500, True), ("lt", 500, "10", None),
        ("le", 0.3, 0.1 + 0.2, False), ("lt", 1, False, None), ("gt", 1, float("nan"), None),
        ("gt", 1, float("inf"), None), ("eq", 10**23, 1e23, True), ("gt", 10**23, 10**23 + 1, True),
        ("gt", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00+01:00", False),
        ("lt", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00+01:00", True),
        ("gt", "2026-01-01T00:00:00Z", "tomorrow", None), ("gt", "2026-01-01T00:00:00Z", 5, None),
        ("lt", "b", "a", True), ("lt", "a", "Z", True), ("lt", "\uffff", "\U0001f600", False),
        ("in", ["a", "b"], "b", True), ("in", ["a", "b"], "c", False), ("in", ["a"], 1, None),
        ("in", [1, "a"], 1.0, True),
        ("in", [1], True, None), ("in", [None], "x", False), ("not_in", ["a"], "b", True), ("not_in", ["a"], 1, None),
        ("contains", "und", "refund", True), ("contains", "x", "refund", False), ("contains", 2, [1, 2.0], True),
        ("contains", 1, [True], False), ("contains", 1, "1", None), ("contains", "a", {"a": 1}, None),
        ("starts_with", "re", "refund", True), ("ends_with", "re", "refund", False), ("starts_with", "1", 12, None),
        ("matches", "^re.u", "refund", True), ("matches", "fun", "refund", True), ("matches", "^fun", "refund", False),
        ("matches", "a", 1, None), ("exists", True, None, True), ("exists", False, 0, False),
        ("between", [1, 5], 5, True), ("between", [1, 5], 5.1, False), ("between", ["a", "c"], "b", True),
        ("between", [1, 5], "3", None),
    ],
)  # fmt: skip
def test_every_operator_answers_by_kind(op: str, literal: Any, value: Any, answer: bool | None) -> None:
    assert holds(op, literal, value) is answer


@pytest.mark.parametrize(
    ("on_missing", "answer"), [("escalate", None), ("false", False), ("true", True), (False, False)]
)
def test_an_absent_or_mistyped_field_means_what_the_policy_says(on_missing: Any, answer: bool | None) -> None:
    assert holds("gt", 1, on_missing=on_missing) is answer
    assert holds("gt", 1, "one", on_missing=on_missing) is answer


def test_existence_is_never_missing() -> None:
    assert holds("exists", True) is False
    assert holds("exists", False) is True


YES = {"field": "input.yes", "op": "exists"}
NO = {"not": YES}
UNKNOWN = {"field": "input.gone", "op": "eq", "value": 1}


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"all": [YES, UNKNOWN]}, None), ({"all": [NO, UNKNOWN]}, False), ({"all": [UNKNOWN, NO]}, False),
        ({"any": [UNKNOWN, YES]}, True), ({"any": [UNKNOWN, NO]}, None), ({"not": UNKNOWN}, None),
        ({"not": {"all": [UNKNOWN, NO]}}, True), ({"all": [UNKNOWN]}, None), ({"any": [YES]}, True),
    ],
)  # fmt: skip
def test_a_missing_part_matters_only_where_it_could_decide(data: Any, answer: bool | None) -> None:
    assert parse(data).evaluate(Candidate(None, {"yes": 1})) is answer


@pytest.mark.parametrize(
    ("field", "op", "value", "answer"),
    [
        ("confidence", "ge", 0.9, True), ("confidence", "lt", 0.900001, True),
        ("confidence", "between", [0.9, 1], True),
        ("confidence", "in", [0.9], True), ("model", "eq", "m", True), ("model_version", "starts_with", "3.", True),
        ("prompt_version", "eq", "p", None), ("received.hour", "ge", 23, True), ("received.weekday", "eq", 5, True),
        ("contract.breached", "eq", True, True), ('input."a.b".c', "eq", 1, True), ("input.list.1.k", "eq", "v", True),
        ("input.list.01.k", "exists", True, False), ("attributes.channel", "eq", "chat", True),
        ("output.deep.x", "eq", 1, None),
    ],
)  # fmt: skip
def test_every_field_can_be_read(field: str, op: str, value: Any, answer: bool | None) -> None:
    candidate = Candidate(
        900_000, {"a.b": {"c": 1}, "list": [0, {"k": "v"}]}, "text", {"channel": "chat"}, "m", "3.1", None,
        datetime(2026, 11, 21, 1, 0, tzinfo=timezone(timedelta(hours=2))), (Problem("/output", "type", "Broken."),),
    )  # fmt: skip
    assert parse({"field": field, "op": op, "value": value}).evaluate(candidate) is answer


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        ({}, "when", "wrong-type"), ("x", "when", "wrong-type"), ({"all": []}, "when.all", "wrong-type"),
        ({"all": [YES], "any": [YES]}, "when", "mixed"), ({"not": [YES]}, "when.not", "wrong-type"),
        ({"field": "input.x", "op": "eq"}, "when.value", "missing-key"),
        ({"field": "input.x", "op": "equals", "value": 1}, "when.op", "unknown-operator"),
        ({"field": "input.x", "op": ["eq"], "value": 1}, "when.op", "unknown-operator"),
        ({"field": "input.x", "op": "eq", "value": 1, "default": 2}, "when.default", "unknown-key"),
        ({"field": "input.x", "op": "eq", "value": 1, "on_missing": "no"}, "when.on_missing", "unknown-choice"),
        ({"field": "input.x", "op": "exists", "on_missing": "true"}, "when.on_missing", "contradiction"),
        ({"field": "score", "op": "eq", "value": 1}, "when.field", "unknown-field"),
        ({"field": "input", "op": "exists"}, "when.field", "unknown-field"),
        ({"field": "input..x", "op": "exists"}, "when.field", "unknown-field"),
        ({"field": "input.x", "op": "matches", "value": "(a)\\1"}, "when.value", "wrong-value"),
        ({"field": "input.x", "op": "in", "value": []}, "when.value", "wrong-value"),
        ({"field": "input.x", "op": "gt", "value": True}, "when.value", "wrong-value"),
        ({"field": "input.x", "op": "between", "value": [5, 1]}, "when.value", "wrong-value"),
        ({"field": "input.x", "op": "between", "value": ["2026-01-01T00:00:00Z", "x"]}, "when.value", "wrong-value"),
        ({"field": "confidence", "op": "ge", "value": 0.1234567}, "when.value", "wrong-value"),
        ({"field": "confidence", "op": "ge", "value": 90}, "when.value", "wrong-value"),
        ({"field": "confidence", "op": "matches", "value": "9"}, "when.value", "wrong-value"),
        ({"field": "received.hour", "op": "eq", "value": 1.5}, "when.value", "wrong-value"),
        ({"field": "contract.breached", "op": "gt", "value": True}, "when.value", "wrong-value"),
        ({"field": "input.x", "op": "eq", "value": "\ud800"}, "when", "not-json"),
        ({"field": "input.x", "op": "eq", "value": float("nan")}, "when", "not-json"),
        ({"all": [YES, {"any": [{"field": "x", "op": "exists"}]}]}, "when.all[1].any[0].field", "unknown-field"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_refused_with_its_path(data: Any, path: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(data)
    assert (path, code) in [(problem.pointer, problem.code) for problem in refusal.value.errors]


def test_a_condition_has_a_bounded_size() -> None:
    deep: Any = YES
    for _ in range(7):
        deep = {"not": deep}
    assert parse(deep).evaluate(Candidate(None, {})) is True
    with pytest.raises(Invalid, match="8 levels"):
        parse({"not": deep})
    parse({"any": [{"all": [YES] * 100}, {"all": [YES] * 100}]})
    with pytest.raises(Invalid, match="200 questions"):
        parse({"any": [{"all": [YES] * 100}, {"all": [YES] * 101}]})


def test_a_trace_shows_what_was_read_and_an_explanation_shows_every_question() -> None:
    condition = parse({"all": [YES, UNKNOWN, {"field": "confidence", "op": "lt", "value": 0.5}]})
    candidate = Candidate(620_000, {"yes": "x"})
    assert condition.trace(candidate) == (False, {"input.yes": "x", "confidence": 0.62})
    assert [step.result for step in condition.explain(candidate)] == [True, None, False]
    assert condition.undecided(candidate) == (("input.gone", False),)


numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, numbers, st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]))
def test_numbers_compare_as_the_decimals_they_are_written_as(value: Any, literal: Any, op: str) -> None:
    exact, other = Decimal(repr(value)), Decimal(repr(literal))
    expected = {
        "eq": exact == other, "ne": exact != other, "lt": exact < other,
        "le": exact <= other, "gt": exact > other, "ge": exact >= other,
    }[op]  # fmt: skip
    assert holds(op, literal, value) is expected


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_times_compare_as_instants_whatever_their_zone(value: datetime, literal: datetime) -> None:
    try:
        one, other = value.astimezone(UTC), literal.astimezone(UTC)
    except OverflowError:
        return
    if any(moment.utcoffset() % timedelta(minutes=1) for moment in (value, literal)):  # type: ignore[operator]
        return
    assert holds("lt", literal.isoformat(), value.isoformat()) is (one < other)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            {"all": [{"field": "output.intent", "op": "eq", "value": "request_refund"},
                     {"field": "input.amount", "op": "gt", "value": 500}]},
            "the AI's answer intent is request_refund and amount is over 500",
        ),
        ({"field": "confidence", "op": "lt", "value": 0.975}, "confidence is under 97.5\u202f%"),
        ({"field": "output.intent", "op": "in", "value": ["a", "b", "c"]},
         "the AI's answer intent is one of a, b or c"),
        ({"not": {"any": [YES, {"field": "input.n", "op": "le", "value": 13083.5}]}},
         "yes is not given and n is not at most 13\u202f083.5"),
        ({"all": [YES, {"any": [YES, NO]}]}, "yes is given and (yes is given or yes is not given)"),
        ({"field": "input.n", "op": "eq", "value": "two words", "on_missing": "true"},
         "n is “two words” or is not given"),
        ({"not": {"field": "input.n", "op": "eq", "value": "x", "on_missing": "false"}}, "n is not x or is not given"),
        ({"field": "contract.breached", "op": "ne", "value": False}, "the contract is broken"),
        ({"field": "received.weekday", "op": "in", "value": [6, 7]},
         "the weekday of arrival (UTC) is one of Saturday or Sunday"),
        ({"field": "input.n", "op": "between", "value": [-1, 2]}, "n is between \u22121 and 2"),
        ({"field": "input.n", "op": "matches", "value": "^a$"}, "n matches the pattern “^a$”"),
    ],
)  # fmt: skip
def test_a_condition_reads_as_english(data: Any, sentence: str) -> None:
    assert condition_sentence(parse(data)) == sentence


def test_shares_are_written_without_lying_at_the_ends() -> None:
    assert [percent(value) for value in (620_000, 991_204, 999_999, 1_000_000, 1, 0)] == [
        "62\u202f%", "99.1\u202f%", "99.9999\u202f%", "100\u202f%", "0.0001\u202f%", "0\u202f%",
    ]  # fmt: skip
    assert [share(value) for value in (900_000, 975_000, 1_000_000, 5)] == ["0.90", "0.975", "1.00", "0.000005"]
