"""The correction form that an output schema implies: what to ask a person, and how to read the answers back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from governance.contracts import pointer
from governance.contracts.values import decimal_of, kind_of, same
from governance.policies.canonical import canonical_bytes
from governance.refusals import Invalid, Problem

Widget = Literal["enum", "integer", "number", "boolean", "date", "text", "longtext", "json"]
LONG_TEXT: Final = 200
_SIMPLE: Final[tuple[Widget, ...]] = ("integer", "number", "boolean")
_WHOLE: Final = ""
_MOST_DIGITS: Final = 300


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form. `pointer` is rooted in the output ("/amount"; "" for the output as a whole).

    `options` are (posted text, label) pairs of an enum, `choices` the values they stand for, in the same order.
    """

    name: str
    pointer: str
    label: str
    kind: Widget
    required: bool = False
    nullable: bool = False
    options: tuple[tuple[str, str], ...] = ()
    choices: tuple[Any, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    longest: int | None = None
    unit: str = ""
    help: str = ""

    def shown(self, value: Any) -> str:
        """A value of the output as the text that the form would post for it; "" for a null or an absent one."""
        if self.kind == "enum":
            for (text, _), choice in zip(self.options, self.choices, strict=True):
                if same(choice, value):
                    return text
        if value is None or kind_of(value) is None:
            return ""
        if isinstance(value, str) and self.kind != "json":
            return value
        return json.dumps(value, ensure_ascii=False, indent=2 if self.kind == "json" else None)


def fields(schema: dict[str, Any] | bool) -> list[Field]:
    """The questions of the form for an output schema, in the order of `x-order`, then of the schema.

    A flat object gives a field per property; nested objects, arrays and what has no simple type are JSON text. An
    output that is no object gives one field for the whole, named "output".
    """
    if not isinstance(schema, dict):
        return [Field("output", _WHOLE, "Output", "json", required=True)]
    shape = _resolved(schema, schema)
    properties = shape.get("properties")
    if not isinstance(properties, dict) or not properties:
        return [_field("output", _WHOLE, shape, schema, required=True)]
    required = shape.get("required", [])
    found = [
        (part, _field(name, pointer.build((name,)), part, schema, required=name in required))
        for name, part in properties.items()
    ]
    found.sort(key=lambda pair: _order(pair[0]))
    return [field for _, field in found]


def read_form(
    schema: dict[str, Any] | bool,
    asked: Sequence[Field],
    data: Mapping[str, str],
    base: Any = None,
) -> tuple[Any, tuple[Problem, ...]]:
    """The output that posted texts state, and what is wrong with them, one problem per field, at /output/….

    Fields that were not posted keep the value of `base`; names that are no field are ignored; an emptied optional field
    is left out, or null where the schema lets it. The value still has to pass the contract.
    """
    whole = next((field for field in asked if field.pointer == _WHOLE), None)
    if whole is not None:
        if whole.name not in data:
            return base, ()
        value, problem = _read(whole, data[whole.name])
        return (base, (problem,)) if problem else (value, ())
    output = dict(base) if isinstance(base, dict) else {}
    if isinstance(schema, dict) and _resolved(schema, schema).get("additionalProperties") is False:
        known = {field.name for field in asked}
        output = {name: value for name, value in output.items() if name in known}
    problems = []
    for field in asked:
        if field.name not in data:
            continue
        value, problem = _read(field, data[field.name])
        if problem:
            problems.append(problem)
        elif value is _LEFT_OUT:
            output.pop(field.name, None)
        else:
            output[field.name] = value
    return output, tuple(problems)


_LEFT_OUT: Final = object()


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


def _field(name: str, place: str, part: Any, root: dict[str, Any], *, required: bool) -> Field:
    part = _resolved(part, root) if isinstance(part, dict) else {}
    types = part.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    choices = tuple(part["enum"]) if isinstance(part.get("enum"), list) else ()
    kind = _kind(part, [type_ for type_ in types if type_ != "null"], choices)
    labels = part.get("x-labels", {})
    nullable = "null" in types or None in choices
    choices = tuple(choice for choice in choices if choice is not None) if kind == "enum" else ()
    return Field(
        name=name,
        pointer=place,
        label=str(part.get("title") or name.replace("_", " ").replace("-", " ").strip().capitalize()),
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
    )


def _kind(part: dict[str, Any], types: list[str], choices: tuple[Any, ...]) -> Widget:
    if choices and all(kind_of(choice) in ("text", "number", "boolean", "null") for choice in choices):
        return "enum"
    if types == ["string"]:
        if part.get("format") == "date":
            return "date"
        long = part.get("x-multiline") is True or part.get("maxLength", 0) > LONG_TEXT
        return "longtext" if long else "text"
    for simple in _SIMPLE:
        if types == [simple]:
            return simple
    return "json"


def _posted(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _label(choice: Any, labels: Any) -> str:
    text = _posted(choice)
    return str(labels[text]) if isinstance(labels, dict) and text in labels else text


def _read(field: Field, text: str) -> tuple[Any, Problem | None]:
    """The value a posted text states, _LEFT_OUT for none, or the problem."""
    if field.kind not in ("text", "longtext", "enum"):
        text = text.strip()
    texts = [posted for posted, _ in field.options]
    if text == "" and "" not in texts and (field.nullable or not field.required):
        return (None if field.nullable else _LEFT_OUT), None
    try:
        if text == "" and "" not in texts and field.kind not in ("text", "longtext"):
            raise _Wrong("required", f"{field.label} is needed.")
        if field.kind == "enum":
            if text not in texts:
                raise _Wrong("not-an-option", f"{field.label} must be one of the options.")
            return field.choices[texts.index(text)], None
        value = _typed(field.kind, text)
        _bounded(field, value)
    except _Wrong as error:
        return None, Problem(f"/output{field.pointer}", error.code, error.detail)
    except Invalid as error:
        return None, Problem(f"/output{field.pointer}", "not-text", error.sentence)
    except ValueError as error:
        return None, Problem(f"/output{field.pointer}", f"not-{field.kind}", f"{field.label}: {error}")
    return value, None


class _Wrong(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _bounded(field: Field, value: Any) -> None:
    number = decimal_of(value) if field.kind in ("integer", "number") else None
    if number is not None and field.minimum is not None and number < field.minimum:
        raise _Wrong("too-small", f"{field.label} must be at least {field.minimum}.")
    if number is not None and field.maximum is not None and number > field.maximum:
        raise _Wrong("too-large", f"{field.label} must be at most {field.maximum}.")
    if field.longest is not None and isinstance(value, str) and len(value) > field.longest:
        raise _Wrong("too-long", f"{field.label} must be at most {field.longest} characters long.")


def _typed(kind: Widget, text: str) -> Any:
    """The value a text stands for. Raises ValueError with a sentence, Invalid for text that cannot be kept."""
    if kind in ("integer", "number"):
        return _number(kind, text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError("choose yes or no.")
        return text == "true"
    if kind == "date":
        if len(text) != 10:
            raise ValueError("write the date as 2026-11-21.")
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise ValueError("write the date as 2026-11-21.") from error
    if kind == "json":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("this is not JSON.") from error
        canonical_bytes(value)
        return value
    text = text.replace("\r\n", "\n")
    canonical_bytes(text)
    return text


def _number(kind: Widget, text: str) -> int | float:
    text = text.replace("\u2212", "-")
    try:
        value = json.loads(text.removeprefix("+"))
    except ValueError as error:
        raise ValueError(
            "write a number with a point, such as 12.5." if kind == "number" else "write a whole number."
        ) from error
    number = decimal_of(value)
    if number is None or len(text) > _MOST_DIGITS:
        raise ValueError("write a number with a point, such as 12.5." if kind == "number" else "write a whole number.")
    if kind == "integer":
        if number != number.to_integral_value():
            raise ValueError("write a whole number.")
        return int(number)
    return value  # type: ignore[no-any-return]
