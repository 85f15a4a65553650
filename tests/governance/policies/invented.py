"""Policies and outputs for tests: a few written by hand, the rest invented by Hypothesis."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from governance.policies.candidate import Candidate
from governance.policies.document import parse_policy
from governance.policies.policy import Policy

NEVER, ALWAYS = 2**64 - 1, 0


def ask(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


def policy(**blocks: Any) -> Policy:
    return parse_policy({"threshold": {"default": 0.9}, **blocks})


def rule(then: str, when: dict[str, Any] | None = None, name: str = "the-rule", **more: Any) -> dict[str, Any]:
    return {"id": name, "when": when or ask("input.x", "gt", 5), "then": then, **more}


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["a", "b", "3"])
bodies = st.dictionaries(st.sampled_from(["x", "y"]), scalars)
candidates = st.builds(
    Candidate,
    confidence=st.none() | st.integers(0, 1_000_000),
    input=bodies,
    output=bodies | scalars,
    received_at=st.datetimes(timezones=st.just(UTC)),
)
leaves = st.builds(
    ask,
    st.sampled_from(["input.x", "input.y", "output.x"]),
    st.sampled_from(["eq", "gt", "le", "in"]),
    st.integers(-3, 3),
    on_missing=st.sampled_from(["escalate", "true", "false"]),
).map(lambda leaf: {**leaf, "value": [leaf["value"], "a"]} if leaf["op"] == "in" else leaf)
whens = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=5,
).filter(lambda data: str(data).count("{") < 12)
shares = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)
rules = st.lists(st.tuples(whens, st.sampled_from(["release", "review", "block"])), max_size=4, unique_by=str)


def document(rules: Any, default: float, segments: Any, rate: float, hold: bool) -> dict[str, Any]:
    return {
        "threshold": {"default": default, "segments": [
            {"id": f"s{number}", "when": when, "threshold": own} for number, (when, own) in enumerate(segments)]},
        "rules": [rule(then, when, f"r{number}") for number, (when, then) in enumerate(rules)],
        "audit": {"rate": rate, "hold": hold},
    }  # fmt: skip


def distinct(parts: list[Any]) -> list[Any]:
    return list({json.dumps(when, sort_keys=True): (when, then) for when, then in parts}.values())


segments = st.lists(st.tuples(whens, shares), max_size=2)
documents = st.builds(document, rules.map(distinct), shares, segments, shares, st.booleans())
draws = st.integers(0, 2**64 - 1)
