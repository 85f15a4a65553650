"""An agent's call in an output: how its action and its arguments are called, and what the contract says of them."""

from __future__ import annotations

from typing import Any, Final

ACTIONS: Final = ("action", "name", "tool")
ARGUMENTS: Final = ("arguments", "kwargs", "args")


def with_signature(schema: dict[str, Any], said: Any) -> dict[str, Any]:
    """The schema of an output that is a call, its arguments those of the action that was said (`x-arguments`).

    The actions that the contract knows are the choices of the action, unless the schema lists them itself. Any other
    schema comes back as it is.
    """
    signatures, properties = schema.get("x-arguments"), schema.get("properties")
    if not isinstance(signatures, dict) or not isinstance(properties, dict):
        return schema
    action = next((name for name in ACTIONS if name in properties), None)
    given = next((name for name in ARGUMENTS if name in properties), None)
    if action is None or given is None:
        return schema
    of_action, of_given = _dict(properties[action]), _dict(properties[given])
    name = said.get(action) if isinstance(said, dict) else None
    own = _dict(signatures.get(name)) if isinstance(name, str) else {}
    known = {"enum": list(signatures)} if name in signatures or not isinstance(name, str) else {}
    return {
        **schema,
        "properties": {**properties, action: {**known, **of_action}, given: {**of_given, **own}},
    }


def for_action(schema: dict[str, Any] | bool, said: Any, action: str | None) -> Any:
    """What stays of an answer that is a call when somebody chooses `action` in its place: with another action its
    arguments go. Anything else comes back as it is."""
    if not isinstance(schema, dict) or not isinstance(said, dict) or not isinstance(schema.get("x-arguments"), dict):
        return said
    at = next((name for name in ACTIONS if name in said), None)
    if at is None or action is None or said[at] == action:
        return said
    return {name: value for name, value in said.items() if name not in ARGUMENTS}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
