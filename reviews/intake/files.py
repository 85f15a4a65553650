"""Files of outputs, a row at a time: lines of JSON, or CSV whose columns are named after the places they fill. Pure.

CSV: `external_id, confidence, model, model_version, prompt_version, callback_url, system, explanation` are columns of
their own; `input`, `output`, `attributes` and `alternatives` hold JSON, or `input.text`, `output.intent`,
`attributes.channel` one member each. A cell that is JSON (a number, true, null, a list, an object) is read as such, any
other as text, and an empty one is left out. `external_id` and the names of models are always text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from governance.contracts import pointer
from governance.refusals import Invalid, Problem, Refused
from reviews.intake import bodies
from reviews.intake.bodies import Body

_TEXTS: Final = ("system", "external_id", "model", "model_version", "prompt_version", "callback_url")
_VALUES: Final = ("input", "output", "confidence", "alternatives", "explanation", "attributes")
_PARTS: Final = ("input", "output", "attributes")


class Row(NamedTuple):
    """A row with its number in the file (from 1, a CSV's header included), its text, and what it states."""

    number: int
    text: str
    found: Body | Refused


def of_json(lines: Iterable[bytes], *, system: str) -> Iterator[Row]:
    """The rows of newline-delimited JSON; blank lines are left out. A line that names no system means this one."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield Row(number, line.decode(errors="replace").rstrip("\r\n"), _read(line, system))


def of_csv(lines: Iterable[str], *, system: str) -> Iterator[Row]:
    """The rows of a CSV file with a header. Raises Invalid for a header that fits no output."""
    reader = csv.reader(lines, strict=True)
    header = next(reader, [])
    places = [_place(name) for name in header]
    _check(header)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(reader.line_num, "", _broken(f"This is no CSV: {error}."))
            return
        if cells:
            yield Row(reader.line_num, json.dumps(cells, ensure_ascii=False), _row(cells, header, places, system))


def _row(cells: list[str], header: Sequence[str], places: Sequence[pointer.Tokens], system: str) -> Body | Refused:
    if len(cells) != len(header):
        return _broken(f"This row has {len(cells)} cells, the header {len(header)}.")
    document: dict[str, Any] = {"system": system, "input": {}, "output": {}}
    try:
        for cell, tokens in zip(cells, places, strict=True):
            if cell:
                document = pointer.put(document, tokens, cell if tokens[0] in _TEXTS else _value(cell))
    except ValueError as error:
        return _broken(str(error))
    return _read(msgspec.json.encode(document), system)


def _value(cell: str) -> Any:
    try:
        msgspec.json.decode(cell)
    except (msgspec.MsgspecError, RecursionError):
        return cell
    return msgspec.Raw(cell.encode())  # as it is written: a number keeps all its digits


def _place(name: str) -> pointer.Tokens:
    try:
        return pointer.split_field(name.strip().lstrip("\ufeff"))
    except ValueError as error:
        raise Invalid(f"The column {name!r} has no place in an output.") from error


def _check(header: Sequence[str]) -> None:
    for name in header:
        tokens = _place(name)
        is_whole = len(tokens) == 1 and tokens[0] in (*_TEXTS, *_VALUES)
        if not is_whole and not (len(tokens) > 1 and tokens[0] in _PARTS):
            raise Invalid(f"The column {name!r} has no place in an output.")
    if len({_place(name) for name in header}) < len(header):
        raise Invalid("A column stands there twice.")
    if "external_id" not in (name.strip().lstrip("\ufeff") for name in header):
        raise Invalid("The column external_id is missing.")


def _read(line: bytes, system: str) -> Body | Refused:
    try:
        return bodies.read(line)
    except Refused as refusal:
        if [problem.pointer for problem in refusal.errors] != ["/system"] or refusal.errors[0].code != "missing-field":
            return refusal
    return _read(b'{"system":%b,%b' % (msgspec.json.encode(system), line.lstrip()[1:]), system)


def _broken(sentence: str) -> Invalid:
    return Invalid(sentence, errors=[Problem("", "malformed", sentence)])
