"""Which changes tighten, and where items go."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.policies.candidate import Candidate
from governance.policies.canonical import canonical_bytes
from governance.policies.direction import tightens
from governance.policies.document import parse_policy
from governance.policies.judge import judge
from governance.policies.routes import route
from tests.governance.policies.invented import NEVER, ask, candidates, documents, policy, rule, shares, whens


@st.composite
def changes(draw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A policy and a change of it: thresholds moved, rules put in, taken out or given another outcome."""
    old = draw(documents)
    new = json.loads(json.dumps(old))
    new["threshold"]["default"] = draw(shares | st.just(old["threshold"]["default"]) | st.just(1.0))
    for segment in new["threshold"]["segments"]:
        segment["threshold"] = draw(shares | st.just(segment["threshold"]) | st.just(1.0))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(new["rules"])))
        when = draw(whens)
        if all(canonical_bytes(part["when"]) != canonical_bytes(when) for part in new["rules"]):
            new["rules"].insert(place, rule(draw(st.sampled_from(["release", "review", "block"])), when, "new"))
    if new["rules"] and draw(st.booleans()):
        new["rules"][draw(st.integers(0, len(new["rules"]) - 1))]["then"] = draw(st.sampled_from(["review", "block"]))
    if new["rules"] and draw(st.integers(0, 4)) == 0:
        new["rules"].pop(draw(st.integers(0, len(new["rules"]) - 1)))
    if draw(st.booleans()):
        new["threshold"]["segments"].insert(
            0, {"id": "new", "when": draw(whens), "threshold": draw(shares | st.just(1))}
        )
    return old, new


STRICTNESS = {"release": 0, "review": 1, "block": 2}


@given(changes(), st.lists(candidates, min_size=1, max_size=20))
def test_a_change_that_tightens_releases_nothing_more(change: Any, outputs: list[Candidate]) -> None:
    old, new = (parse_policy(data) for data in change)
    assert tightens(old, old)
    if not tightens(old, new):
        return
    for output in outputs:
        before, after = (judge(own, output, draw=NEVER).lane for own in (old, new))
        assert after != "release" or before == "release"
        assert before != "block" or after == "block"


def test_tightening_and_loosening_are_told_apart() -> None:
    base = {"threshold": {"default": 0.9}, "rules": [rule("review")], "audit": {"rate": 0.05}}
    block = rule("block", ask("input.x", "gt", 9), "b")

    def is_tighter(old: dict[str, Any] | None = None, **changes_: Any) -> bool:
        return tightens(parse_policy({**base, **(old or {})}), parse_policy({**base, **(old or {}), **changes_}))

    assert is_tighter()
    assert is_tighter(threshold={"default": 0.95})
    assert is_tighter(rules=[rule("review", ask("input.x", "gt", 1), "front"), rule("review")])
    assert is_tighter(rules=[rule("block")])
    assert is_tighter(audit={"rate": 0.06, "hold": True})
    assert is_tighter(
        threshold={"default": 0.9, "segments": [{"id": "s", "when": ask("input.x", "gt", 9), "threshold": 1}]}
    )
    assert not is_tighter(threshold={"default": 0.899999})
    assert not is_tighter(rules=[])
    assert not is_tighter(rules=[rule("release", ask("input.x", "gt", 9), "n"), rule("review")])
    assert not is_tighter(rules=[rule("review", ask("input.x", "gt", 6))])
    assert not is_tighter(audit={"rate": 0.04})
    assert not is_tighter(old={"audit": {"rate": 0.05, "hold": True}}, audit={"rate": 1.0})
    assert not is_tighter(old={"rules": [block]}, rules=[rule("review", ask("input.x", "gt", 8), "front"), block])
    assert not is_tighter(sla={"on_breach": [{"after": "PT1H", "do": "resolve", "as": "release"}]})
    assert not is_tighter(routing={"default": {"queue": "other"}})
    assert not is_tighter(
        threshold={"default": 0.9, "segments": [{"id": "s", "when": ask("input.x", "gt", 9), "threshold": 0.8}]}
    )


def test_an_output_is_routed_by_the_first_rule_that_matches() -> None:
    own = policy(routing={
        "default": {"queue": "general"},
        "queues": {"general": {}, "cards": {"mode": "assign", "escalates_to": "seniors"}},
        "rules": [
            {"id": "vip", "when": ask("input.vip", "eq", True), "queue": "general", "priority": 90},
            {"id": "cards", "when": ask("output.intent", "eq", "card"), "queue": "cards", "skills": ["cards"],
             "reviewers": 2},
        ],
    })  # fmt: skip
    cards = route(own, Candidate(1, {}, {"intent": "card"}, received_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert (cards.queue, cards.skills, cards.priority, cards.reviewers, cards.rule) == (
        "cards",
        ("cards",),
        50,
        2,
        "cards",
    )
    assert cards.sentence == "It goes to cards because the AI's answer intent is card."
    assert cards.trace[0]["result"] == "missing"
    rest = route(own, Candidate(1, {"vip": False}, {}))
    assert (rest.queue, rest.rule) == ("general", "default")
    assert rest.sentence.endswith("A field is missing for cards.")
