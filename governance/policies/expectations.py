"""What a contract lets a policy ask: a question that no kept contract could ever answer with yes is a slip."""

from __future__ import annotations

from typing import Any

from governance.contracts.pointer import join_field
from governance.contracts.reading import join
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING, same
from governance.policies.conditions import Condition, Leaf
from governance.refusals import Problem


def unmeetable(condition: Condition, contract: Contract) -> tuple[Problem, ...]:
    """A problem per question about a field the schema excludes, or about options that are none of its enum."""
    schemas = {"input": contract.input_schema, "output": contract.output_schema}
    problems = []
    for leaf in condition.tree.leaves():
        root = leaf.field.segments[0]
        if root not in schemas:
            continue
        part = _part(schemas[root], leaf.field.segments[1:])
        if part is MISSING:
            problems.append(Problem(join(leaf.at, "field"), "unknown-field", f"The contract has no {leaf.field.name}."))
        elif strange := _strange(leaf, part):
            problems.append(
                Problem(
                    join(leaf.at, "value"), "unknown-option", f"In the contract {leaf.field.name} is never {strange}."
                )
            )
    return tuple(problems)


def named_fields(contract: Contract) -> tuple[str, ...]:
    """The fields that the contract names, objects taken apart three levels deep, and those that every output has."""
    found = ["confidence", "model", "model_version", "prompt_version", "received.hour", "received.weekday"]
    for root, schema in (("input", contract.input_schema), ("output", contract.output_schema)):
        found += [join_field(segments) for segments in _named((root,), schema)]
    return (*found, "contract.breached")


def _named(at: tuple[str, ...], schema: Any) -> list[tuple[str, ...]]:
    properties = schema.get("properties") if isinstance(schema, dict) and len(at) < 4 else None
    if not isinstance(properties, dict) or not properties:
        return [at] if len(at) > 1 else []
    return [segments for name, part in properties.items() for segments in _named((*at, name), part)]


def _part(schema: Any, segments: tuple[str, ...]) -> Any:
    """The schema of a field; None when the contract leaves it open, MISSING when it excludes it."""
    for segment in segments:
        if schema is False:
            return MISSING
        if not isinstance(schema, dict) or any(key in schema for key in ("$ref", "allOf", "anyOf", "oneOf", "if")):
            return None
        properties = schema.get("properties", {})
        if segment in properties:
            schema = properties[segment]
        elif schema.get("additionalProperties") is False and "patternProperties" not in schema:
            return MISSING
        else:
            return None
    return schema


def _strange(leaf: Leaf, part: Any) -> str:
    options = part.get("enum") if isinstance(part, dict) else None
    if not isinstance(options, list) or leaf.op not in ("eq", "ne", "in", "not_in"):
        return ""
    asked = leaf.value if leaf.op in ("in", "not_in") else [leaf.value]
    return ", ".join(str(value) for value in asked if not any(same(value, option) for option in options))
