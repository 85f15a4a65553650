"""What an agent would run: the action, its arguments, and what the contract says would come of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from governance.contracts.calls import ACTIONS, ARGUMENTS
from reviews.pages.showing.effects import Effect, effects
from reviews.pages.showing.foreign import Text, as_json, text
from reviews.pages.showing.tree import Passage, Tree, Value, is_plain, plain_value, tree

MOST_ARGUMENTS: Final = 60
# What a tool call carries beside its two members, and what only wraps it.
_LABELS: Final = frozenset({"id", "type", "index", "call_id"})
_MOST_COLUMNS, _MOST_ROWS = 6, 20


@dataclass(frozen=True, slots=True)
class Given:
    """A plain value of an argument. `is_quoted` for a text, so that "7" is not taken for 7."""

    value: Value
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Like small things in rows: a list of plain values (no columns), or of objects of plain members."""

    columns: tuple[Text, ...]
    rows: tuple[tuple[Given | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: `given` when it is plain, a `grid` or the `tree` when it is not. `fault` says in words what is
    wrong with its being there or missing, "" for nothing."""

    name: Text
    given: Given | None = None
    grid: Grid | None = None
    tree: Tree | Passage | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An action with its arguments. `fault` is what is wrong with the action itself, `rest` what came along besides."""

    title: str
    action: Text
    arguments: tuple[Argument, ...]
    effects: tuple[Effect, ...]
    fault: str = ""
    rest: Text | None = None
    kind: str = "call"

    @property
    def plain(self) -> str:
        """The action alone: what the call is called in a line."""
        return self.action.plain


def call(schema: dict[str, Any], value: Any, title: str) -> Call | None:
    """The call in {action|name|tool, arguments|kwargs|args}, or in such an object under `function`; None for anything
    else. `x-arguments` holds a schema of the arguments for each action, `x-effects` sentences for it."""
    found = _found(value)
    if found is None:
        return None
    action_at, given_at, holder, rest = found
    action, given = holder[action_at], _parsed(holder[given_at])
    signature = _signature(schema, action, given_at)
    known = _dict(signature.get("properties"))
    if isinstance(given, dict):
        if len(given) > MOST_ARGUMENTS:
            return None
        order = [name for name in known if name in given] + [name for name in given if name not in known]
        arguments = [_argument(name, given[name], known, signature) for name in order]
        required = signature.get("required")
        missing = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        arguments += [Argument(text(name), fault="needed, not given") for name in missing if name not in given]
    else:
        arguments = [_shaped("", given, "no arguments by name", {})]
    return Call(
        title, text(action), tuple(arguments), effects(schema.get("x-effects"), action, given),
        _action_fault(schema, action_at, action), text(as_json(rest)) if rest else None,
    )  # fmt: skip


def bare_call(schema: dict[str, Any], value: Any, title: str) -> Call | None:
    """A call that no annotation announces: only one that cannot be anything else, its arguments an object."""
    found = _found(value)
    if found is None or found[3] or not isinstance(_parsed(found[2][found[1]]), dict):
        return None
    return call(schema, value, title)


def _found(value: Any) -> tuple[str, str, dict[str, Any], dict[str, Any]] | None:
    """Where the action and the arguments stand, the object that holds them, and what else was sent."""
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    holder = inner if isinstance(inner, dict) else value
    action = next((name for name in ACTIONS if isinstance(holder.get(name), str) and holder[name].strip()), None)
    given = next((name for name in ARGUMENTS if name in holder), None)
    if action is None or given is None:
        return None
    wrapping = {"function"} if holder is not value else {action, given}
    rest = {name: member for name, member in value.items() if name not in wrapping | _LABELS}
    if holder is not value:
        rest |= {name: member for name, member in holder.items() if name not in (action, given)}
    return action, given, holder, rest


def _parsed(given: Any) -> Any:
    """Arguments that were sent as the text of a JSON object, as the object; everything else as it is."""
    if not isinstance(given, str):
        return {} if given is None else given
    try:
        read = json.loads(given)
    except (ValueError, RecursionError):
        return given
    return read if isinstance(read, dict) else given


def _signature(schema: dict[str, Any], action: str, given_at: str) -> dict[str, Any]:
    """The schema of this action's arguments; {} when the contract has none, so that nothing is known to be wrong."""
    own = _dict(schema.get("x-arguments")).get(action)
    return _dict(own if own is not None else _dict(schema.get("properties")).get(given_at))


def _action_fault(schema: dict[str, Any], at: str, action: str) -> str:
    named = _dict(_dict(schema.get("properties")).get(at)).get("enum")
    known = named if isinstance(named, list) else list(_dict(schema.get("x-arguments")))
    return "the contract knows no such action" if known and action not in known else ""


def _argument(name: str, value: Any, known: dict[str, Any], signature: dict[str, Any]) -> Argument:
    is_known = name in known or (not known and signature.get("additionalProperties") is not False)
    return _shaped(name, value, "" if is_known else "not an argument of this action", _dict(known.get(name)))


def _shaped(name: str, value: Any, fault: str, schema: dict[str, Any]) -> Argument:
    if is_plain(value) or isinstance(value, str):
        return Argument(text(name), _given(value), fault=fault)
    grid = _grid(value, schema)
    if grid is not None:
        return Argument(text(name), grid=grid, fault=fault)
    return Argument(text(name), tree=tree(value, name), fault=fault)


def _given(value: Any) -> Given:
    shown = plain_value(value)
    return Given(shown, isinstance(value, str) and not shown.is_masked)


def _grid(value: Any, schema: dict[str, Any]) -> Grid | None:
    """Rows for an object or a short list of objects that are flat, or for plain values; None where a tree says more.
    The columns stand in the order of the schema."""
    rows = value if isinstance(value, list) else [value]
    if not 1 <= len(rows) <= _MOST_ROWS:
        return None
    if all(is_plain(row) for row in rows):
        return Grid((), tuple((_given(row),) for row in rows))
    if not all(isinstance(row, dict) and row and all(map(is_plain, row.values())) for row in rows):
        return None
    there = dict.fromkeys(name for row in rows for name in row)
    known = _dict(_dict(schema.get("items", schema)).get("properties"))
    names = [*(name for name in known if name in there), *(name for name in there if name not in known)]
    if len(names) > _MOST_COLUMNS:
        return None
    cells = (tuple(_given(row[name]) if name in row else None for name in names) for row in rows)
    return Grid(tuple(text(str(name)) for name in names), tuple(cells))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
