"""The correction form that an output schema implies: what to ask a person, and how to read the answers back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from governance.contracts import pointer
from governance.contracts.calls import with_signature
from governance.contracts.formtexts import LEFT_OUT, MOST_ROWS, Field, Widget, is_same_text, read_text, shown_texts
from governance.contracts.values import MISSING, decimal_of, kind_of
from governance.refusals import Problem

__all__ = ["Field", "fields", "is_untouched", "read_form", "rows_of"]

LONG_TEXT: Final = 200
_SIMPLE: Final[tuple[Widget, ...]] = ("integer", "number", "boolean")
_DATES: Final[Mapping[str, Widget]] = {"date": "date", "date-time": "datetime"}
_WHOLE: Final = ""
_MOST_DEPTH: Final = 5
# A part that says its shape in one of these ways has more than one shape, and is asked for as JSON text.
_OPEN: Final = ("oneOf", "anyOf", "allOf", "not", "if", "patternProperties", "prefixItems", "contains")


def fields(schema: dict[str, Any] | bool, said: Any = None) -> list[Field]:
    """The questions of the form for an output schema, in the order of `x-order`, then of the schema.

    A property is a field; an object with properties has fields of its own, an array rows like its items. What has no
    simple type is JSON text. An output that is no object gives one field for the whole, named "output". `said` is an
    answer whose action decides which arguments are asked for, where the output is a call.
    """
    if not isinstance(schema, dict):
        return [Field("output", _WHOLE, "Output", "json", required=True)]
    shape = with_signature(_resolved(schema, schema), said)
    properties = shape.get("properties")
    if not isinstance(properties, dict) or not properties:
        return [_field("", shape, schema, required=True)]
    return list(_parts("", shape, schema, 0))


def read_form(
    schema: dict[str, Any] | bool,
    asked: Sequence[Field],
    data: Mapping[str, str],
    base: Any = None,
) -> tuple[Any, tuple[Problem, ...]]:
    """The output that posted texts state, and what is wrong with them, one problem per field, at /output/….

    Fields that were not posted, or were posted as they were shown, keep the value of `base`; names that are no field
    are ignored; an emptied optional field is left out, or null where the schema lets it; an emptied row is gone. An
    array is posted by its name, and by that of each row. The value still has to pass the contract.
    """
    problems: list[Problem] = []
    whole = next((field for field in asked if field.pointer == _WHOLE), None)
    if whole is not None:
        value = _taken(whole, data, base, "/output", problems)
        return (base, tuple(problems)) if problems or value is LEFT_OUT else (value, ())
    output = dict(base) if isinstance(base, dict) else {}
    shape = _resolved(schema, schema) if isinstance(schema, dict) else {}
    if shape.get("additionalProperties") is False:
        output = {name: value for name, value in output.items() if name in shape.get("properties", {})}
    _take_parts(asked, data, output, "/output", problems)
    return output, tuple(problems)


def is_untouched(asked: Sequence[Field], data: Mapping[str, str], base: Any) -> bool:
    """Whether all that was posted is what the form showed for `base`."""
    members = base if isinstance(base, dict) else {}
    return all(_is_untouched(field, data, members.get(field.key) if field.pointer else base) for field in asked)


def rows_of(field: Field, data: Mapping[str, str], base: Any) -> list[int]:
    """Which rows of an array the posted form has, without those that were left or made empty."""
    return [index for index in _posted_rows(field, data) if not _is_gone(field, index, data, base)]


def _taken(field: Field, data: Mapping[str, str], base: Any, place: str, problems: list[Problem]) -> Any:
    """The value that the form states for one field, LEFT_OUT for none; `base` where nothing of it was posted."""
    if not _under(field, data):
        return base
    field = field.fitting(base)
    if base is not MISSING and _is_untouched(field, data, base):
        return base
    if field.kind == "object":
        return _object(field, data, base, place, problems)
    if field.kind == "array":
        return _array(field, data, base, place, problems)
    text = data.get(field.name)
    if text is None or (base is MISSING and text == "" and not field.required):
        return base
    value, problem = read_text(field, text, place)
    if problem:
        problems.append(problem)
        return base
    return value


def _object(field: Field, data: Mapping[str, str], base: Any, place: str, problems: list[Problem]) -> Any:
    if _is_blank(field, data) and not (field.required and not field.nullable):
        return base if base is MISSING or base is None else None if field.nullable else LEFT_OUT
    output = dict(base) if isinstance(base, dict) else {}
    if field.is_closed:
        known = {part.key for part in field.parts}
        output = {name: value for name, value in output.items() if name in known}
    wrong = len(problems)
    _take_parts(field.parts, data, output, place, problems)
    told = {problem.pointer for problem in problems[wrong:]}
    for part in field.parts:
        at = place + pointer.build((part.key,))
        if part.required and part.key not in output and at not in told:
            problems.append(Problem(at, "required", f"{part.label} is needed."))
    return output


def _take_parts(
    parts: Sequence[Field], data: Mapping[str, str], output: dict[str, Any], place: str, problems: list[Problem]
) -> None:
    for part in parts:
        value = _taken(part, data, output.get(part.key, MISSING), place + pointer.build((part.key,)), problems)
        if value is LEFT_OUT:
            output.pop(part.key, None)
        else:
            output[part.key] = value


def _array(field: Field, data: Mapping[str, str], base: Any, place: str, problems: list[Problem]) -> Any:
    was, rows = base if isinstance(base, list) else [], []
    for rank, index in enumerate(rows_of(field, data, base)):
        old = was[index] if index < len(was) else MISSING
        rows.append(_taken(field.row(index), data, old, f"{place}/{rank}", problems))
    if not rows and (base is MISSING or base is None) and not field.required:
        return base
    return [row for row in rows if row is not LEFT_OUT]


def _posted_rows(field: Field, data: Mapping[str, str]) -> list[int]:
    start = len(field.rows_under)
    heads = {name[start:].split("/", 1)[0] for name in _under(field, data)}
    found = sorted(int(head) for head in heads if head.isascii() and head.isdecimal() and len(head) < 6)
    return found[: 2 * MOST_ROWS]


def _is_gone(field: Field, index: int, data: Mapping[str, str], base: Any) -> bool:
    """Whether a row is blank that was not blank before."""
    row = field.row(index)
    if not _is_blank(row, data):
        return False
    was = base[index] if isinstance(base, list) and index < len(base) else MISSING
    return was is MISSING or any(text.strip() for _, text in shown_texts(row, was))


def _is_untouched(field: Field, data: Mapping[str, str], base: Any) -> bool:
    """Whether everything was posted as it was shown for `base`, so that its value may stay what it is to the letter."""
    shown = dict(shown_texts(field, base))
    names = {name for name in _under(field, data) if data[name]}
    return all(is_same_text(shown.get(name, ""), data.get(name, "")) for name in names | shown.keys())


def _is_blank(field: Field, data: Mapping[str, str]) -> bool:
    return not any(data[name].strip() for name in _under(field, data))


def _under(field: Field, data: Mapping[str, str]) -> list[str]:
    """The names that were posted for a field and for all in it."""
    return [each for each in data if each == field.name or each.startswith(field.rows_under)]


def _parts(place: str, shape: dict[str, Any], root: dict[str, Any], depth: int) -> Iterator[Field]:
    required = shape.get("required", [])
    members = sorted(shape["properties"].items(), key=lambda pair: _order(pair[1]))
    for name, part in members:
        yield _field(place + pointer.build((name,)), part, root, required=name in required, depth=depth)


def _order(part: Any) -> float:
    order = part.get("x-order") if isinstance(part, dict) else None
    number = decimal_of(order)
    return float(number) if number is not None else float("inf")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema with its own $ref into the same document followed, at most eight times."""
    for _ in range(8):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        try:
            target = pointer.get(root, pointer.parse(reference[1:]))
        except ValueError:
            return schema
        if not isinstance(target, dict):
            return schema
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _field(
    place: str, part: Any, root: dict[str, Any], *, required: bool, depth: int = 0, within: str = ""
) -> Field:  # fmt: skip
    part = _resolved(part, root) if isinstance(part, dict) else {}
    name = pointer.parse(place)[-1] if place else "output"
    types = part.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    choices = tuple(part["enum"]) if isinstance(part.get("enum"), list) else ()
    kind = _kind(part, [type_ for type_ in types if type_ != "null"], choices, depth)
    label = str(part.get("title") or within or name.replace("_", " ").replace("-", " ").strip().capitalize())
    item = None
    if kind == "array":
        item = _field(f"{place}/-", part["items"], root, required=True, depth=depth + 1, within=label)
        if item.kind == "json":  # rows of JSON text would say no more than one JSON text
            kind, item = "json", None
    labels = part.get("x-labels", {})
    nullable = "null" in types or None in choices
    choices = tuple(choice for choice in choices if choice is not None) if kind == "enum" else ()
    return Field(
        name=place[1:] if place else "output",
        pointer=place,
        label=label,
        kind=kind,
        required=required,
        nullable=nullable,
        options=tuple((_posted(choice), _label(choice, labels)) for choice in choices),
        choices=choices,
        minimum=decimal_of(part.get("minimum", part.get("exclusiveMinimum"))),
        maximum=decimal_of(part.get("maximum", part.get("exclusiveMaximum"))),
        longest=part.get("maxLength"),
        unit=str(part.get("x-unit", "")),
        help=str(part.get("description", "")),
        parts=tuple(_parts(place, part, root, depth + 1)) if kind == "object" else (),
        item=item,
        is_closed=part.get("additionalProperties") is False,
    )


def _kind(part: dict[str, Any], types: list[str], choices: tuple[Any, ...], depth: int) -> Widget:
    if choices and all(kind_of(choice) in ("text", "number", "boolean", "null") for choice in choices):
        return "enum"
    if types == ["string"]:
        if part.get("format") in _DATES:
            return _DATES[part["format"]]
        long = part.get("x-multiline") is True or part.get("maxLength", 0) > LONG_TEXT
        return "longtext" if long else "text"
    for simple in _SIMPLE:
        if types == [simple]:
            return simple
    if depth >= _MOST_DEPTH or any(name in part for name in _OPEN):
        return "json"
    if types == ["object"] and isinstance(part.get("properties"), dict) and part["properties"]:
        return "object"
    return "array" if types == ["array"] and isinstance(part.get("items"), dict) else "json"


def _posted(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _label(choice: Any, labels: Any) -> str:
    text = _posted(choice)
    return str(labels[text]) if isinstance(labels, dict) and text in labels else text
