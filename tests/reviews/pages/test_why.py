"""The why page: one sentence that is true of the output, its story with the proofs, and nobody who may not see it."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from uuid_utils.compat import uuid7

from governance.models import Entry, Output, System
from governance.people.actors import CONSOLE
from reviews import decisions, intake
from reviews.models import Item
from reviews.pages import why_words
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.governance.evidence.sealing import Sealer, put_in_place
from tests.reviews.pages.deciding import AT_ONCE, decide, queries, read, signed_in

EMAIL = "kim.surname@example.org"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def arrive(of: System, *, confidence: float = 0.62, digit: object = 4, **parts: object) -> Output:
    """An output that came in by the ordinary door, routed if it needs a person."""
    body = intake.Body(
        system=of.slug, external_id=f"msg-{uuid7()}", input=parts.pop("input", {"pixels": [1]}),
        output={"digit": digit}, confidence=str(confidence).encode(), model="lr", model_version="3", **parts,
    )  # fmt: skip
    (taken,) = intake.accept([body], system=of, actor=CONSOLE)
    assert isinstance(taken, intake.Taken), taken
    route_waiting()
    return Output.objects.get(pk=taken.id)


def item_of(output: Output) -> Item:
    return Item.objects.get(output=output)


def why(who, output: Output, status: int = 200) -> str:
    return read(who, f"/outputs/{output.pk}/", status)


def statement(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page[page.index("<h1>") : page.index("</h1>")]).split(" "))


@pytest.mark.django_db
def test_what_went_out_alone_says_from_where_it_may_and_how_sure_the_ai_was():
    said = statement(why(cast.ruth(), arrive(cast.system(audit={"rate": 0}), confidence=0.98)))
    assert said.startswith("This answer went out without a person, because ")
    assert said.endswith("policy 1 allows it from 90\u202f% and the AI was 98\u202f% sure.")


@pytest.mark.django_db
def test_what_waits_says_what_it_waits_for():
    said = statement(why(cast.ruth(), arrive(cast.system())))
    assert said == "This answer waits for a person, because the AI was 62\u202f% sure and policy 1 asks for 90\u202f%."


@pytest.mark.django_db
def test_a_correction_is_told_with_its_name_as_a_difference():
    output = arrive(cast.system(review=AT_ONCE))
    decide(cast.alice(), item_of(output), "override", output={"digit": 9}, comment="The loop is <closed>.")
    page = why(cast.ruth(), output)
    assert statement(page).startswith("Alice answered 9 where the AI said 4. It came to a person because the AI was")
    assert re.search(r"<del><span[^>]*>4</span></del> <ins><span[^>]*>9</span></ins>", page)
    assert "The loop is &lt;closed&gt;." in page


@pytest.mark.django_db
def test_a_decision_that_can_be_taken_back_says_until_when():
    output = arrive(cast.system())
    decide(cast.alice(), item_of(output))
    assert "It can be taken back until" in statement(why(cast.ruth(), output))


@pytest.mark.django_db
def test_a_broken_contract_is_named_with_its_problem():
    page = why(cast.ruth(), arrive(cast.system(), digit=12))
    assert "because it breaks its contract" in statement(page)
    assert "/output/digit" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lane", "then"),
    [
        ("block", "Nothing went out, because the rule seven of policy 1 blocks it."),
        ("review", "This answer waits for a person, because the rule seven of policy 1 asks for a person."),
        ("release", "This answer went out without a person, because the rule seven of policy 1 lets it go out."),
    ],
)
def test_what_a_rule_decided_names_the_rule_and_shows_its_condition_with_the_value(lane: str, then: str):
    rule = {
        "id": "seven",
        "when": {"field": "output.digit", "op": "eq", "value": 7},
        "then": lane,
        "because": "Sevens are special.",
    }
    page = why(cast.ruth(), arrive(cast.system(rules=[rule], audit={"rate": 0}), confidence=0.95, digit=7))
    assert statement(page) == then
    assert re.search(r"The AI's answer digit is 7|The AI&#x27;s answer digit is 7", page)
    assert "<code>seven</code>" in page


def test_the_end_by_fallback_is_nobodys_judgement():
    output = Output(
        status="rejected", resolved_by="fallback", lane="review", rule="threshold:default", threshold=900_000,
        confidence=1, is_held=False, is_breached=False,
    )  # fmt: skip
    said = why_words.statement(output, policy=3, decision=None, now=NOW)
    assert said == "Nobody decided in time, so this answer was rejected, as policy 3 says."


def test_a_release_found_wrong_says_so():
    output = Output(
        status="released", resolved_by="policy", lane="release", rule="threshold:default", threshold=900_000,
        confidence=979_999, is_held=False, is_breached=False, correction=uuid7(),
    )  # fmt: skip
    said = why_words.statement(output, policy=3, decision=None, now=NOW)
    assert said.endswith("the AI was 97.9\u202f% sure. It was found wrong afterwards.")


@pytest.mark.django_db
def test_every_step_shows_its_entry_and_whether_it_is_sealed():
    output = arrive(cast.system())
    routed = Entry.objects.get(type="routed")
    put_in_place(routed)
    page = why(cast.ruth(), output)
    steps = re.findall(r'/evidence/([0-9a-f-]{36})/"[^>]*><code>.*?data-state="(\w+)"', page)
    assert dict(steps)[str(routed.pk)] == "sealed"
    assert {state for entry, state in steps if entry != str(routed.pk)} == {"pending"}
    judged = Entry.objects.get(type="judged")
    assert bytes(judged.leaf_hash).hex() in page
    assert "In the log, waits for its seal" in page


@pytest.mark.django_db
def test_the_machine_form_is_the_entry_itself():
    output = arrive(cast.system())
    shown = re.search(r'<pre class="machine"[^>]*>(.*?)</pre>', why(cast.ruth(), output), re.S)[1]
    leaf = json.loads(bytes(Entry.objects.get(type="judged").leaf))
    assert json.loads(shown.replace("&quot;", '"')) == leaf


@pytest.mark.django_db
def test_whoever_may_judge_it_blind_finds_nothing_until_she_has():
    output = arrive(cast.system(audit={"rate": 1.0}, review=AT_ONCE), confidence=0.99)
    why(cast.alice(), output, status=404)
    why(cast.carol(), output, status=404)
    why(cast.ruth(), output)
    decide(cast.alice(), item_of(output), None, output={"digit": 4})
    why(cast.alice(), output)


@pytest.mark.django_db
def test_the_first_of_two_answers_is_hidden_from_whoever_could_give_the_second():
    pair = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    output = arrive(cast.system(routing=pair))
    decide(cast.alice(), item_of(output), "override", output={"digit": 9})
    assert "overrides it" not in why(cast.bob(), output)
    assert "overrides it" in why(cast.ruth(), output)


@pytest.mark.django_db
def test_personal_data_is_masked_for_those_without_the_right():
    output = arrive(cast.system(), input={"pixels": [1], "email": EMAIL})
    owner, lead = why(cast.dana(), output), why(cast.carol(), output)
    assert EMAIL not in owner
    assert "masked" in owner
    assert EMAIL in lead


@pytest.mark.django_db
def test_hostile_content_is_text_with_what_hides_in_it_marked():
    hostile = "<script>alert(1)</script>\u202egnp.exe"
    page = why(cast.ruth(), arrive(cast.system(), input={"email": hostile}, explanation=hostile))
    assert "<script>alert" not in page
    assert "U+202E" in page
    assert "\u202e" not in page


@pytest.mark.django_db
def test_another_systems_output_does_not_exist():
    mine, other = cast.system("mine"), cast.system("other")
    why(cast.person("lena", "lead", system=mine), arrive(other), status=404)
    why(cast.admin(), arrive(other), status=404)
    read(cast.ruth(), f"/outputs/{uuid7()}/", status=404)


@pytest.mark.django_db
def test_the_page_costs_the_same_queries_however_long_the_story_is():
    pair = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    of = cast.system(routing=pair, review=AT_ONCE)
    output, browser = arrive(of), signed_in(cast.ruth())
    decide(cast.alice(), item_of(output))
    decide(cast.bob(), item_of(output))
    url = f"/outputs/{output.pk}/"
    browser.get(url)
    short = queries(browser, url)
    last = decisions.supersede(
        cast.acting(cast.carol()), Output.objects.get(pk=output.pk).decision, verdict="override", output={"digit": 1}
    )
    assert last
    assert queries(browser, url) <= short + 1  # nothing grows with the steps; a name more may be looked up
    assert short <= 20


@pytest.mark.django_db
def test_what_is_learnt_later_is_a_step_of_the_story():
    system = cast.system(audit={"rate": 0})
    output = arrive(system, confidence=0.98)
    assert "The truth is not known yet." in why(cast.ruth(), output)
    actor = cast.bearer(cast.key_for(system, ("outcomes:write",)))
    body = {"external_id": output.external_id, "correct": False, "source": "complaint"}
    answer = Client().post("/api/v1/outcomes/", body, content_type="application/json", headers=actor)
    assert answer.status_code == 201
    page = why(cast.ruth(), output)
    assert "The truth is learnt from complaint: the answer was wrong." in page
    assert "The truth is not known yet." not in page


@pytest.mark.django_db
def test_in_plain_words_it_is_told_whether_a_person_looked_and_nobody_is_named():
    system = cast.system(audit={"rate": 0}, review=AT_ONCE)
    alone, looked = arrive(system, confidence=0.98), arrive(system)
    decide(cast.alice(), item_of(looked), "override", output={"digit": 3})
    for output, said in ((alone, "No person looked at it before"), (looked, "A person looked at it and gave another")):
        plain = why(cast.ruth(), output).split("In plain words")[1].split("</section>")[0]
        assert said in plain
        assert "Alice" not in plain


@pytest.mark.django_db
def test_the_proof_says_where_the_entry_stands_and_who_else_holds_the_head(tmp_path):
    output = arrive(cast.system(audit={"rate": 0}), confidence=0.98)
    assert "Download proof" not in why(cast.ruth(), output)
    size = Sealer(tmp_path).all()
    page = why(cast.ruth(), output)
    assert f"of {size}" in page
    assert "nobody known" in page
    assert "Download proof" in page
    assert "Download proof" not in why(cast.alice(), output)
