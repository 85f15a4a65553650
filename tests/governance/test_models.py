"""Models and prompts are registered as they appear; a policy that names some lets no other judge by itself."""

from __future__ import annotations

from typing import Any

import pytest

from governance.models import Entry, ModelVersion, Output, System
from governance.policies import amending, lifecycle, modelversions, registration
from governance.policies.direction import tightens
from governance.policies.document import parse_policy
from governance.policies.judge import judge
from governance.policies.validated import Name
from governance.refusals import Conflict, Invalid, NotAllowed
from reviews import intake
from tests import cast
from tests.governance.policies import invented
from tests.journeys.program import Program
from tests.reviews.intake.sent import body, document

KNOWN = [{"model": "digits-lr", "model_version": "3.1"}]


@pytest.fixture
def system(db) -> System:
    return cast.system(validated_for=KNOWN)


def send(system: System, number: int, **parts: Any) -> dict[str, Any]:
    said = document(f"n-{number}", **{"confidence": 0.99, "system": system.slug, **parts})
    answer = Program(system).post("outputs/", said)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def seen(version: str) -> ModelVersion:
    return ModelVersion.objects.select_related("system").get(model_version=version)


def test_every_model_and_prompt_is_registered_with_its_first_output(system: System) -> None:
    send(system, 1)
    send(system, 2)
    send(system, 3, prompt_version="7")
    rows = ModelVersion.objects.order_by("id").values_list("model", "model_version", "prompt_version")
    assert list(rows) == [("digits-lr", "3.1", ""), ("digits-lr", "3.1", "7")]
    assert Entry.objects.filter(type="model_seen", system=system.pk).count() == 2


def test_what_a_process_has_seen_costs_no_query(system: System, django_assert_num_queries) -> None:
    name = Name("digits-lr", "3.1", "")
    modelversions.notice(system, [name])
    with django_assert_num_queries(0):
        modelversions.notice(system, [name] * 1000)


def test_a_producer_that_states_another_version_each_time_fills_no_log(system: System, monkeypatch) -> None:
    monkeypatch.setattr(modelversions, "MOST", 3)
    modelversions.notice(system, [Name("m", str(number), "") for number in range(50)])
    assert ModelVersion.objects.count() == 3
    assert not modelversions.register(system, Name("m", "x", ""))


def test_an_unknown_version_goes_to_a_person_however_confident_until_somebody_lets_it_in(system: System) -> None:
    assert send(system, 1)["status"] == "released"
    told = send(system, 2, model_version="4")
    assert (told["status"], told["verdict"]["rule"]) == ("in_review", "unknown-model")
    assert "digits-lr 4" in told["verdict"]["because"]
    modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried on last month's cases.")
    assert send(system, 3, model_version="4")["status"] == "released"
    assert send(system, 4, model_version="5")["status"] == "in_review"
    modelversions.bar(seen("4"), by=cast.acting(cast.carol()))
    assert send(system, 5, model_version="4")["verdict"]["rule"] == "unknown-model"


def test_what_was_let_in_cites_who_let_it_in(system: System) -> None:
    send(system, 1, model_version="4")
    admitted = modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried.")
    told = send(system, 2, model_version="4")
    entry = Entry.objects.get(subject=told["id"], rev=1)
    assert bytes(admitted.admission.leaf_hash).hex().encode() in bytes(entry.leaf)


def test_a_model_that_states_nothing_is_unknown(system: System) -> None:
    assert send(system, 1, model=None, model_version=None)["verdict"]["rule"] == "unknown-model"


def test_a_whole_batch_is_asked_the_same(system: System) -> None:
    bodies = [body("a"), body("b", model_version="4"), body("c", model="other")]
    intake.accept(bodies, system=system, actor=cast.acting(cast.dana()))
    rules = dict(Output.objects.values_list("external_id", "rule"))
    assert rules == {"a": "threshold:default", "b": "unknown-model", "c": "unknown-model"}
    assert ModelVersion.objects.count() == 3


def test_a_version_left_out_stands_for_every_version() -> None:
    policy = invented.policy(validated_for=[{"model": "m"}, {"model": "n", "prompt_version": "2"}])
    rules = [
        judge(policy, candidate(*name), draw=invented.NEVER).rule
        for name in (("m", "1", None), ("m", None, "9"), ("n", "7", "2"), ("n", "7", "3"), ("o", "1", None))
    ]
    assert rules == ["threshold:default"] * 3 + ["unknown-model"] * 2


def candidate(model: str | None, version: str | None, prompt: str | None) -> Any:
    return invented.Candidate(990_000, model=model, model_version=version, prompt_version=prompt)


def test_naming_models_tightens_and_naming_more_loosens() -> None:
    plain, one, two = (
        parse_policy({"threshold": {"default": 0.9}, **more})
        for more in ({}, {"validated_for": KNOWN}, {"validated_for": [*KNOWN, {"model": "other"}]})
    )
    assert [tightens(plain, one), tightens(two, one)] == [True, True]
    assert [tightens(one, plain), tightens(one, two)] == [False, False]
    blocking = {"threshold": {"default": 0.9}, "rules": [invented.rule("block")]}
    assert not tightens(parse_policy(blocking), parse_policy({**blocking, "validated_for": KNOWN}))


@pytest.mark.parametrize(
    "wrong",
    [[], [{}], [{"model": ""}], [{"model": 3}], [{"model": "m"}, {"model": "m"}], {"model": "m"}, [{"name": "m"}]],
)
def test_a_document_that_names_no_model_properly_is_refused(wrong: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_policy({"threshold": {"default": 0.9}, "validated_for": wrong})
    assert refusal.value.errors[0].pointer.startswith("policy.validated_for")


def test_only_an_approver_lets_a_model_in_and_says_why(system: System) -> None:
    send(system, 1, model_version="4")
    with pytest.raises(NotAllowed):
        modelversions.admit(seen("4"), by=cast.acting(cast.dana()), because="It is mine.")
    with pytest.raises(Invalid):
        modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="  ")
    modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried.")
    with pytest.raises(Conflict):
        modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried.")


def test_on_a_high_tier_only_a_policy_lets_a_model_in(db) -> None:
    system = cast.system(risk_tier="high", validated_for=KNOWN)
    send(system, 1, model_version="4")
    with pytest.raises(NotAllowed, match="two people"):
        modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried.")


def test_a_model_let_in_is_out_again_when_the_tier_rises(system: System) -> None:
    send(system, 1, model_version="4")
    modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried.")
    registration.register_system(
        slug=system.slug, name=system.name, purpose=system.purpose, risk_tier="high", owner=system.owner,
        by=cast.acting(cast.dana()),
    )  # fmt: skip
    assert send(system, 2, model_version="4")["verdict"]["rule"] == "unknown-model"


def test_an_approver_lets_it_in_on_the_page_and_a_lead_shuts_it_out(system: System) -> None:
    send(system, 1, model_version="4<b>")
    url, version = f"/systems/{system.slug}/models/", seen("4<b>")
    erik, carol = cast.signed_in(cast.erik()), cast.signed_in(cast.carol())
    page = erik.get(url).content.decode()
    assert "was not validated for" in page
    assert "4<b>" not in page
    said = {"do": "admit", "model": str(version.pk), "because": "Tried."}
    assert carol.post(url, said).status_code == 403
    assert erik.post(url, {**said, "because": ""}).status_code == 422
    assert erik.post(url, said, follow=True).status_code == 200
    assert "let in by Erik" in carol.get(url).content.decode()
    assert carol.post(url, {"do": "bar", "model": str(version.pk)}).status_code == 302
    assert not ModelVersion.objects.get().is_admitted
    assert erik.post(url, {**said, "model": "nonsense"}).status_code == 404
    assert "1 unknown to the policy" in erik.get(f"/systems/{system.slug}/").content.decode()


def test_programs_read_and_steer_the_same(system: System) -> None:
    send(system, 1, model_version="4")
    erik = Program(system, "policies:read", "policies:write", person=cast.erik())
    (told,) = erik.get(f"systems/{system.slug}/models/").json()["results"]
    assert (told["model_version"], told["standing"]) == ("4", "unknown")
    # A signature by key is refused unless the policy in force admits it, and so is this.
    assert erik.post(f"systems/{system.slug}/models/{told['id']}/admit/", {"because": "Tried."}).status_code == 403


def test_an_approver_finds_the_unknown_model_on_her_home_page(system: System) -> None:
    send(system, 1, model_version="4")
    assert "does not know" in cast.signed_in(cast.erik()).get("/").content.decode()
    assert "does not know" not in cast.signed_in(cast.dana()).get("/").content.decode()
    modelversions.admit(seen("4"), by=cast.acting(cast.erik()), because="Tried.")
    assert "does not know" not in cast.signed_in(cast.erik()).get("/").content.decode()


def test_a_question_waits_on_the_proposers_home_page_until_she_answers(system: System) -> None:
    dana = cast.acting(cast.dana())
    version = lifecycle.propose(system, cast.policy(threshold={"default": 0.8}), by=dana).version
    amending.ask(version, by=cast.acting(cast.erik()), text="Why now?")
    assert "Answer a question about policy 2" in cast.signed_in(cast.dana()).get("/").content.decode()
    amending.ask(version, by=dana, text="The reader is better.")
    assert "Answer a question" not in cast.signed_in(cast.dana()).get("/").content.decode()
