"""The verb of intake: what it writes, what it refuses, what it does with repeats."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.evidence import leaf
from governance.models import Entry, Output, Payload, System
from governance.people.actors import CONSOLE
from governance.policies import lifecycle
from governance.policies.judge import draw_of
from governance.refusals import Refused
from reviews import intake
from reviews.delivery import endpoints
from reviews.intake.accepting import Result
from reviews.models import Item
from tests import cast
from tests.reviews.intake.sent import body

pytestmark = pytest.mark.django_db


def accept(bodies: list[intake.Body], system: System, **more: Any) -> list[Result]:
    results = intake.accept(bodies, system=system, actor=CONSOLE, **more)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return results


def codes(results: list[Result]) -> list[str]:
    return [r.code if isinstance(r, Refused) else "new" if r.is_new else "repeat" for r in results]


@pytest.fixture(params=[1, 3], ids=["alone", "in a chunk"])
def company(request: pytest.FixtureRequest) -> list[intake.Body]:
    """Other outputs that come along: both ways of writing have to do the same."""
    return [body(f"other-{number}") for number in range(request.param - 1)]


def test_a_released_output_has_its_row_its_content_and_its_entry(company: list[intake.Body]) -> None:
    system = cast.system(audit={"rate": 0})
    key = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = body(prompt_version="p1", attributes={"channel": "chat"}, confidence=0.9123456)
    (taken, *_) = accept([sent, *company], system, key=key, traceparent=trace)
    output = Output.objects.select_related("content", "policy").get(pk=taken.id)
    assert (output.status, output.resolved_by, output.rule, output.lane) == (
        "released", "policy", "threshold:default", "release",
    )  # fmt: skip
    assert (output.confidence, output.threshold, output.propensity, output.is_audit) == (912_345, 900_000, 0, False)
    assert (output.model, output.model_version, output.prompt_version) == ("digits-lr", "3.1", "p1")
    assert (output.key, output.traceparent, output.contract_version) == (key, trace, "1.0.0")
    assert output.policy_id == system.in_force_id
    assert output.final_at is not None
    assert json.loads(output.content.answer) == {"digit": 7}
    assert json.loads(output.content.context)["attributes"] == {"channel": "chat"}
    assert not Item.objects.exists()


def test_the_entry_commits_to_what_is_kept_and_follows_from_the_activation(company: list[intake.Body]) -> None:
    system = cast.system()
    (taken, *_) = accept([body(), *company], system)
    output = Output.objects.select_related("content", "policy").get(pk=taken.id)
    entry = Entry.objects.get(pk=output.entry_id)
    told = json.loads(bytes(entry.leaf))
    assert (entry.type, entry.subject, entry.rev, entry.system) == ("judged", output.pk, 1, system.pk)
    assert bytes(entry.leaf_hash) == leaf.leaf_hash(bytes(entry.leaf))
    assert leaf.leaf_bytes(told) == bytes(entry.leaf)
    activation = Entry.objects.get(pk=output.policy.activation_id)
    assert told["causes"] == [told["policy"]["entry"]] == [bytes(activation.leaf_hash).hex()]
    kept = output.content
    contents = {"input": kept.input, "output": kept.answer, "context": kept.context, "gate_inputs": kept.gate_inputs}
    for commitment in told["commitments"]:
        salt = leaf.salt_for(bytes(kept.salt_key), commitment["name"])
        content = contents.pop(commitment["name"]).encode()
        assert commitment["digest"] == leaf.commit(salt, commitment["name"], content)
    assert not contents
    assert not Payload.objects.filter(entry=entry.pk).exists()
    version = max(settings.DRAW_KEYS)
    draw = draw_of(settings.DRAW_KEYS[version], str(system.pk), "one")
    assert (told["gate"]["draw"], told["gate"]["draw_key"]) == (f"{draw:016x}", version)


def test_what_needs_people_brings_one_item_and_nothing_else(company: list[intake.Body]) -> None:
    system = cast.system(audit={"rate": 0})
    (taken, *_) = accept([body(confidence=0.5), *company], system)
    item = Item.objects.get()
    output = Output.objects.get(pk=taken.id)
    assert (item.output_id, item.system_id, item.entry_id) == (output.pk, system.pk, output.entry_id)
    assert (item.purpose, item.state, item.round, item.is_blind) == ("review", "open", 1, False)
    assert (item.routed_at, item.queue_id, item.route, item.created_at) == (None, None, {}, output.received_at)
    assert (output.status, output.resolved_by, output.final_at) == ("in_review", None, None)


def test_an_audit_is_released_and_has_a_blind_item(company: list[intake.Body]) -> None:
    (taken, *_) = accept([body(), *company], cast.system(audit={"rate": 1}))
    output = Output.objects.get(pk=taken.id)
    item = Item.objects.get(output=output)
    assert (output.status, output.is_audit, output.is_held, output.propensity) == ("released", True, False, 1_000_000)
    assert (item.purpose, item.is_blind) == ("audit", True)


def test_a_blocked_output_is_final_at_once(company: list[intake.Body]) -> None:
    rule = {"id": "no-sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "then": "block"}
    (taken, *_) = accept([body(), *company], cast.system(rules=[rule]))
    output = Output.objects.get(pk=taken.id)
    assert (output.status, output.resolved_by, output.rule) == ("blocked", "policy", "no-sevens")
    assert output.final_at is not None
    assert not Item.objects.filter(output=output).exists()


def test_without_a_policy_in_force_everything_is_reviewed(company: list[intake.Body]) -> None:
    system, _ = cast.bare_system()
    (taken, *_) = accept([body(confidence=1), *company], system)
    output = Output.objects.get(pk=taken.id)
    assert (output.status, output.rule, output.policy_id, output.contract_version) == (
        "in_review", "no-policy", None, None,
    )  # fmt: skip
    assert "policy" not in json.loads(bytes(Entry.objects.get(pk=output.entry_id).leaf))


def test_an_unapproved_policy_releases_nothing_on_a_high_tier() -> None:
    system, _ = cast.bare_system(risk_tier="high")
    version = lifecycle.propose(system, cast.policy(), by=cast.acting(cast.dana()), because="The first.").version
    lifecycle.bootstrap(version, by=cast.acting(cast.dana()), because="The first.")
    (taken,) = accept([body(confidence=1)], system)
    assert Output.objects.get(pk=taken.id).rule == "unapproved-policy"


def test_the_policy_that_was_just_put_in_force_judges_the_next_output() -> None:
    system = cast.system(threshold={"default": 0.9})
    (before,) = accept([body("before")], system)
    version = cast.put_in_force(system, cast.policy(threshold={"default": 0.99}))
    (after,) = accept([body("after")], system)
    many = accept([body("after-1"), body("after-2")], system)
    assert Output.objects.get(pk=before.id).lane == "release"
    assert {o.policy_id for o in Output.objects.filter(pk__in=[t.id for t in [after, *many]])} == {version.pk}


def test_the_same_body_again_changes_nothing(company: list[intake.Body]) -> None:
    system = cast.system(audit={"rate": 0})
    bodies = [body(confidence=0.5), *company]
    first = accept(bodies, system)
    count = Entry.objects.count()
    again = accept(bodies, system)
    assert codes(again) == ["repeat"] * len(bodies)
    assert [taken.id for taken in again] == [taken.id for taken in first]
    assert (Output.objects.count(), Entry.objects.count(), Item.objects.count()) == (len(bodies), count, 1)


def test_another_body_under_the_same_id_is_a_conflict(company: list[intake.Body]) -> None:
    system = cast.system()
    accept([body()], system)
    (refusal, *others) = accept([body(confidence=0.5), *company], system)
    assert (refusal.status, refusal.code, refusal.errors[0].pointer) == (409, "conflict", "/external_id")
    assert codes(others) == ["new"] * len(company)
    assert Output.objects.get(external_id="one").confidence == 950_000


def test_within_one_batch_lines_follow_the_same_rule_in_order() -> None:
    system = cast.system()
    results = accept([body("a"), body("b"), body("a"), body("a", confidence=0.1), body("b")], system)
    assert codes(results) == ["new", "new", "repeat", "conflict", "repeat"]
    assert results[2].id == results[0].id
    assert results[4].id == results[1].id
    assert codes(accept([body("a", confidence=0.1), body("a"), body("c")], system)) == ["conflict", "repeat", "new"]


def test_chunks_of_a_thousand_are_written_and_known_ones_left_out() -> None:
    system = cast.system()
    bodies = [body(f"n{number}", confidence=number % 100 / 100) for number in range(2_500)]
    assert codes(accept(bodies[::2], system)) == ["new"] * 1_250
    assert codes(accept(bodies, system)) == ["repeat", "new"] * 1_250
    assert Output.objects.count() == Entry.objects.filter(type="judged").count() == 2_500


def test_an_output_for_another_system_is_not_taken_in() -> None:
    system, other = cast.system(), cast.system("letters")
    results = accept([body(), body("two", system=other.slug)], system)
    assert codes(results) == ["new", "not_found"]
    assert results[1].errors[0].pointer == "/system"


def test_a_callback_goes_only_to_an_origin_registered_for_the_system() -> None:
    system = cast.system()
    endpoints.create(system, url="https://hooks.example.org/in", events=["output.resolved"], by=cast.acting(cast.eng()))
    urls = [
        "https://hooks.example.org/elsewhere?x=1", "https://hooks.example.org:443/", "https://evil.example.org/in",
        "https://hooks.example.org@evil.example.org/", "https://hooks.example.org:8443/in", "javascript:alert(1)",
        "http://hooks.example.org/in", "https://user@hooks.example.org/in", "//hooks.example.org", "https://[::1",
        "https://hooks.example.org:99999/",
    ]  # fmt: skip
    results = accept([body(f"n{n}", callback_url=url) for n, url in enumerate(urls)], system)
    assert codes(results) == ["new", "new"] + ["invalid"] * 9
    assert {refusal.errors[0].pointer for refusal in results[2:]} == {"/callback_url"}


def test_one_output_takes_one_query_and_a_chunk_the_same_number_however_long() -> None:
    system = cast.system()
    accept([body("warm")], system)
    with CaptureQueriesContext(connection) as alone:
        intake.accept([body()], system=system, actor=CONSOLE)
    assert len(alone) == 1
    counts = []
    for size in (2, 500):
        bodies = [body(f"{size}-{n}", confidence=0.1 * (n % 10)) for n in range(size)]
        with CaptureQueriesContext(connection) as chunk:
            intake.accept(bodies, system=system, actor=CONSOLE)
        counts.append(len(chunk))
    assert counts[0] == counts[1] <= 7, "a savepoint and its release, the guard, four tables"
