"""Any JSON: a table for plain members, nested lists for the rest, and its own text when it is too much for either."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from governance.contracts.masking import MASK
from governance.contracts.values import decimal_of
from reviews.pages.showing.foreign import Text, as_json, text
from reviews.pages.showing.measurements import number_text

MOST_NODES: Final = 600
MOST_DEPTH: Final = 24
_SEARCHED: Final = 1_200


@dataclass(frozen=True, slots=True)
class Value:
    """A plain value. `is_machine` for what a machine wrote (numbers, true, null)."""

    text: Text
    is_machine: bool = False
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One step of walking the tree: a leaf, or a branch that opens (`opens` says of how many) or closes."""

    name: Text | None = None
    value: Value | None = None
    opens: str = ""
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    title: str
    nodes: tuple[Node, ...]
    kind: str = "tree"


@dataclass(frozen=True, slots=True)
class Table:
    """Plain members, name and value. A short one can stand in a line."""

    title: str
    rows: tuple[tuple[str, Value], ...]
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with room of its own; `is_json` for a value that nothing else could show."""

    title: str
    text: Text
    is_json: bool = False
    kind: str = "passage"

    @property
    def is_searched(self) -> bool:
        """Whether it is too long to find something in it by eye."""
        return sum(len(segment.text) for segment in self.text.segments) > _SEARCHED


def is_plain(value: Any) -> bool:
    """Whether the value fits in a cell."""
    return value is None or isinstance(value, bool) or decimal_of(value) is not None or _is_short(value)


def plain_value(value: Any) -> Value:
    """A plain value as it is shown: numbers with a true minus, masked data as the house masks it."""
    if value is None:
        return Value(text("null"), is_machine=True)
    if isinstance(value, bool):
        return Value(text("true" if value else "false"), is_machine=True)
    number = decimal_of(value)
    if number is not None:
        return Value(text(number_text(number)), is_machine=True)
    return Value(text(value if isinstance(value, str) else as_json(value)), is_masked=value == MASK)


def tree(value: Any, title: str) -> Tree | Passage:
    """The value as nested lists; as JSON text when it is deeper or larger than a person can follow."""
    nodes: list[Node] = []
    for node in _walk(value, None, 0):
        nodes.append(node)
        if len(nodes) > MOST_NODES:
            return passage(value, title)
    return passage(value, title) if any(node is _TOO_DEEP for node in nodes) else Tree(title, tuple(nodes))


def passage(value: Any, title: str) -> Passage:
    """Any value as text: a string as it is, the rest as JSON."""
    if isinstance(value, str):
        return Passage(title, text(value))
    said = as_json(value)
    return Passage(title, text(said) if len(said) < 200_000 else text(json.dumps(said[:200_000])), is_json=True)


_TOO_DEEP: Final = Node()


def _walk(value: Any, name: Text | None, depth: int) -> Iterator[Node]:
    if depth > MOST_DEPTH:
        yield _TOO_DEEP
        return
    if isinstance(value, dict) and value:
        yield Node(name, opens=f"{len(value)} member{'s' if len(value) > 1 else ''}")
        for key, member in value.items():
            yield from _walk(member, text(str(key)), depth + 1)
        yield Node(closes=True)
    elif isinstance(value, list) and value:
        yield Node(name, opens=f"{len(value)} element{'s' if len(value) > 1 else ''}")
        for element in value:
            yield from _walk(element, None, depth + 1)
        yield Node(closes=True)
    else:
        yield Node(name, Value(text("none inside"), is_machine=True) if value in ({}, []) else plain_value(value))


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 120 and "\n" not in value
