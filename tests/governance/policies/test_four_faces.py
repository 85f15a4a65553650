"""One condition, four faces that agree: closures with and without a trace, SQL, an English sentence, YAML and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.policies import recorded
from governance.policies.candidate import Candidate
from governance.policies.conditions import Condition, parse
from governance.policies.judge import judge
from governance.policies.operators import instant
from governance.policies.routes import route
from governance.policies.sentences import condition_sentence
from governance.policies.validated import Name
from tests.governance.policies import invented, recording
from tests.governance.policies.asking import PLAIN_FIELDS, TIMES, candidates, conditions, is_asked, leaves, values

many = settings(max_examples=300)


@many
@given(conditions(), candidates)
def test_a_trace_changes_no_answer(condition: Condition, candidate: Candidate) -> None:
    answer = condition.evaluate(candidate)
    assert condition.trace(candidate)[0] is answer
    steps = condition.explain(candidate)
    assert len(steps) == sum(1 for _ in condition.tree.leaves())
    if answer is None:
        assert condition.can_escalate
        assert condition.undecided(candidate)


@pytest.mark.django_db
@many
@given(st.lists(conditions(), min_size=1, max_size=4), st.lists(candidates, min_size=1, max_size=6))
def test_sql_over_recorded_outputs_gives_the_answers_of_the_closures(
    asked: list[Condition], outputs: list[Candidate]
) -> None:
    statement = recorded.Statement()
    texts = [recorded.condition(statement, condition) for condition in asked]
    expected = [tuple(condition.evaluate(output) for condition in asked) for output in outputs]
    assert recording.rows(statement, texts, outputs) == expected


@pytest.mark.django_db
@many
@given(invented.documents, st.lists(invented.candidates, min_size=1, max_size=8))
def test_sql_gives_the_lane_the_rule_and_the_threshold_of_the_judge(document: Any, outputs: list[Candidate]) -> None:
    policy = invented.policy(**document)
    statement = recorded.Statement()
    text, outcomes = recorded.verdict(statement, policy)
    said = [outcomes[code] for (code,) in recording.rows(statement, [text], outputs)]
    expected = [judge(policy, output, draw=invented.NEVER) for output in outputs]
    assert said == [recorded.Outcome(verdict.lane, verdict.rule, verdict.threshold) for verdict in expected]


STATED = st.none() | st.sampled_from(["", "a", "b"])
NAMED = st.fixed_dictionaries({"model": st.sampled_from(["a", "b"])}, optional={
    "model_version": st.none() | st.just("a"), "prompt_version": st.none() | st.just("b")})  # fmt: skip


@pytest.mark.django_db
@many
@given(
    st.lists(NAMED, min_size=1, max_size=3, unique_by=lambda one: str(sorted((k, v) for k, v in one.items() if v))),
    st.lists(st.builds(Candidate, st.just(990_000), model=STATED, model_version=STATED, prompt_version=STATED),
             min_size=1, max_size=6),
    st.lists(st.tuples(*[st.sampled_from(["", "a", "b"])] * 3), max_size=2),
)  # fmt: skip
def test_sql_knows_the_models_that_the_judge_knows(named: Any, outputs: list[Candidate], admitted: Any) -> None:
    policy, let_in = invented.policy(validated_for=named), [Name(*name) for name in admitted]
    statement = recorded.Statement()
    text, outcomes = recorded.verdict(statement, policy, let_in)
    said = [outcomes[code].rule for (code,) in recording.rows(statement, [text], outputs)]
    assert said == [judge(policy, output, draw=invented.NEVER, admitted=let_in).rule for output in outputs]


@pytest.mark.django_db
@many
@given(st.lists(conditions(), max_size=3), st.lists(candidates, min_size=1, max_size=6))
def test_sql_sends_an_item_where_the_router_would(whens: list[Condition], outputs: list[Candidate]) -> None:
    names = [f"q{number}" for number in range(len(whens))]
    rules = [{"id": name, "when": when.data, "queue": name} for name, when in zip(names, whens, strict=True)]
    policy = invented.policy(routing={"rules": rules})
    statement = recorded.Statement()
    text, places = recorded.destination(statement, policy)
    said = [places[code].queue for (code,) in recording.rows(statement, [text], outputs)]
    assert said == [route(policy, output).queue for output in outputs]


@pytest.mark.django_db
def test_sql_reads_a_time_as_the_closures_do() -> None:
    texts = [*TIMES, "2026-02-28T23:59:59.123456+23:59", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "", "x"]
    outputs = [Candidate(None, {"at": text}) for text in texts]
    statement = recorded.Statement()
    statement.column(next(iter(parse({"field": "input.at", "op": "exists"}).fields)))
    found = recording.rows(statement, ["countersign_instant(seen.f0 #>> '{}')"], outputs)
    assert [moment for (moment,) in found] == [instant(text) for text in texts]


@many
@given(conditions(), candidates)
def test_a_condition_survives_yaml_and_json(condition: Condition, candidate: Candidate) -> None:
    for data in (
        json.loads(json.dumps(condition.data)),
        yaml.safe_load(yaml.safe_dump(condition.data, allow_unicode=True)),
    ):
        again = parse(data)
        assert again == condition
        assert again.evaluate(candidate) is condition.evaluate(candidate)
        assert condition_sentence(again) == condition_sentence(condition)


@st.composite
def nearly_equal(draw: st.DrawFn) -> tuple[Condition, Condition]:
    """Two conditions that differ in one word, or in how they are nested."""
    first, second = draw(leaves(PLAIN_FIELDS).filter(is_asked)), draw(leaves(PLAIN_FIELDS).filter(is_asked))
    change = draw(leaves(PLAIN_FIELDS))
    keys = draw(st.lists(st.sampled_from(["op", "value", "on_missing", "field"]), min_size=1, unique=True))
    other = {**first, **{key: change[key] for key in keys if key in change}}
    if draw(st.booleans()) and "on_missing" in other:
        del other["on_missing"]
    wrap = draw(st.sampled_from([
        lambda leaf: leaf, lambda leaf: {"not": leaf}, lambda leaf: {"all": [leaf, {"any": [second, leaf]}]},
        lambda leaf: {"any": [{"all": [leaf, second]}, leaf]}, lambda leaf: {"not": {"all": [second, leaf]}},
    ]))  # fmt: skip
    other_wrap = draw(
        st.sampled_from([wrap, wrap, lambda leaf: {"not": wrap(leaf)}, lambda leaf: {"not": {"not": wrap(leaf)}}])
    )
    assume(is_asked(wrap(first)) and is_asked(other_wrap(other)))
    return parse(wrap(first)), parse(other_wrap(other))


plain = st.builds(
    Candidate, confidence=st.none() | st.sampled_from([0, 500_000, 900_000, 1_000_000]),
    input=st.dictionaries(st.sampled_from(["x", "y"]), values), output=st.dictionaries(st.just("z"), values),
    prompt_version=st.none() | st.sampled_from(["a", "500"]),
)  # fmt: skip


@settings(many, max_examples=600)
@given(nearly_equal(), st.lists(plain, min_size=1, max_size=5))
def test_what_reads_alike_answers_alike(pair: tuple[Condition, Condition], outputs: list[Candidate]) -> None:
    one, other = pair
    if condition_sentence(one) == condition_sentence(other):
        assert [one.evaluate(output) for output in outputs] == [other.evaluate(output) for output in outputs]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"value": "500"}, {"value": 500}), ({"value": "true"}, {"value": True}), ({"value": "null"}, {"value": None}),
        ({"value": 1}, {"value": 1, "on_missing": "false"}), ({"value": 1}, {"value": 1, "on_missing": "true"}),
        ({"value": "[1]"}, {"value": [1]}),
    ],
)  # fmt: skip
def test_what_answers_otherwise_reads_otherwise(one: dict[str, Any], other: dict[str, Any]) -> None:
    def sentence(more: dict[str, Any]) -> str:
        return condition_sentence(parse({"field": "input.x", "op": "eq", **more}))

    assert sentence(one) != sentence(other)
