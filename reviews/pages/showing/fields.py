"""Fields that an AI took out of a document: each with its value, and how sure the AI was of just that one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from governance.contracts import pointer
from governance.contracts.values import MISSING, decimal_of
from reviews.pages.showing.foreign import Text, as_json, text
from reviews.pages.showing.tree import Value, is_plain, plain_value

MOST: Final = 200
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field. Confidence and the level needed in millionths, None where none is said; `is_under` when it is less
    sure than needed, or does not say how sure it is. `rest` is what else came with it."""

    title: Text
    value: Value
    confidence: int | None
    needed: int | None
    is_under: bool
    rest: Text | None


@dataclass(frozen=True, slots=True)
class Fields:
    title: str
    rows: tuple[Field, ...]
    kind: str = "fields"

    @property
    def under(self) -> int:
        """How many fields want a look."""
        return sum(row.is_under for row in self.rows)

    @property
    def plain(self) -> str:
        return "; ".join(f"{row.title.plain} {row.value.text.plain}" for row in self.rows)


def fields(schema: dict[str, Any], value: Any, title: str) -> Fields | None:
    """The rows of {"name": {"value": …, "confidence": …}}, or of plain members whose confidences stand where the
    schema's `x-confidence` points to within the value; None for anything else.

    `x-needed`, from 0 to 1, on the schema or on a field, is the level under which a field is marked.
    """
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST:
        return None
    aside, sure = _aside(schema, value)
    members = {name: member for name, member in value.items() if name != aside}
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    order = [name for name in known if name in members] + [name for name in members if name not in known]
    order += [name for name in sure if name not in members]
    if not order or (aside is None and not any(map(_is_typed, members.values()))):
        return None
    rows = []
    for name in order:
        part = known.get(name)
        rows.append(_row(name, members.get(name, MISSING), part if isinstance(part, dict) else {}, schema, sure))
    return Fields(title, tuple(rows))


def _aside(schema: dict[str, Any], value: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The member that holds nothing but confidences, and these by the names of the fields."""
    where = schema.get("x-confidence")
    try:
        tokens = pointer.parse(where) if isinstance(where, str) else ()
    except ValueError:
        return None, {}
    found = pointer.get(value, tokens) if tokens else MISSING
    if len(tokens) != 1 or not isinstance(found, dict) or not all(map(is_plain, found.values())):
        return None, {}
    return tokens[0], found


def _is_typed(member: Any) -> bool:
    return isinstance(member, dict) and "value" in member


def _row(name: str, member: Any, part: dict[str, Any], schema: dict[str, Any], sure: dict[str, Any]) -> Field:
    said, rest = sure.get(name), {}
    inner = member
    if _is_typed(member):
        inner, said = member["value"], member.get("confidence", said)
        rest = {key: each for key, each in member.items() if key not in ("value", "confidence")}
    needed, confidence = _millionths(part.get("x-needed", schema.get("x-needed"))), _millionths(said)
    is_under = needed is not None and (confidence is None or confidence < needed)
    if said is not None and confidence is None:
        rest["confidence"] = said
    title = part.get("title")
    named = title if isinstance(title, str) and title else name
    return Field(text(named), _shown(inner), confidence, needed, is_under, text(as_json(rest)) if rest else None)


def _shown(value: Any) -> Value:
    if value is MISSING:
        return Value(text("not there"), True)
    if is_plain(value) or isinstance(value, str):
        return plain_value(value)
    return Value(text(as_json(value)), True)


def _millionths(share: Any) -> int | None:
    """A share from 0 to 1, rounded down; None for what is no such number."""
    number = decimal_of(share)
    return int(number * _MILLION) if number is not None and 0 <= number <= 1 else None
