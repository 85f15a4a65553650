"""A condition as a form: groups of questions, nested as deep as the language allows. Pure.

A group asks for all, any, none or not all of its parts, so that every valid condition has a form: `not` of a group is
the group's other reading, `not` of anything else a group of one. What is no condition at all has only its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from governance.policies import operators
from governance.policies.conditions import DEEPEST
from governance.policies.draftvalues import (
    LISTED,
    Control,
    Document,
    Options,
    Said,
    changed,
    choice,
    read,
    swapped,
    written,
)
from governance.policies.sentences import operator_words
from governance.refusals import Invalid

JOINS: Final[Options] = (
    ("all", "all of these"), ("any", "any of these"), ("none", "none of these"), ("not-all", "not all of these"),
)  # fmt: skip
_MISSING: Final[Options] = (
    ("escalate", "not given: a person decides"), ("false", "not given: no"), ("true", "not given: yes"),
)  # fmt: skip
_OPERATORS: Final[Options] = tuple((name, operator_words(name)) for name in operators.NAMES)
_NESTED: Final = frozenset(("all", "any", "not"))


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `name` begins the names of its controls. `is_inner`: it stands in a group within the rule's own."""

    kind: ClassVar[str] = "question"
    name: str
    controls: tuple[Control, ...]
    is_inner: bool


@dataclass(frozen=True, slots=True)
class Group:
    kind: ClassVar[str] = "group"
    name: str
    joined: Control
    parts: tuple[Node, ...]
    is_inner: bool
    is_root: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """What the form cannot show."""

    kind: ClassVar[str] = "foreign"
    name: str


Node = Question | Group | Foreign


def shown(when: Any, name: str) -> Node:
    """The condition as the form shows it."""
    return _node({"all": []} if when is None else when, name, 1)


def filled(when: Any, name: str, said: Said) -> Any:
    """The condition with everything that the form said; the same object where that is nothing new."""
    return _filled({"all": []} if when is None else when, name, said, 1) if f"{name}-joined" in said else when


def stepped(when: Any, path: tuple[int, ...], verb: str) -> Any:
    """The condition after a button: `ask` and `group` add to the group at the path, `up down drop wrap out` do with the
    part there. Raises Invalid for a button that there is not, and for a level more than conditions have."""
    after = _after({"all": []} if when is None else when, path, verb, is_root=True)
    if verb in ("wrap", "group", "ask") and _depth(after) > DEEPEST:
        raise Invalid(f"A condition is at most {DEEPEST} levels deep.")
    return after


def parts_at(when: Any, path: tuple[int, ...]) -> int:
    """How many parts the group at the path has; 0 where there is none."""
    for number, place in enumerate(path):
        found = _opened(when, is_root=number == 0)
        if found is None or place >= len(found[1]):
            return 0
        when = found[1][place]
    found = _opened(when, is_root=not path)
    return len(found[1]) if found else 0


def control_of(path: Iterator[str], name: str) -> str:
    """The control that a mistake belongs to, from what follows `when` in its pointer."""
    is_root, inner = True, False
    for key in path:
        if key in ("all", "any"):
            place = next(path, None)
            if place is None:
                return f"{name}-joined"
            name, is_root, inner = f"{name}-{place}", False, False
        elif key == "not":
            name = f"{name}-0" if inner else name
            inner, is_root = True, False
        else:
            return f"{name}{'-0' if inner or is_root else ''}-{key}"
    return f"{name}-joined" if is_root else f"{name}{'-0' if inner else ''}-field"


def _node(data: Any, name: str, depth: int) -> Node:
    found = _opened(data, is_root=depth == 1)
    if found is not None and depth <= DEEPEST:
        joined, parts = found
        return Group(
            name, choice(f"{name}-joined", "It asks for", joined, JOINS),
            tuple(_node(part, f"{name}-{number}", depth + 1) for number, part in enumerate(parts)),
            is_inner=depth > 2, is_root=depth == 1,
        )  # fmt: skip
    return _question(data, name, depth) if _is_question(data) else Foreign(name)


def _question(data: Document, name: str, depth: int) -> Question:
    return Question(
        name,
        (
            Control(f"{name}-field", "Field", str(data.get("field", "")), offers="draft-fields"),
            choice(f"{name}-op", "Compared how", str(data.get("op", "")), _OPERATORS),
            Control(f"{name}-value", "Value", _value(data)),
            choice(f"{name}-on_missing", "When it is not given", _on_missing(data), _MISSING),
        ),
        is_inner=depth > 2,
    )  # fmt: skip


def _value(data: Document) -> str:
    return written(data["value"], is_list=data.get("op") in LISTED) if "value" in data else ""


def _on_missing(data: Document) -> str:
    stated = data.get("on_missing", "escalate")
    return str(stated).lower() if isinstance(stated, bool) else str(stated)


def _filled(data: Any, name: str, said: Said, depth: int) -> Any:
    found = _opened(data, is_root=depth == 1)
    if found is None or depth > DEEPEST:
        return _asked(data, name, said) if _is_question(data) else data
    joined, parts = found
    new = [_filled(part, f"{name}-{number}", said, depth + 1) for number, part in enumerate(parts)]
    other = changed(said, f"{name}-joined", joined)
    if other is not None and other in dict(JOINS):
        return _closed(other, new)
    if all(one is old for one, old in zip(new, parts, strict=True)):
        return data
    return _like(data, new)


def _asked(data: Document, name: str, said: Said) -> Document:
    field, op = (changed(said, f"{name}-{key}", str(data.get(key, ""))) for key in ("field", "op"))
    value = changed(said, f"{name}-value", _value(data))
    missing = changed(said, f"{name}-on_missing", _on_missing(data))
    if field is None and op is None and value is None and missing is None:
        return data
    new = dict(data)
    if field is not None:
        new["field"] = field.strip()
    if op is not None:
        new["op"] = op
    if missing is not None:
        new["on_missing"] = missing
    if op is not None or value is not None:
        new["value"] = read(said.get(f"{name}-value", ""), is_list=new.get("op") in LISTED)
    if new.get("op") == "exists":
        new.pop("on_missing", None)
        if new.get("value") is not False:
            new.pop("value", None)
    return new


def _after(data: Any, path: tuple[int, ...], verb: str, *, is_root: bool) -> Any:
    found = _opened(data, is_root=is_root)
    if found is None:
        raise Invalid("This condition can be changed in the text form only.")
    joined, parts = found[0], list(found[1])
    if not path:
        parts.append(_made(verb))
        return _closed(joined, parts)
    place, below = path[0], path[1:]
    if place >= len(parts):
        raise Invalid("This question is not there any more.")
    is_last = verb == "drop" and len(below) == 1 and parts_at({"all": [parts[place]]}, (0,)) == 1
    if len(below) == 1 and verb == "out":
        _let_out(parts, place, below[0])
    elif is_last or (verb == "drop" and not below):
        parts = _without(parts, place, is_root)
    elif below or verb in ("ask", "group"):
        parts[place] = _after(parts[place], below, verb, is_root=False)
    else:
        _moved(parts, place, verb)
    return _closed(joined, parts)


def _made(verb: str) -> Document:
    question = {"field": "confidence", "op": "lt", "value": 0.5}
    if verb not in ("ask", "group"):
        raise Invalid("There is no such button.")
    return question if verb == "ask" else {"any": [question]}


def _moved(parts: list[Any], place: int, verb: str) -> None:
    if verb in ("up", "down"):
        swapped(parts, place, verb)
    elif verb == "wrap":
        parts[place] = {"any": [parts[place]]}
    else:
        raise Invalid("There is no such button.")


def _without(parts: list[Any], place: int, is_root: bool) -> list[Any]:
    if len(parts) == 1 and is_root:
        raise Invalid("It keeps at least one question.")
    return parts[:place] + parts[place + 1 :]


def _let_out(parts: list[Any], place: int, inner: int) -> None:
    found = _opened(parts[place], is_root=False)
    if found is None or inner >= len(found[1]):
        raise Invalid("This question is not there any more.")
    joined, own = found
    left = own[:inner] + own[inner + 1 :]
    parts[place : place + 1] = [_closed(joined, left), own[inner]] if left else [own[inner]]


def _opened(data: Any, *, is_root: bool) -> tuple[str, list[Any]] | None:
    """How the group is joined, and its parts; None for what is no group."""
    if is_root and _is_question(data):
        return "all", [data]
    if not isinstance(data, dict) or len(data) != 1:
        return None
    name, inner = next(iter(data.items()))
    if name in ("all", "any") and isinstance(inner, list):
        return name, inner
    if name != "not":
        return None
    own = _opened(inner, is_root=False) if isinstance(inner, dict) and "not" not in inner else None
    return ("none", [inner]) if own is None else ("not-all" if own[0] == "all" else "none", own[1])


def _closed(joined: str, parts: list[Any]) -> Document:
    if joined == "none" and len(parts) == 1 and _is_question(parts[0]):
        return {"not": parts[0]}
    if joined in ("none", "not-all"):
        return {"not": {"any" if joined == "none" else "all": parts}}
    return {joined: parts}


def _like(data: Document, parts: list[Any]) -> Any:
    """The group with other parts, written as it was."""
    if _is_question(data):
        return parts[0]
    name, inner = next(iter(data.items()))
    if name != "not":
        return {name: parts}
    own = next(iter(inner), "") if isinstance(inner, dict) and len(inner) == 1 else ""
    return {"not": {own: parts}} if own in ("all", "any") and isinstance(inner[own], list) else {"not": parts[0]}


def _is_question(data: Any) -> bool:
    return isinstance(data, dict) and not _NESTED & data.keys()


def _depth(data: Any) -> int:
    """How many levels it has, counted no further than one more than there may be."""
    level, depth = [data], 0
    while level and depth <= DEEPEST:
        depth += 1
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += [part for name in ("all", "any") if isinstance(one.get(name), list) for part in one[name]]
                below += [one["not"]] if "not" in one else []
        level = below
    return depth
