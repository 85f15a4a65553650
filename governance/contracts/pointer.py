"""JSON pointers (RFC 6901), and the dotted fields that conditions use for the same places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from governance.contracts.values import MISSING

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_SEGMENT = re.compile(r'"((?:[^"\\]|\\["\\])+)"|([^."\\\s]+)')

Tokens = tuple[str, ...]


def parse(pointer: str) -> Tokens:
    """The tokens of a pointer; "" is the whole document. Raises ValueError when it is not a pointer."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError("A JSON pointer starts with a slash.")
    if _BAD_ESCAPE.search(pointer):
        raise ValueError("In a JSON pointer a tilde is written ~0 and a slash ~1.")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def build(tokens: Sequence[str | int]) -> str:
    """The pointer that `parse` would take apart into these tokens."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def is_index(token: str) -> bool:
    """Whether a token names an element of an array: 0, 1, 2 …, never -1 or 01."""
    return _INDEX.fullmatch(token) is not None


def child(value: Any, token: str) -> Any:
    """The member or element of `value` that a token names, or MISSING."""
    if isinstance(value, dict):
        return value.get(token, MISSING)
    if isinstance(value, list) and is_index(token):
        index = int(token)
        return value[index] if index < len(value) else MISSING
    return MISSING


def get(document: Any, tokens: Tokens) -> Any:
    """The value at these tokens, or MISSING."""
    for token in tokens:
        document = child(document, token)
        if document is MISSING:
            return MISSING
    return document


def put(document: Any, tokens: Tokens, value: Any) -> Any:
    """A copy of the document with `value` at these tokens; objects that lack on the way are made. The original stays.

    Raises ValueError when the way leads through a text, a number or an element that an array does not have.
    """
    if not tokens:
        return value
    head, rest = tokens[0], tokens[1:]
    if document is MISSING or document is None:
        document = {}
    if isinstance(document, dict):
        return {**document, head: put(document.get(head, MISSING), rest, value)}
    if isinstance(document, list) and _INDEX.fullmatch(head) and int(head) <= len(document):
        copy, index = list(document), int(head)
        if index == len(copy):
            copy.append(put(MISSING, rest, value))
        else:
            copy[index] = put(copy[index], rest, value)
        return copy
    raise ValueError(f"There is no place for {build((head,))} here.")


def split_field(field: str) -> Tokens:
    """The segments of a dotted field such as `input."first.name"`; one with a dot is quoted. Raises ValueError."""
    segments: list[str] = []
    position = 0
    while True:
        match = _SEGMENT.match(field, position)
        if match is None:
            raise ValueError("A field is a path of names with dots between them; quote a name that holds a dot.")
        quoted, plain = match.groups()
        segments.append(plain if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted))
        position = match.end()
        if position == len(field):
            return tuple(segments)
        if field[position] != ".":
            raise ValueError("A field is a path of names with dots between them; quote a name that holds a dot.")
        position += 1


def join_field(segments: Tokens) -> str:
    """The dotted field that `split_field` would take apart into these segments."""
    return ".".join(
        segment if re.fullmatch(r'[^."\\\s]+', segment) else '"' + re.sub(r'(["\\])', r"\\\1", segment) + '"'
        for segment in segments
    )
