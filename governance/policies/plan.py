"""A policy made ready to judge fast: each field is read once into a slot, each condition is a closure over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from governance.contracts.values import MISSING
from governance.policies.candidate import MILLION
from governance.policies.fields import Reader
from governance.policies.operators import Test
from governance.policies.policy import Policy, Rule, Segment

SAFE_INTEGER: Final = 2**53 - 1


View = Callable[[list[Any]], dict[str, Any]]
"""What a trace shows of the values: those of some fields, by field, as far as they are there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition ready to run: its name in the record, what it leads to, its test, and which view its trace shows.

    `denied` is its line in the record when the answer is no: the same for every output, so it is made once.
    """

    name: str
    then: str
    part: Rule | Segment
    test: Test
    view: int
    denied: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """`asked` are the conditions in their order: those of the rules, then those of the threshold's segments."""

    readers: tuple[Reader, ...]
    names: tuple[str, ...]
    confidence_slot: int | None
    asked: tuple[Asked, ...]
    views: tuple[View, ...]
    denied: tuple[dict[str, Any], ...]


def plan_of(policy: Policy) -> Plan:
    """The plan of a policy, made once per policy and process."""
    plan = policy.__dict__.get("_plan")
    if plan is None:
        plan = _made(policy)
        object.__setattr__(policy, "_plan", plan)
    return plan


def _made(policy: Policy) -> Plan:
    rules = [(rule.id, rule.then, rule) for rule in policy.rules]
    segments = [(f"segment:{part.id}", "threshold", part) for part in policy.threshold.segments]
    parts: list[tuple[str, str, Rule | Segment]] = [*rules, *segments]
    paths = {path.name: path for _, _, part in parts for path in part.when.fields}
    slots = {name: slot for slot, name in enumerate(paths)}
    views: dict[tuple[str, ...], int] = {}

    def asked(name: str, then: str, part: Rule | Segment) -> Asked:
        names = tuple(path.name for path in part.when.fields)
        view = views.setdefault(names, len(views))
        return Asked(name, then, part, part.when.tree.compile(slots), view, {"rule": name, "result": False})

    conditions = tuple(asked(*part) for part in parts)
    return Plan(
        readers=tuple(path.read for path in paths.values()),
        names=tuple(paths),
        confidence_slot=slots.get("confidence"),
        asked=conditions,
        views=tuple(_view(names, slots) for names in views),
        denied=tuple(one.denied for one in conditions),
    )


def _view(names: tuple[str, ...], slots: dict[str, int]) -> View:
    own = [(name, slots[name]) for name in names]
    if len(own) > 1:
        return lambda seen: {name: seen[slot] for name, slot in own if seen[slot] is not MISSING}
    ((only, place),) = own

    def view(seen: list[Any]) -> dict[str, Any]:
        value = seen[place]
        return {} if value is MISSING else {only: value}

    return view


def gate_inputs(plan: Plan, values: list[Any]) -> dict[str, Any]:
    """The values that the conditions read, in the form evidence keeps: enough to run the gate again, without floats.

    Texts, booleans, null and integers up to 2^53 - 1 as they are, confidence in millionths; any other number as
    `{"decimal": "0.25"}`, an object as `{"object": {…}}`, an array as a list of those. A missing field is left out.
    """
    kept: dict[str, Any] = {}
    for name, value in zip(plan.names, values, strict=False):
        kind = type(value)
        if kind is str or kind is bool or value is None or (kind is int and -SAFE_INTEGER <= value <= SAFE_INTEGER):
            kept[name] = value
        elif value is not MISSING:
            kept[name] = _kept(value)
    return kept


def restored(kept: Any) -> Any:
    """The value that `gate_inputs` kept in this form; numbers with a fraction come back as Decimal."""
    if isinstance(kept, list):
        return [restored(element) for element in kept]
    if isinstance(kept, dict):
        if "decimal" in kept:
            return Decimal(kept["decimal"])
        return {key: restored(member) for key, member in kept["object"].items()}
    return kept


def _kept(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else {"decimal": str(value)}
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        return {"object": {key: _kept(member) for key, member in value.items()}}
    if kind is list or kind is tuple:
        return [_kept(element) for element in value]
    return {"decimal": str(Decimal(repr(value))) if kind is float else str(value)}


def shown_values(plan: Plan, values: list[Any]) -> list[Any]:
    """The values as a trace shows them: confidence as a share instead of millionths."""
    slot = plan.confidence_slot
    if slot is None or values[slot] is MISSING:
        return values
    copy = list(values)
    copy[slot] = values[slot] / MILLION
    return copy
