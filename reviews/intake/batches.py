"""A batch taken apart: its lines, each with its number, so that a bad one never harms a good one. Pure."""

from __future__ import annotations

import json
from typing import Final

import msgspec

from governance.refusals import Invalid, Problem
from reviews.intake.bodies import TooLarge

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_LINES: Final = 10_000
Line = tuple[int, bytes]
"""The line's number, from 1, and its bytes."""

_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


def lines(raw: bytes) -> list[Line]:
    """The lines of newline-delimited JSON; blank ones count but are left out. Raises TooLarge."""
    if raw.count(b"\n") > 2 * MAX_LINES:
        raise _too_many()
    found = [(number, line) for number, line in enumerate(raw.split(b"\n"), 1) if line and not line.isspace()]
    if len(found) > MAX_LINES:
        raise _too_many()
    return found


def elements(raw: bytes) -> list[Line]:
    """The elements of a JSON array. Raises Invalid when it is none, TooLarge."""
    try:
        found = [bytes(element) for element in _elements(raw)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _loose_elements(raw)
    if len(found) > MAX_LINES:
        raise _too_many()
    return list(enumerate(found, 1))


def _loose_elements(raw: bytes) -> list[bytes]:
    """The same by a decoder that also passes over NaN and lone surrogates, so that only their own line is refused."""
    scan, found = json.JSONDecoder().raw_decode, []
    try:
        text = raw.decode()
        at = _expect(text, 0, "[")
        while text[at] != "]":
            _, end = scan(text, at)
            found.append(text[at:end].encode())
            at = _skip(text, end)
            if text[at] != "]":
                at = _expect(text, at, ",")
                scan(text, at)  # a comma promises another element
        if _skip(text, at + 1) != len(text):
            raise ValueError("Something stands behind the list.")
    except (ValueError, IndexError, RecursionError) as error:
        problem = Problem("", "malformed", "The body must be one JSON list of outputs.")
        raise Invalid("The batch cannot be read.", errors=[problem]) from error
    return found


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"{sign} is missing.")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _too_many() -> TooLarge:
    return TooLarge(f"A batch may have {MAX_LINES:,} lines; nothing of this one was taken in.")
