"""Conditions and policies as SQL over recorded outputs: the same answers as the closures give, for millions at once.

Pure: it writes text and parameters, and runs nothing. A statement reads from a relation `seen` with the columns of
`SEEN`; undecided is NULL, and SQL's AND, OR and NOT are Kleene's. `matches` is never given to PostgreSQL's own engine:
whoever runs the statement finds the texts that match among the distinct ones, and joins them under the alias named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from governance.contracts.pointer import is_index
from governance.contracts.reading import exact_millionths
from governance.contracts.values import kind_of
from governance.policies import operators
from governance.policies.canonical import canonical_bytes
from governance.policies.conditions import Condition, Leaf, Negation, Node
from governance.policies.fields import BODIES, FieldPath
from governance.policies.policy import Destination, Lane, Policy
from governance.policies.validated import Name, Validated

SEEN: Final = {
    "confidence": "integer", "model": "text", "model_version": "text", "prompt_version": "text",
    "received_at": "timestamptz", "is_breached": "boolean", "input": "jsonb", "output": "jsonb", "attributes": "jsonb",
}  # fmt: skip
"""The columns of `seen`: confidence in millionths, NULL for what is missing, bodies as jsonb."""

_ABSENT: Final = {"escalate": "NULL::boolean", "false": "false", "true": "true"}
_SIGNS: Final = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TYPES: Final = {"null": "null", "boolean": "boolean", "number": "number", "text": "string", "array": "array",
                 "object": "object"}  # fmt: skip
_NATIVE: Final = {
    "confidence": "seen.confidence",
    "model": "seen.model",
    "model_version": "seen.model_version",
    "prompt_version": "seen.prompt_version",
    "received.hour": "extract(hour FROM seen.received_at AT TIME ZONE 'UTC')::integer",
    "received.weekday": "extract(isodow FROM seen.received_at AT TIME ZONE 'UTC')::integer",
    "contract.breached": "seen.is_breached",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern to be run over the distinct texts of `text` (NULL for what is no text); what matches is joined as
    `alias`, with the text in `value`."""

    alias: str
    text: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy can say of an output, and the name of what says it. `threshold` in millionths where one decided."""

    lane: Lane
    rule: str
    threshold: int | None = None


BROKEN, NOT_SURE = Outcome("review", "contract"), Outcome("review", "confidence")
UNSURE: Final = 1  # the place of NOT_SURE among the outcomes


@dataclass(slots=True)
class Statement:
    """A statement being written: its parameters, the fields of bodies it reads (each once, as a column of `seen`), its
    patterns."""

    parameters: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    reads: dict[str, FieldPath] = field(default_factory=dict)
    patterns: list[Pattern] = field(default_factory=list)

    def bind(self, value: Any, kind: str) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"%({name})s::{kind}"

    def column(self, path: FieldPath) -> str:
        """The column in which a field of a body stands, as jsonb; NULL where it is missing."""
        known = self.columns.get(path.name)
        if known is None:
            known = self.columns[path.name] = f"seen.f{len(self.columns)}"
            self.reads[known.removeprefix("seen.")] = path
        return known

    def fields(self) -> str:
        """The columns that `column` named, as a select list over `seen` (to be selected beside `seen.*`)."""
        return "".join(f", {self._extracted(path)} AS {name}" for name, path in self.reads.items())

    def bodies(self) -> tuple[str, ...]:
        """Which of input, output and attributes are read at all."""
        roots = {path.segments[0] for path in self.reads.values()}
        return tuple(name for name in BODIES if name in roots)

    def _extracted(self, path: FieldPath) -> str:
        text = f"seen.{path.segments[0]}"
        for segment in path.segments[1:]:
            # PostgreSQL would read -1 and 01 as places of an array; here only 0, 1, 2 … are.
            text += (
                f" #> {self.bind([segment], 'text[]')}" if is_index(segment) else f" -> {self.bind(segment, 'text')}"
            )
        return text


def condition(to: Statement, of: Condition) -> str:
    """A boolean expression: true, false, or NULL where the condition is undecided."""
    return _node(to, of.tree)


def verdict(to: Statement, policy: Policy, admitted: Iterable[Name] = ()) -> tuple[str, tuple[Outcome, ...]]:
    """An integer expression, and the outcomes that its values stand for: what the policy, once approved, says.

    `admitted` are the models that somebody let in beside those that the policy names.
    """
    outcomes = [BROKEN, NOT_SURE]

    def code(lane: Lane, rule: str, threshold: int | None = None) -> int:
        outcomes.append(Outcome(lane, rule, threshold))
        return len(outcomes) - 1

    def measured(name: str, threshold: int) -> str:
        over, under = code("release", name, threshold), code("review", name, threshold)
        sure = f"WHEN seen.confidence >= {threshold} THEN {over} WHEN seen.confidence < {threshold} THEN {under}"
        return f"CASE {sure} ELSE {UNSURE} END"

    steps: list[tuple[str, str, str]] = []
    for rule in policy.rules:
        text = condition(to, rule.when)
        then = str(code(rule.then, rule.id))
        if rule.then == "release":
            then = f"CASE WHEN seen.confidence IS NULL THEN {UNSURE} ELSE {then} END"
        steps.append((text, then, str(code("review", rule.id)) if rule.when.can_escalate else "NULL"))
    for part in policy.threshold.segments:
        text = condition(to, part.when)
        undecided = str(code("review", f"segment:{part.id}")) if part.when.can_escalate else "NULL"
        steps.append((text, measured(f"threshold:{part.id}", part.threshold), undecided))
    whole = measured("threshold:default", policy.threshold.default)
    for text, then, undecided in reversed(steps):
        whole = f"CASE ({text}) WHEN true THEN {then} WHEN false THEN {whole} ELSE {undecided} END"
    if policy.validated_for is not None:
        known = _known(to, (*policy.validated_for, *(Validated(*name) for name in admitted)))
        whole = f"CASE WHEN {known} THEN {whole} ELSE {code('review', 'unknown-model')} END"
    return f"CASE WHEN seen.is_breached THEN 0 ELSE {whole} END", tuple(outcomes)


def _known(to: Statement, models: Iterable[Validated]) -> str:
    """Whether a model is one of these; what an output does not state is empty."""
    tests = []
    for one in models:
        stated = zip(Name._fields, (one.model, one.model_version, one.prompt_version), strict=True)
        parts = [
            f"coalesce(seen.{name}, '') COLLATE \"C\" = {to.bind(value, 'text')}"
            for name, value in stated
            if value is not None
        ]
        tests.append(f"({' AND '.join(parts)})")
    return f"({' OR '.join(tests)})"


def destination(to: Statement, policy: Policy) -> tuple[str, tuple[Destination, ...]]:
    """An integer expression, and the destinations that its values stand for; a rule left undecided does not match."""
    places = [policy.routing.default, *(rule.to for rule in policy.routing.rules)]
    whole = "0"
    for number, rule in reversed(list(enumerate(policy.routing.rules, start=1))):
        whole = f"CASE WHEN {condition(to, rule.when)} THEN {number} ELSE {whole} END"
    return whole, tuple(places)


def _node(to: Statement, node: Node) -> str:
    if isinstance(node, Leaf):
        return _leaf(to, node)
    if isinstance(node, Negation):
        return f"(NOT {_node(to, node.part)})"
    joined = (" AND " if node.name == "all" else " OR ").join(_node(to, part) for part in node.parts)
    return f"({joined})"


@dataclass(frozen=True, slots=True)
class _Operand:
    """A field in SQL: of which kinds it can be (None: of any, told by `kind`), and itself as each."""

    json: str | None
    native: str
    holds: str

    def present(self) -> str:
        return f"{self.json or self.native} IS NOT NULL"

    def is_kind(self, kind: str) -> str:
        if self.json is None:
            return self.present()
        return f"jsonb_typeof({self.json}) = '{_TYPES[kind]}'"

    def number(self) -> str:
        return f"({self.json})::numeric" if self.json else self.native

    def text(self) -> str:
        return f"({self.json} #>> '{{}}')" if self.json else self.native

    def as_json(self) -> str:
        return self.json or f"to_jsonb({self.native})"


def _leaf(to: Statement, leaf: Leaf) -> str:
    known = _NATIVE.get(leaf.field.name)
    operand = _Operand(None, known, leaf.field.holds) if known else _Operand(to.column(leaf.field), "", "any")
    value = leaf.value
    if leaf.field.holds == "confidence" and leaf.op != "exists":
        value = [exact_millionths(part) for part in value] if isinstance(value, list) else exact_millionths(value)
    if leaf.op == "exists":
        return f"(({operand.present()}) = {'true' if value else 'false'})"
    fits, test = _TESTS.get(leaf.op, _ordered)(to, operand, leaf.op, value)
    return f"CASE WHEN {fits} THEN {test} ELSE {_ABSENT[leaf.on_missing]} END"


Tested = tuple[str, str]
"""When the value counts as an answer, and then the answer."""


def _equal(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    kind = kind_of(value)
    assert kind is not None  # noqa: S101  the condition was parsed
    if kind == "null":
        return of.present(), f"jsonb_typeof({of.as_json()}) {_SIGNS[op]} 'null'"
    if kind == "number":
        return of.is_kind("number"), f"{of.number()} {_SIGNS[op]} {_number(to, value)}"
    if kind == "text":
        return of.is_kind("text"), f'{of.text()} COLLATE "C" {_SIGNS[op]} {to.bind(value, "text")}'
    return of.is_kind(kind), f"{of.as_json()} {_SIGNS[op]} {_json(to, value)}"


def _ordered(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    if kind_of(value) == "number":
        return of.is_kind("number"), f"{of.number()} {_SIGNS[op]} {_number(to, value)}"
    moment = operators.instant(value)
    if moment is None:
        return of.is_kind("text"), f'{of.text()} COLLATE "C" {_SIGNS[op]} {to.bind(value, "text")}'
    stated = f"countersign_instant({of.text()})"
    return f"{of.is_kind('text')} AND {stated} IS NOT NULL", f"{stated} {_SIGNS[op]} {to.bind(moment, 'timestamptz')}"


def _between(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    fits, low = _ordered(to, of, "ge", value[0])
    _, high = _ordered(to, of, "le", value[1])
    return fits, f"({low} AND {high})"


def _member(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    kinds = {kind_of(literal) for literal in value}
    negated = "NOT " if op == "not_in" else ""
    if kinds == {"text"}:
        return of.is_kind("text"), f"({negated}{of.text()} = ANY ({to.bind(value, 'text[]')}))"
    if of.json is None and kinds == {"number"}:
        return of.present(), f"({negated}{of.native} = ANY ({to.bind([int(part) for part in value], 'bigint[]')}))"
    fits = of.present()
    if kinds != {"null"} and of.json is not None:
        types = [_TYPES[kind] for kind in sorted(kind for kind in kinds if kind is not None)]
        fits += f" AND jsonb_typeof({of.json}) = ANY ({to.bind(types, 'text[]')})"
    literals = [canonical_bytes(literal).decode() for literal in value]
    return fits, f"({negated}{of.as_json()} = ANY ({to.bind(literals, 'text[]')}::jsonb[]))"


def _contains(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    is_text = kind_of(value) == "text"
    inside = f"strpos({of.text()}, {to.bind(value, 'text')}) > 0" if is_text else "false"
    if of.json is None:
        return of.present(), inside
    elements = f"jsonb_array_elements(CASE WHEN {of.is_kind('array')} THEN {of.json} ELSE '[]'::jsonb END)"
    among = f"EXISTS (SELECT FROM {elements} AS element WHERE element = {_json(to, value)})"
    fits = f"({of.is_kind('array')} OR {of.is_kind('text')})" if is_text else of.is_kind("array")
    return fits, f"CASE WHEN {of.is_kind('text')} THEN {inside} ELSE {among} END"


def _starts(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    return of.is_kind("text"), f"starts_with({of.text()}, {to.bind(value, 'text')})"


def _ends(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    return of.is_kind("text"), f'right({of.text()}, {len(value)}) COLLATE "C" = {to.bind(value, "text")}'


def _matches(to: Statement, of: _Operand, op: str, value: Any) -> Tested:
    text = f"CASE WHEN {of.is_kind('text')} THEN {of.text()} END"
    found = next((known for known in to.patterns if (known.text, known.pattern) == (text, value)), None)
    if found is None:
        found = Pattern(f"m{len(to.patterns)}", text, value)
        to.patterns.append(found)
    return of.is_kind("text"), f"{found.alias}.value IS NOT NULL"


_TESTS: Final[dict[str, Callable[[Statement, _Operand, str, Any], Tested]]] = {
    "eq": _equal, "ne": _equal, "in": _member, "not_in": _member, "contains": _contains, "starts_with": _starts,
    "ends_with": _ends, "matches": _matches, "between": _between,
}  # fmt: skip


def _json(to: Statement, value: Any) -> str:
    return to.bind(canonical_bytes(value).decode(), "jsonb")


def _number(to: Statement, value: Any) -> str:
    if type(value) is int and abs(value) < 2**31:
        return str(value) if value >= 0 else f"({value})"
    return f"{_json(to, value)}::numeric"


def joins(to: Statement, tables: Sequence[str]) -> str:
    """The joins of all patterns, given for each the relation that holds the texts that match it in `value`."""
    return "".join(
        f" LEFT JOIN {table} AS {pattern.alias} ON {pattern.alias}.value = ({pattern.text})"
        for pattern, table in zip(to.patterns, tables, strict=True)
    )
