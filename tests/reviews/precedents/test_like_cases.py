"""Cases in like words: found by PostgreSQL's full text, told only where they may be, forgotten with their content."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Output, OutputContent, System
from reviews import decisions, queue
from reviews.models import Decision, Item, Precedent
from reviews.pages.desk.alike import Alike, alike
from reviews.precedents import remembering
from reviews.precedents.wording import case_text, telling_words
from reviews.routing.rulebook import rulebook
from tests import cast
from tests.reviews.desk import desk

pytestmark = pytest.mark.django_db
AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}
CARD = "My replacement card never arrived although you promised delivery within seven working days"
LIKE = "The replacement card you promised has never arrived, and delivery took more than seven working days"
OTHER = "Please explain the exchange rate that was applied to my foreign currency transfer"


def house(**parts: Any) -> System:
    given = {"type": "object", "properties": {"text": {"type": "string"}, "email": {"type": "string"}}}
    return cast.system(contract_parts={"input": given, **parts}, review=AT_ONCE)


def came(system: System, text: str, *, digit: int = 7, **columns: Any) -> Item:
    (item,) = desk(system, digit=digit, **columns)
    OutputContent.objects.filter(output=item.output_id).update(
        input=json.dumps({"text": text, "email": "ann@lee.example"})
    )
    return item


def decided(item: Item, **answer: Any) -> Decision:
    actor = cast.acting(cast.bob())
    claim = queue.claim_item(actor, item.pk)
    decisions.decide(actor, item=item.pk, token=claim.token, **(answer or {"verdict": "approve"}))
    return Decision.objects.get(item=item)


def found(system: System, text: str, *, said: str = "7", besides: Item) -> Alike:
    contract = rulebook(Output.objects.get(pk=besides.output_id).policy_id).contract
    return alike(system.pk, given={"text": text}, ai_said=said, besides=besides.output_id, contract=contract)


def test_cases_in_like_words_come_first_with_what_was_decided_of_them() -> None:
    system = house()
    decided(came(system, CARD, digit=3), verdict="override", output={"digit": 4})
    decided(came(system, OTHER))
    assert remembering.remember() == 2
    assert remembering.remember() == 0
    shown = found(system, LIKE, besides=came(system, LIKE))
    assert shown.is_worded
    assert [(each.ai_said, each.verdict, each.said, each.excerpt) for each in shown.newest] == [
        ("3", "override", "4", CARD),
    ]  # fmt: skip
    assert shown.counts == (("override", "4", 1),)


def test_where_no_words_are_alike_the_same_answer_counts_and_one_query_asks_for_both() -> None:
    system = house()
    decided(came(system, OTHER))
    remembering.remember()
    item = came(system, CARD)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        shown = found(system, CARD, besides=item)
    assert len([each for each in asked if "reviews_precedent" in each["sql"]]) == 1
    assert not shown.is_worded
    assert [(each.verdict, each.excerpt) for each in shown.newest] == [("approve", "")]
    assert found(system, CARD, said="1", besides=item) == Alike()


def test_a_case_that_somebody_may_still_judge_or_that_stands_no_more_is_not_told() -> None:
    system, twice = house(), cast.policy(review=AT_ONCE, routing={
        "default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}})  # fmt: skip
    known = came(system, CARD)
    decided(known)
    remembering.remember()
    assert found(system, LIKE, besides=known) == Alike(), "an item is no precedent of itself"
    item = came(system, LIKE)
    assert found(system, LIKE, besides=item).total == 1
    decided(came(system, CARD, purpose="known_answer"))
    remembering.remember()
    assert found(system, LIKE, besides=item).total == 1, "what is known already is no precedent"
    cast.put_in_force(system, twice)
    open_one = came(system, CARD)
    decided(open_one)
    remembering.remember()
    assert Item.objects.get(pk=open_one.pk).state == "awaiting_second"
    assert found(system, LIKE, besides=item).total == 1, "the one that waits for a second person is left out"


def test_another_systems_cases_are_never_told() -> None:
    one, other = house(), cast.system("other", contract_parts={"input": {"type": "object"}}, review=AT_ONCE)
    decided(came(other, CARD))
    remembering.remember()
    assert found(one, LIKE, besides=came(one, LIKE)) == Alike()


def test_personal_data_is_not_remembered_and_what_is_erased_is_forgotten() -> None:
    item = came(house(), CARD)
    decided(item)
    remembering.remember()
    with connection.cursor() as cursor:
        cursor.execute("SELECT words::text, excerpt FROM reviews_precedent")
        words, excerpt = cursor.fetchone()
    assert "replacement" in words
    assert "lee" not in words
    assert "ann@" not in excerpt
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_outputcontent WHERE output_id = %s", [item.output_id])
    assert Precedent.objects.count() == 0


def test_only_the_newest_cases_of_a_system_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "KEPT", 2)
    system = house()
    made = [decided(came(system, f"{CARD} number {word}")) for word in ("one", "two", "three", "four")]
    while remembering.remember():
        pass
    remembering.forget()
    assert set(Precedent.objects.values_list("decision_id", flat=True)) <= {each.pk for each in made[1:]}
    assert Precedent.objects.count() <= 3


def test_the_index_answers_and_not_the_table() -> None:
    decided(came(house(), CARD))
    remembering.remember()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT 1 FROM reviews_precedent WHERE words @@ to_tsquery('simple', 'a & (b | c)')")
        assert "precedents_by_words" in "".join(row[0] for row in cursor.fetchall())


def test_the_words_of_a_case_are_its_long_ones_and_bounded() -> None:
    assert telling_words("Is it OK? It IS 12 o'clock & \u202e <b>drop</b> | tables:*") == ("tables", "clock", "drop")
    assert len(telling_words(" ".join(f"word{chr(97 + a)}{chr(97 + b)}" for a in range(26) for b in range(26)))) == 12
    contract = rulebook(Output.objects.get(pk=came(house(), CARD).output_id).policy_id).contract
    assert contract is not None
    assert len(case_text(contract, {"text": "x" * 99_999})) == 4_000
