"""Where a refused body is wrong. Pure, and slow with care: it only looks at what has been refused already."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from governance.contracts import pointer
from governance.refusals import Problem

_MOST: Final = 20
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_AT = re.compile(r" - at `(\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPE = re.compile(r"Expected `.*`, got `.*`")
_MISSING = re.compile(r"Object missing required field `(.*)`")


def depth(raw: bytes) -> int:
    """How many containers stand within one another at the deepest place. Texts do not count."""
    deepest = level = 0
    for sign in _STRINGS.sub(b"", raw):
        if sign in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif sign in b"]}":
            level -= 1
    return deepest


def too_deep(most: int) -> Problem:
    return Problem("", "too-deep", f"At most {most} levels of lists and objects may stand within one another.")


def found_in(raw: bytes) -> list[Problem]:
    """NaN, infinities, NULs and lone surrogates, each with its pointer; [] when it is something else."""
    try:
        document = json.loads(raw.decode())
    except (ValueError, RecursionError):
        return []
    problems: list[Problem] = []
    _walk(document, (), problems)
    return problems[:_MOST]


def _walk(value: Any, at: tuple[str | int, ...], problems: list[Problem]) -> None:
    if isinstance(value, str):
        _check_text(value, at, problems)
    elif isinstance(value, float):
        if not math.isfinite(value):
            problems.append(Problem(_pointer(at), "not-finite", "A number must be finite: no NaN, no infinity."))
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, at, problems)
            _walk(inner, (*at, key), problems)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(inner, (*at, index), problems)


def _check_text(text: str, at: tuple[str | int, ...], problems: list[Problem]) -> None:
    if "\0" in text:
        problems.append(Problem(_pointer(at), "nul", "Text must not hold a NUL character."))
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        problems.append(Problem(_pointer(at), "lone-surrogate", "Text must be Unicode: a surrogate stands alone."))


def _pointer(at: tuple[str | int, ...]) -> str:
    return pointer.build([_clean(step) for step in at])


def _clean(step: str | int) -> str:
    """A step that can be sent and stored whatever the producer called its member."""
    return str(step).encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:200]


def mistake(message: str) -> Problem:
    """The decoder's message ("… - at `$.alternatives[0].output`") as a problem with a pointer. No value is repeated."""
    at = _AT.search(message)
    text = message[: at.start()] if at else message
    steps: list[str | int] = [name or int(index) for name, index in _STEP.findall(at[1])] if at else []
    if unknown := _UNKNOWN.match(text):
        return Problem(_pointer((*steps, unknown[1])), "unknown-field", "This field is not known.")
    if missing := _MISSING.match(text):
        return Problem(_pointer((*steps, missing[1])), "missing-field", "This is missing.")
    code = "wrong-type" if _TYPE.match(text) else "wrong-value"
    return Problem(_pointer(tuple(steps)), code, sentence(text))


def sentence(message: str) -> str:
    """A library's message as one sentence."""
    text = message.splitlines()[0].strip().rstrip(".").replace("`", "") if message else "It is not JSON"
    return f"{text[:1].upper()}{text[1:300]}."
