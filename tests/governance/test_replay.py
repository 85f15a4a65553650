"""A replay says of every recorded output what judging it would say, and of all together what that would have meant."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.models import Entry, Output, System
from governance.policies import replay
from governance.policies.replay import Window
from governance.refusals import Invalid, NotAllowed
from governance.tuning import replaying
from tests import cast
from tests.governance import replaying as outputs
from tests.governance.policies.invented import ask, policy, rule

pytestmark = pytest.mark.django_db
COUNT = 20_000 if os.environ.get("COUNTERSIGN_FULL") == "1" else 3_000

BASE = policy(
    threshold={"default": 0.9, "segments": [
        {"id": "chats", "when": ask("attributes.channel", "eq", "chat", on_missing="false"), "threshold": 0.8}]},
    rules=[rule("review", ask("input.amount", "gt", 100, on_missing="true"), "large")],
    routing={"rules": [{"id": "kinds", "when": ask("input.kind", "starts_with", "Re"), "queue": "refunds"}]},
)  # fmt: skip
OTHER = policy(
    threshold={"default": 0.5},
    rules=[
        rule("block", {"all": [ask("input.kind", "matches", "(?i)^refund"), ask("input.amount", "ge", 500)]}, "large"),
        rule("review", ask("input.kind", "matches", "^$", on_missing="false"), "empty"),
        rule("release", {"any": [ask("output.digit", "in", [1, 2, 3]), ask("confidence", "ge", 0.97)]}, "sure"),
        rule("review", ask("input.lines.0.at", "lt", "2026-03-01T00:00:00Z"), "old"),
        rule("review", {"not": ask("model_version", "eq", "3.1")}, "new-model"),
    ],
    routing={"rules": [{"id": "late", "when": ask("input.lines.0.at", "ge", "2026-06-01T00:00:00Z"), "queue": "late"}]},
    audit={"rate": 0.1},
)  # fmt: skip


@pytest.fixture
def system() -> System:
    return cast.system(contract_parts={"input": {"type": "object"}})


def whole(system: System) -> Window:
    now = timezone.now()
    return Window(system.pk, now - timedelta(days=1), now + timedelta(minutes=1))


def test_a_replay_says_of_each_output_what_judging_it_says(system: System) -> None:
    outputs.send(system, COUNT)
    for base, candidate in ((BASE, OTHER), (OTHER, BASE)):
        counted = replay.tally(whole(system), base=base, candidate=candidate)
        found: Counter[tuple[Any, ...]] = Counter()
        for group in counted.groups:
            was, becomes = counted.base[group.base], counted.candidate[group.candidate]
            found[
                group.hour, (was.lane, was.rule, was.threshold), (becomes.lane, becomes.rule, becomes.threshold),
                counted.base_places[group.base_place].queue, counted.candidate_places[group.candidate_place].queue,
                group.propensity,
            ] += group.total  # fmt: skip
        assert found == outputs.judged(outputs.candidates(system), base, candidate)
        assert counted.outputs == COUNT


def test_the_outputs_that_change_lane_are_listed_page_by_page(system: System) -> None:
    outputs.send(system, 400)
    expected = []
    for output, one in outputs.candidates(system):
        was, becomes = (outputs.judge(policy, one, draw=outputs.NEVER) for policy in (BASE, OTHER))
        if was.lane != becomes.lane:
            expected.append((output.pk, was.lane, becomes.lane, becomes.rule))
    pages: list[Any] = []
    while True:
        more = replay.flips(
            whole(system), base=BASE, candidate=OTHER, before=pages[-1].id if pages else None, most=30
        )  # fmt: skip
        pages += more
        if len(more) < 30:
            break
    assert [(flip.id, flip.was.lane, flip.becomes.lane, flip.becomes.rule) for flip in pages] == expected
    assert len(expected) > 60


def test_known_answers_are_nobodys_outputs_and_are_not_replayed(system: System) -> None:
    outputs.send(system, 40)
    replays = list(Output.objects.values_list("pk", flat=True)[:15])
    Output.objects.filter(pk__in=replays).update(is_known_answer=True)
    assert replay.tally(whole(system), base=BASE, candidate=OTHER).outputs == 25
    assert not {flip.id for flip in replay.flips(whole(system), base=BASE, candidate=OTHER, most=30)} & set(replays)


def test_an_erased_output_is_asked_about_nothing_it_said(system: System) -> None:
    outputs.send(system, 50)
    Output.objects.get(external_id="r-1").content.delete()
    assert replay.tally(whole(system), base=BASE, candidate=OTHER).outputs == 50


def test_escaped_errors_are_weighted_by_the_probability_of_having_been_looked_at() -> None:
    released = replay.Outcome("release", "threshold:default", 900_000)
    groups = [
        replay.Group(0, 0, 0, 0, 0, 1_000_000, 100, 100, 3),  # reviewed in full: 3 wrong
        replay.Group(0, 0, 0, 0, 0, 50_000, 2000, 100, 2),  # 1 in 20 checked: 2 stand for 40
    ]
    found = replaying.escaped(groups, [released], "candidate", delta=0.05)
    assert (found.released, found.known, found.wrong, found.estimate) == (2100, 200, 5, 43.0)
    assert 3 + 2000 * 0.0571 < found.bound < 3 + 2000 * 0.08
    groups.append(replay.Group(0, 0, 0, 0, 0, 0, 10, 0, 0))  # nobody ever looks at these
    blind = replaying.escaped(groups, [released], "candidate", delta=0.05)
    assert blind.estimate is None
    assert blind.bound > found.bound + 10


def test_what_a_replay_found_is_stored_with_its_digest_and_an_entry(system: System) -> None:
    outputs.send(system, 200)
    dana = cast.acting(cast.dana(), system)
    made = replaying.run(system, cast.policy(threshold={"default": 0.5}), by=dana)
    told = replaying.told(made)
    lanes = [told[side]["lanes"] for side in ("base", "candidate")]
    assert [sum(side.values()) for side in lanes] == [200, 200]
    assert lanes[1]["release"] > lanes[0]["release"]
    assert sum(flip["outputs"] for flip in told["flips"]) == lanes[1]["release"] - lanes[0]["release"]
    assert told["candidate"]["hours"] < told["base"]["hours"]
    assert Entry.objects.get(pk=made.entry_id).type == "replayed"
    again = replaying.run(system, cast.policy(threshold={"default": 0.5}), by=dana)
    assert again.digest != made.digest  # another window


def test_a_replay_needs_a_policy_of_this_system_and_somebody_who_may(system: System) -> None:
    dana = cast.acting(cast.dana(), system)
    with pytest.raises(Invalid):
        replaying.run(system, {"threshold": {"default": 2}}, by=dana)
    with pytest.raises(Invalid, match="1 to 366 days"):
        replaying.run(system, cast.policy(), by=dana, days=0)
    for nobody in (cast.alice(), cast.ruth(), cast.eng()):
        with pytest.raises(NotAllowed):
            replaying.run(system, cast.policy(), by=cast.acting(nobody, system))
