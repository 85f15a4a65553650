"""A policy document as a form: what its fields show, and the document that a filled-in form makes of it. Pure.

The form knows thresholds, segments, rules and their questions, audits, the risk target and the time people have. What
it does not show (nested conditions, routing, and whatever else the text says) stays in the document as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from governance.policies import conditions
from governance.policies.sentences import OUTCOMES, condition_sentence
from governance.refusals import Invalid, Problem

LANES: Final = ("release", "review", "block")
ON_MISSING: Final = ("escalate", "false", "true")
_CONTROLS: Final = {
    "threshold.default": "threshold", "audit.rate": "audit_rate", "risk.target": "target", "sla.due_in": "due_in",
}  # fmt: skip
_IN_PART: Final = re.compile(
    r"(?P<list>rules|threshold\.segments)\[(?P<place>\d+)\]"
    r"(?:\.when\.(?:all|any)\[(?P<question>\d+)\](?:\.(?P<key>field|op|value|on_missing))?|\.(?P<own>\w+))?.*"
)
LISTED: Final = ("in", "not_in", "between")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a rule as the form shows it; `name` begins the names of its controls."""

    name: str
    field: str
    op: str
    value: str
    on_missing: str


@dataclass(frozen=True, slots=True)
class Part:
    """A rule or a segment as the form shows it. `questions` is None where its condition is nested: then only the text
    form changes it."""

    name: str
    id: str
    sentence: str
    joined: str
    questions: tuple[Question, ...] | None
    then: str = ""
    because: str = ""
    threshold: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    threshold: str
    audit_rate: str
    audit_hold: bool
    target: str
    due_in: str
    rules: tuple[Part, ...] = ()
    segments: tuple[Part, ...] = ()


def form(document: Document) -> Form:
    """What the form shows of a document, however unfinished."""
    threshold, audit = _block(document, "threshold"), _block(document, "audit")
    return Form(
        _percent(threshold.get("default", 1)), _percent(audit.get("rate", 0.05)), audit.get("hold") is True,
        _percent(_block(document, "risk").get("target", 0.02)), str(_block(document, "sla").get("due_in", "PT24H")),
        tuple(_part(f"rule-{n}", rule) for n, rule in enumerate(_list(document.get("rules")))),
        tuple(_part(f"segment-{n}", part) for n, part in enumerate(_list(threshold.get("segments")))),
    )  # fmt: skip


def filled(document: Document, said: Mapping[str, str]) -> Document:
    """The document with everything that the form said. Numbers that are none are kept as texts, so that reading the
    document tells of them at their field."""
    new = deepcopy(document)
    threshold = _set(new, "threshold", "default", _share(said.get("threshold")))
    _set(new, "audit", "rate", _share(said.get("audit_rate")))
    if "audit_rate" in said:
        _set(new, "audit", "hold", said.get("audit_hold") == "on")
    _set(new, "risk", "target", _share(said.get("target")))
    _set(new, "sla", "due_in", said.get("due_in") or None)
    for number, rule in enumerate(_list(new.get("rules"))):
        name = f"rule-{number}"
        _fill(rule, name, said)
        if f"{name}-then" in said:
            rule["then"] = said[f"{name}-then"]
            rule.pop("because", None)
            if said.get(f"{name}-because", "").strip():
                rule["because"] = said[f"{name}-because"].strip()
    for number, part in enumerate(_list(threshold.get("segments"))):
        _fill(part, f"segment-{number}", said)
        if f"segment-{number}-threshold" in said:
            part["threshold"] = _share(said[f"segment-{number}-threshold"])
    return new


def stepped(document: Document, step: str) -> Document:
    """The document after a button of the form: `rule-add`, `rule-2-up`, `rule-2-down`, `rule-2-remove`, `rule-2-ask`,
    `rule-2-drop-1`, and the same of segments. Raises Invalid for a button that there is not."""
    new = deepcopy(document)
    noun, _, rest = step.partition("-")
    if noun not in ("rule", "segment"):
        raise Invalid("There is no such button.")
    home = new if noun == "rule" else _block(new, "threshold", make=True)
    parts = home.setdefault("rules" if noun == "rule" else "segments", [])
    if rest == "add":
        question = {"field": "confidence", "op": "lt", "value": 0.5}
        made: Document = {"id": _free(noun, parts), "when": {"all": [question]}}
        parts.append(made | ({"then": "review"} if noun == "rule" else {"threshold": 1}))
        return new
    place, _, what = rest.partition("-")
    if not (place.isdigit() and int(place) < len(parts)):
        raise Invalid("This part is not there any more.")
    _move(parts, int(place), what)
    return new


def _move(parts: list[Any], place: int, what: str) -> None:
    other = {"up": place - 1, "down": place + 1}.get(what)
    if other is not None:
        if 0 <= other < len(parts):
            parts[place], parts[other] = parts[other], parts[place]
    elif what == "remove":
        del parts[place]
    else:
        name, questions = _questions(parts[place].get("when"))
        if name is None or questions is None:
            raise Invalid("This condition is nested: change it in the text form.")
        if what == "ask":
            questions.append({"field": "confidence", "op": "lt", "value": 0.5})
        elif what.startswith("drop-") and what[5:].isdigit() and int(what[5:]) < len(questions) > 1:
            del questions[int(what[5:])]
        else:
            raise Invalid("A rule keeps at least one question.")
        parts[place]["when"] = {name: questions}


def at_field(problem: Problem) -> str:
    """The name of the control that a problem belongs to; "" for what only the text form can mend."""
    path = problem.pointer.removeprefix("policy.")
    plain = {
        "threshold.default": "threshold",
        "audit.rate": "audit_rate",
        "risk.target": "target",
        "sla.due_in": "due_in",
    }
    if path in plain:
        return plain[path]
    for start, noun in (("rules[", "rule"), ("threshold.segments[", "segment")):
        if path.startswith(start):
            place, _, rest = path.removeprefix(start).partition("]")
            rest = rest.removeprefix(".")
            for group in ("when.all[", "when.any["):
                if rest.startswith(group):
                    question, _, key = rest.removeprefix(group).partition("]")
                    return (
                        f"{noun}-{place}-{question}{key.replace('.', '-')}"
                        if key
                        else f"{noun}-{place}-{question}-field"
                    )
            return f"{noun}-{place}-{rest}" if rest in ("id", "then", "because", "threshold") else f"{noun}-{place}-id"
    return ""


def _part(name: str, part: Any) -> Part:
    part = part if isinstance(part, dict) else {}
    joined, questions = _questions(part.get("when"))
    shown = None
    if questions is not None:
        shown = tuple(_question(f"{name}-{number}", one) for number, one in enumerate(questions))
    threshold = _percent(part["threshold"]) if "threshold" in part else ""
    return Part(
        name, str(part.get("id", "")), _sentence(part), joined or "all", shown, str(part.get("then", "")),
        str(part.get("because", "")), threshold,
    )  # fmt: skip


def _sentence(part: Document) -> str:
    """The part read back, as far as it can be read."""
    try:
        when = condition_sentence(conditions.parse(part.get("when")))
    except Invalid as refusal:
        return refusal.errors[0].detail if refusal.errors else refusal.sentence
    if "then" in part:
        return f"When {when}, {OUTCOMES.get(str(part['then']), 'something happens')}."
    return f"When {when}, it goes out alone only from {_percent(part.get('threshold', 1))} % confidence."


def _questions(when: Any) -> tuple[str | None, list[Any] | None]:
    """The questions of a flat condition and how they are joined; None for a nested one."""
    if not isinstance(when, dict):
        return "all", []
    if "field" in when:
        return "all", [when]
    for name in ("all", "any"):
        parts = when.get(name)
        if isinstance(parts, list) and all(isinstance(part, dict) and "field" in part for part in parts):
            return name, list(parts)
    return None, None


def _question(name: str, one: Document) -> Question:
    value = one.get("value", "")
    text = _written_list(value) if isinstance(value, list) and one.get("op") in LISTED else _written(value)
    on_missing = one.get("on_missing", "escalate")
    said = str(on_missing).lower() if isinstance(on_missing, bool) else str(on_missing)
    return Question(name, str(one.get("field", "")), str(one.get("op", "")), text, said)


def _fill(part: Document, name: str, said: Mapping[str, str]) -> None:
    if f"{name}-id" in said:
        part["id"] = said[f"{name}-id"].strip()
    _, questions = _questions(part.get("when"))
    if questions is None or f"{name}-joined" not in said:
        return
    filled_in = []
    for number, one in enumerate(questions):
        own = f"{name}-{number}"
        if f"{own}-field" not in said:
            filled_in.append(one)
            continue
        op = said.get(f"{own}-op", "")
        new: Document = {"field": said[f"{own}-field"].strip(), "op": op}
        if op != "exists":
            new["value"] = _read(said.get(f"{own}-value", ""), listed=op in LISTED)
            if said.get(f"{own}-on_missing") in ("false", "true"):
                new["on_missing"] = said[f"{own}-on_missing"]
        elif said.get(f"{own}-value", "").strip() == "false":
            new["value"] = False
        filled_in.append(new)
    part["when"] = {"any" if said[f"{name}-joined"] == "any" else "all": filled_in}


def _read(text: str, *, listed: bool) -> Any:
    """What somebody wrote: 500 is a number, true and null are themselves, "500" in quotes and all else is a text."""
    if listed:
        try:
            whole = json.loads(f"[{text}]")
        except ValueError:
            whole = [_read(part, listed=False) for part in text.split(",")]
        return whole
    try:
        return json.loads(text.strip())
    except ValueError:
        return text.strip()


def _written(value: Any) -> str:
    """A value as `_read` would read it back."""
    if (
        isinstance(value, str)
        and value == value.strip()
        and value
        and "," not in value
        and _read(value, listed=False) == value
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


def _written_list(values: list[Any]) -> str:
    """Values with commas between them; all of them as JSON as soon as one has to be."""
    plain = [_written(value) for value in values]
    if any(text[:1] in '"[{' for text in plain):
        plain = [json.dumps(value, ensure_ascii=False) for value in values]
    return ", ".join(plain)


def _percent(share: Any) -> str:
    if isinstance(share, bool) or not isinstance(share, (int, float)):
        return str(share)
    return f"{(Decimal(repr(share)) * 100).normalize():f}"


def _share(percent: str | None) -> Any:
    if percent is None:
        return None
    try:
        exact = Decimal(percent.strip()) / 100
    except InvalidOperation:
        return percent
    if not exact.is_finite():
        return percent
    return int(exact) if exact == int(exact) else float(exact)


def _block(document: Document, name: str, *, make: bool = False) -> Document:
    block = document.get(name)
    if not isinstance(block, dict):
        block = {}
        if make:
            document[name] = block
    return block


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _set(document: Document, block: str, key: str, value: Any) -> Document:
    if value is None:
        return _block(document, block)
    home = _block(document, block, make=True)
    home[key] = value
    return home


def _free(noun: str, parts: list[Any]) -> str:
    taken = {part.get("id") for part in parts if isinstance(part, dict)}
    return next(name for number in range(1, len(parts) + 2) if (name := f"{noun}-{number}") not in taken)
