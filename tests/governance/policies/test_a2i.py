"""Amazon A2I's activation conditions come over as a system file that can be applied, and what does not is told."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError

from governance.contracts.schema import compile_contract
from governance.policies import a2i
from governance.policies.candidate import Candidate
from governance.policies.document import parse_policy
from governance.policies.judge import judge
from governance.refusals import Invalid
from tests.governance.policies.invented import NEVER


def form_check(key: str = "Mail Address", **more: Any) -> dict[str, Any]:
    return {
        "ConditionType": "ImportantFormKeyConfidenceCheck",
        "ConditionParameters": {"ImportantFormKey": key, **more},
    }


def missing(key: str, *aliases: str) -> dict[str, Any]:
    given = {"ImportantFormKey": key, "ImportantFormKeyAliases": list(aliases)}
    return {"ConditionType": "MissingImportantFormKey", "ConditionParameters": given}


def label(name: str, **more: Any) -> dict[str, Any]:
    given = {"ModerationLabelName": name, **more}
    return {"ConditionType": "ModerationLabelConfidenceCheck", "ConditionParameters": given}


def sampling(share: float) -> dict[str, Any]:
    return {"ConditionType": "Sampling", "ConditionParameters": {"RandomSamplingPercentage": share}}


def read(*conditions: Any) -> a2i.Imported:
    return a2i.read(json.dumps({"Conditions": conditions}), slug="forms", name="Forms", owner="intake")


def lane(made: a2i.Imported, output: Any, confidence: int = 990_000) -> str:
    """What the imported policy says of an output that keeps the imported contract."""
    contract = compile_contract(made.document["contract"])
    policy = parse_policy(made.document["policy"], contract=contract)
    problems = contract.check(input={}, output=output)
    assert problems == ()
    return judge(policy, Candidate(confidence, {}, output), draw=NEVER).lane


def fields(**of: Any) -> dict[str, Any]:
    return {"fields": of}


def test_a_key_under_its_confidence_asks_for_a_person() -> None:
    made = read(form_check(KeyValueBlockConfidenceLessThan=90, WordBlockConfidenceLessThan=80))
    for key, word, expected in ((95, 85, "release"), (89, 85, "review"), (95, 79, "review"), (90, 80, "release")):
        said = {"fields": {"Mail Address": {"value": "x", "key_confidence": key, "word_confidence": word}}}
        assert lane(made, said) == expected
    assert lane(made, fields()) == "release"  # a key that is not there is in no range: another condition is for that


def test_two_bounds_of_one_confidence_are_a_range() -> None:
    made = read(label("Suggestive", ConfidenceGreaterThan=50, ConfidenceLessThanEquals=90))
    for sure, expected in ((50, "release"), (50.5, "review"), (90, "review"), (90.1, "release")):
        assert lane(made, {"labels": {"Suggestive": {"confidence": sure}}}) == expected


def test_a_key_that_is_missing_under_all_its_names_asks_for_a_person() -> None:
    made = read(missing("Name", "Full name"))
    assert lane(made, fields()) == "review"
    assert lane(made, {"fields": {"Full name": {"value": "Kim"}}}) == "release"


def test_and_or_nest_and_every_member_of_the_list_stands_for_itself() -> None:
    made = read(
        {"And": [label("A", ConfidenceLessThan=50), {"Or": [label("B", ConfidenceLessThan=50), missing("C")]}]},
        label("D", ConfidenceEquals=7),
    )
    said = {"labels": {"A": {"confidence": 10}, "B": {"confidence": 60}}, "fields": {"C": {"value": "x"}}}
    assert lane(made, said) == "release"
    assert lane(made, {**said, "fields": {}}) == "review"
    assert lane(made, {**said, "labels": {**said["labels"], "D": {"confidence": 7}}}) == "review"


def test_sampling_becomes_the_audit_and_two_samples_are_one_after_the_other() -> None:
    made = read(sampling(5), {"Or": [label("A", ConfidenceLessThan=50), sampling(10)]})
    assert made.document["policy"]["audit"] == {"rate": 0.145, "hold": True}
    assert len(made.document["policy"]["rules"]) == 1


def test_what_cannot_be_said_is_told_and_never_makes_it_looser() -> None:
    made = read({"And": [label("A", ConfidenceLessThan=50), sampling(10)]})
    assert lane(made, {"labels": {"A": {"confidence": 10}}}) == "review"
    assert any("all of them are reviewed" in note for note in made.notes)
    assert any("'Weather' is a kind" in note for note in read({"ConditionType": "Weather"}).notes)
    assert any("cannot be said" in note for note in read(label("*", ConfidenceGreaterThan=50)).notes)


def test_a_check_of_every_key_reads_the_least_confidence_of_the_output() -> None:
    made = read(form_check("*", KeyValueBlockConfidenceLessThan=90, WordBlockConfidenceLessThan=90))
    assert [lane(made, fields(), at) for at in (899_999, 900_000)] == ["review", "release"]
    assert any("send the least" in note for note in made.notes)


def test_a_condition_that_an_earlier_one_catches_is_left_out_and_told() -> None:
    made = read(label("A", ConfidenceLessThan=90), label("A", ConfidenceLessThan=80), label("A", ConfidenceLessThan=90))
    assert [rule["id"] for rule in made.document["policy"]["rules"]] == ["a2i-1"]
    assert sum("left out" in note for note in made.notes) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"Conditions": 3}', '{"Conditions": [3]}', '{"Conditions": [{"And": [[]]}]}']
)
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        a2i.read(text, slug="forms", name="Forms", owner="intake")


def test_the_command_reads_a_whole_flow_definition_and_writes_a_file_that_can_be_applied(tmp_path: Any) -> None:
    inner = json.dumps({"Conditions": [form_check("Date.of birth", KeyValueBlockConfidenceLessThan=90), sampling(1)]})
    given = tmp_path / "loan forms.json"
    config = {"HumanLoopActivationConditionsConfig": {"HumanLoopActivationConditions": inner}}
    given.write_text(json.dumps({"FlowDefinitionName": "x", "HumanLoopActivationConfig": config}))
    said, told = io.StringIO(), io.StringIO()
    call_command("import_a2i", str(given), "--owner", "loans", stdout=said, stderr=told)
    document = yaml.safe_load(said.getvalue())
    assert (document["system"]["slug"], document["policy"]["audit"]["rate"]) == ("loan-forms", 0.01)
    assert "goes out alone whatever its confidence" in told.getvalue()
    given.write_text("{}")
    with pytest.raises(CommandError, match="no Amazon A2I"):
        call_command("import_a2i", str(given))
