"""A policy made ready to judge fast: each field is read once into a slot, each condition is a closure over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

from governance.contracts.values import MISSING
from governance.policies.candidate import MILLION
from governance.policies.conditions import Condition
from governance.policies.fields import Reader
from governance.policies.operators import Test
from governance.policies.policy import Policy, Rule, Segment

SAFE_INTEGER: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition ready to run: its name in the record, its test, and the fields whose values its trace shows."""

    name: str
    test: Test
    names: tuple[str, ...]
    slots: tuple[int, ...]
    pick: Callable[[list[Any]], tuple[Any, ...]]

    def present(self, seen: list[Any]) -> dict[str, Any]:
        """The values that the condition read and that were there."""
        return {
            name: seen[slot] for name, slot in zip(self.names, self.slots, strict=True) if seen[slot] is not MISSING
        }


@dataclass(frozen=True, slots=True)
class Plan:
    readers: tuple[Reader, ...]
    names: tuple[str, ...]
    confidence_slot: int | None
    rules: tuple[tuple[Asked, Rule], ...]
    segments: tuple[tuple[Asked, Segment], ...]


def plan_of(policy: Policy) -> Plan:
    """The plan of a policy, made once per policy and process."""
    plan = policy.__dict__.get("_plan")
    if plan is None:
        plan = _made(policy)
        object.__setattr__(policy, "_plan", plan)
    return plan


def _made(policy: Policy) -> Plan:
    wheres = [*(rule.when for rule in policy.rules), *(part.when for part in policy.threshold.segments)]
    paths = {path.name: path for condition in wheres for path in condition.fields}
    slots = {name: slot for slot, name in enumerate(paths)}

    def asked(name: str, condition: Condition) -> Asked:
        names = tuple(path.name for path in condition.fields)
        own = tuple(slots[name] for name in names)
        pick = itemgetter(*own) if len(own) > 1 else lambda seen: (seen[own[0]],)
        return Asked(name, condition.tree.compile(slots), names, own, pick)

    return Plan(
        readers=tuple(path.read for path in paths.values()),
        names=tuple(paths),
        confidence_slot=slots.get("confidence"),
        rules=tuple((asked(rule.id, rule.when), rule) for rule in policy.rules),
        segments=tuple((asked(f"segment:{part.id}", part.when), part) for part in policy.threshold.segments),
    )


def gate_inputs(plan: Plan, values: list[Any]) -> dict[str, Any]:
    """The values that the conditions read, in the form evidence keeps: enough to run the gate again, without floats.

    Texts, booleans, null and integers up to 2^53 - 1 as they are, confidence in millionths; any other number as
    `{"decimal": "0.25"}`, an object as `{"object": {…}}`, an array as a list of those. A missing field is left out.
    """
    kept: dict[str, Any] = {}
    for name, value in zip(plan.names, values, strict=False):
        kind = type(value)
        if kind is str or kind is bool or value is None:
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
