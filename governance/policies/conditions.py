"""Conditions: what a policy may ask of an output, as data (`all`, `any`, `not`, or one question), compiled to closures.

Three answers: True, False, and None for "undecided", which a missing or mistyped field gives when its `on_missing` is
`escalate`. They combine as in Kleene's logic: `all` is False as soon as one part is, `any` True as soon as one part is,
whatever is undecided beside it; in every other case one undecided part leaves the whole undecided.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from governance.contracts.reading import Reading, exact_millionths, join
from governance.contracts.values import MISSING
from governance.policies import fields, operators
from governance.policies.candidate import MILLION, Candidate
from governance.policies.canonical import canonical_bytes
from governance.policies.fields import FieldPath
from governance.policies.operators import Answer, Test, Values
from governance.refusals import Invalid

DEEPEST: Final = 8
MOST_LEAVES: Final = 200
ON_MISSING: Final[dict[str, Answer]] = {"escalate": None, "false": False, "true": True}
Slots = dict[str, int]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One question: a field, an operator, a literal, and what an absent or mistyped field means."""

    field: FieldPath
    op: str
    value: Any
    on_missing: str
    at: str = dataclasses.field(compare=False, repr=False)
    build: operators.Build = dataclasses.field(compare=False, repr=False)

    def compile(self, slots: Slots) -> Test:
        return self.build(slots[self.field.name], ON_MISSING[self.on_missing])

    def leaves(self) -> Iterator[Leaf]:
        yield self


@dataclass(frozen=True, slots=True)
class Group:
    """`all` or `any` of its parts."""

    name: Literal["all", "any"]
    parts: tuple[Node, ...]

    def compile(self, slots: Slots) -> Test:
        tests = tuple(part.compile(slots) for part in self.parts)
        decides = self.name == "any"

        def test(values: Values) -> Answer:
            answer: Answer = not decides
            for part in tests:
                one = part(values)
                if one is decides:
                    return decides
                if one is None:
                    answer = None
            return answer

        return tests[0] if len(tests) == 1 else test

    def leaves(self) -> Iterator[Leaf]:
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True, slots=True)
class Negation:
    """`not` its part."""

    part: Node

    def compile(self, slots: Slots) -> Test:
        inner = self.part.compile(slots)

        def test(values: Values) -> Answer:
            one = inner(values)
            return None if one is None else not one

        return test

    def leaves(self) -> Iterator[Leaf]:
        yield from self.part.leaves()


Node = Leaf | Group | Negation


@dataclass(frozen=True, slots=True)
class Step:
    """One question with what it found: for the page that says why. `value` is MISSING when the field was absent."""

    leaf: Leaf
    value: Any
    result: Answer


@dataclass(frozen=True)
class Condition:
    """A parsed condition; two are equal when their texts are."""

    data: dict[str, Any]
    tree: Node = dataclasses.field(compare=False, repr=False)

    def __hash__(self) -> int:
        return hash(canonical_bytes(self.data))

    @cached_property
    def fields(self) -> tuple[FieldPath, ...]:
        """The fields it reads, each once, in the order of the text."""
        return tuple({leaf.field.name: leaf.field for leaf in self.tree.leaves()}.values())

    @cached_property
    def can_escalate(self) -> bool:
        """Whether an output exists that leaves it undecided."""
        return any(
            leaf.on_missing == "escalate" and leaf.op != "exists" and leaf.field.can_be_missing
            for leaf in self.tree.leaves()
        )

    @cached_property
    def _test(self) -> Test:
        return self.tree.compile({path.name: slot for slot, path in enumerate(self.fields)})

    def evaluate(self, candidate: Candidate) -> Answer:
        """True, False, or None when a missing or mistyped field leaves it undecided."""
        return self._test([path.read(candidate) for path in self.fields])

    def trace(self, candidate: Candidate) -> tuple[Answer, dict[str, Any]]:
        """The answer, and the value of every field that it reads and that is there (confidence as a share)."""
        values = [path.read(candidate) for path in self.fields]
        return self._test(values), {
            path.name: shown(path, value)
            for path, value in zip(self.fields, values, strict=True)
            if value is not MISSING
        }

    def explain(self, candidate: Candidate) -> tuple[Step, ...]:
        """Every question of the condition with its value and answer, in the order of the text, none left out."""
        steps = []
        for leaf in self.tree.leaves():
            value = leaf.field.read(candidate)
            steps.append(Step(leaf, shown(leaf.field, value), leaf.compile({leaf.field.name: 0})([value])))
        return tuple(steps)

    def undecided(self, candidate: Candidate) -> tuple[tuple[str, bool], ...]:
        """The fields that leave it undecided, each once, and whether it is there (then of another kind)."""
        found = {
            step.leaf.field.name: step.value is not MISSING for step in self.explain(candidate) if step.result is None
        }
        return tuple(found.items())


def shown(path: FieldPath, value: Any) -> Any:
    """A value as documents write it: confidence as a share, all else as it is."""
    return value / MILLION if path.holds == "confidence" and value is not MISSING else value


def parse(data: Any, at: str = "when") -> Condition:
    """The condition that `data` states. Raises Invalid with a problem per mistake, each with its path below `at`.

    At most 8 levels deep and 200 questions, so that judging one output has a bound.
    """
    reading = Reading()
    tree = _Parser(reading).node(data, at, 1)
    if tree is not None and not reading.problems:
        try:
            canonical_bytes(data)
        except Invalid as error:
            reading.wrong(at, "not-json", error.sentence)
    if tree is None or reading.problems:
        raise reading.refusal("The condition is not valid.")
    return Condition(data, tree)


class _Parser:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.leaf_count = 0

    def node(self, data: Any, at: str, depth: int) -> Node | None:
        if not isinstance(data, dict) or not data:
            self.reading.wrong(at, "wrong-type", "A condition is a mapping with all, any, not, or field and op.")
            return None
        if depth > DEEPEST:
            self.reading.wrong(at, "too-deep", f"A condition is at most {DEEPEST} levels deep.")
            return None
        names = [name for name in ("all", "any", "not") if name in data]
        if not names:
            return self._leaf(data, at)
        if len(data) > 1:
            self.reading.wrong(at, "mixed", f"Beside {names[0]} nothing else can stand; nest the conditions.")
            return None
        name = names[0]
        if name == "not":
            part = self.node(data["not"], join(at, "not"), depth + 1)
            return None if part is None else Negation(part)
        return self._group("all" if name == "all" else "any", data[name], join(at, name), depth)

    def _group(self, name: Literal["all", "any"], data: Any, at: str, depth: int) -> Node | None:
        if not isinstance(data, list) or not data:
            self.reading.wrong(at, "wrong-type", "This must be a list of at least one condition.")
            return None
        if len(data) > MOST_LEAVES:
            self.reading.wrong(at, "too-many", f"A condition asks at most {MOST_LEAVES} questions.")
            return None
        parts = [self.node(part, join(at, index), depth + 1) for index, part in enumerate(data)]
        whole = tuple(part for part in parts if part is not None)
        return Group(name, whole) if len(whole) == len(parts) else None

    def _leaf(self, data: dict[str, Any], at: str) -> Leaf | None:
        self.leaf_count += 1
        if self.leaf_count > MOST_LEAVES:
            if self.leaf_count == MOST_LEAVES + 1:
                self.reading.wrong(at, "too-many", f"A condition asks at most {MOST_LEAVES} questions.")
            return None
        before = len(self.reading.problems)
        op = data.get("op")
        required = ("field", "op") if op == "exists" else ("field", "op", "value")
        self.reading.mapping(data, at, allowed=("field", "op", "value", "on_missing"), required=required)
        if "op" in data and op not in operators.NAMES:
            self.reading.wrong(join(at, "op"), "unknown-operator", f"Known are {', '.join(operators.NAMES)}.")
        on_missing = self._on_missing(data, at)
        path = self._field(data, at)
        if path is None or not isinstance(op, str) or len(self.reading.problems) > before:
            return None
        value = data.get("value", True)
        try:
            return Leaf(path, op, value, on_missing, at, _build(path, op, value))
        except ValueError as error:
            self.reading.wrong(join(at, "value"), "wrong-value", str(error))
            return None

    def _field(self, data: dict[str, Any], at: str) -> FieldPath | None:
        if "field" not in data:
            return None
        try:
            return fields.parse(data["field"])
        except ValueError as error:
            self.reading.wrong(join(at, "field"), "unknown-field", str(error))
            return None

    def _on_missing(self, data: dict[str, Any], at: str) -> str:
        stated = data.get("on_missing", "escalate")
        # YAML reads an unquoted false as a boolean.
        text = {True: "true", False: "false"}.get(stated) if isinstance(stated, bool) else stated
        if not isinstance(text, str) or text not in ON_MISSING:
            self.reading.wrong(join(at, "on_missing"), "unknown-choice", "This must be escalate, false or true.")
            return "escalate"
        if data.get("op") == "exists" and "on_missing" in data:
            self.reading.wrong(join(at, "on_missing"), "contradiction", "exists always has an answer; leave this out.")
        return text


def _build(path: FieldPath, op: str, value: Any) -> operators.Build:
    """The test of one question, with confidence in millionths. Raises ValueError with a sentence."""
    listed = op in ("in", "not_in", "between") and isinstance(value, list)
    operators.check_holds(path.holds, op, value if listed else [value])
    if path.holds == "confidence" and op != "exists":
        value = [exact_millionths(part) for part in value] if listed else exact_millionths(value)
    return operators.build(op, value)
