"""Every kind of condition, and candidates that answer them this way and that, invented by Hypothesis."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from governance.policies import operators
from governance.policies.candidate import Candidate
from governance.policies.conditions import Condition, parse
from governance.refusals import Invalid, Problem

TEXTS = (
    "",
    "a",
    "b",
    "ab",
    "aB",
    "500",
    "true",
    "null",
    "[1]",
    "é",
    "\uffff",
    "\U0001f600",
    "a b",
    "or",
    "%s",
    "x'y\\",
)
TIMES = (
    "2026-01-01T00:00:00Z", "2026-01-01T00:30:00+01:00", "2026-01-01t00:00:00.000001z", "2026-02-30T00:00:00Z",
    "2024-02-29 23:59:59-11:30", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01", "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00Z\n", "0000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
)  # fmt: skip
PATTERNS = ("^a", "b$", "", "(?i)AB", "[0-9]+", ".")

texts = st.sampled_from([*TEXTS, *TIMES])
numbers = (
    st.sampled_from(
        [0, 1, -1, 500, 1.0, 0.1, 0.30000000000000004, 500.5, 1e23, 10**23, 10**23 + 1, -0.0, 2**53 + 1, 1e-9]
    )
    | st.integers(-3, 3)
    | st.floats(-3, 3, allow_nan=False)
)
scalars = st.none() | st.booleans() | numbers | texts
values = (
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from(["k", "0", "a.b"]), scalars, max_size=2)
)
bodies = st.dictionaries(st.sampled_from(["x", "y", "list", "a.b"]), values | st.lists(values, max_size=2), max_size=4)
shares = st.sampled_from([0, 0.5, 0.9, 0.900001, 1])

FIELDS = (
    "input.x", "input.y", "output.x", "attributes.channel", "input.list.0", "input.list.01", "input.list.k",
    'input."a.b".k', "input.list.1.0", "confidence", "model", "model_version", "prompt_version", "received.hour",
    "received.weekday", "contract.breached",
)  # fmt: skip
PLAIN_FIELDS = (
    "input.x",
    "input.y",
    "output.z",
    "confidence",
    "prompt_version",
    "received.weekday",
    "contract.breached",
)

literals = {
    "confidence": shares, "received.hour": st.integers(0, 23), "received.weekday": st.sampled_from([1, 3, 7, 5.0]),
    "contract.breached": st.booleans(), "model": texts, "model_version": texts, "prompt_version": texts,
}  # fmt: skip


@st.composite
def leaves(draw: st.DrawFn, among: tuple[str, ...] = FIELDS) -> dict[str, Any]:
    """A question that the language takes."""
    field, op = draw(st.sampled_from(among)), draw(st.sampled_from(operators.NAMES))
    one = literals.get(field, values)
    leaf: dict[str, Any] = {"field": field, "op": op}
    if op == "exists":
        return leaf | draw(st.sampled_from([{}, {"value": True}, {"value": False}]))
    if op in ("in", "not_in"):
        leaf["value"] = draw(st.lists(one, min_size=1, max_size=3))
    elif op == "between":
        leaf["value"] = draw(st.lists(one, min_size=2, max_size=2))
    else:
        leaf["value"] = draw(st.sampled_from(PATTERNS)) if op == "matches" else draw(one)
    return leaf | draw(st.sampled_from([{}, {}, *({"on_missing": said} for said in ("escalate", "false", "true"))]))


def is_asked(data: Any) -> bool:
    try:
        parse(data)
    except Invalid:
        return False
    return True


def conditions(among: tuple[str, ...] = FIELDS) -> st.SearchStrategy[Condition]:
    """Whole conditions, nested in all ways."""
    return (
        st.recursive(
            leaves(among).filter(is_asked),
            lambda inner: (
                st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
                | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
                | inner.map(lambda part: {"not": part})
            ),
            max_leaves=6,
        )
        .filter(is_asked)
        .map(parse)
    )


candidates = st.builds(
    Candidate,
    confidence=st.none() | st.sampled_from([0, 500_000, 899_999, 900_000, 900_001, 1_000_000]),
    input=bodies | values,
    output=bodies | values,
    attributes=st.dictionaries(st.just("channel"), values),
    model=st.none() | texts.filter(bool),
    model_version=st.none() | texts.filter(bool),
    prompt_version=st.none() | texts.filter(bool),
    received_at=st.datetimes(timezones=st.just(UTC)),
    problems=st.sampled_from([(), (Problem("/output", "type", "Broken."),)]),
)
