"""Amazon A2I's human-loop activation conditions as a system file. Pure.

Source of the form read: the JSON schema of HumanLoopActivationConditions in the Amazon SageMaker developer guide.
Each member of `Conditions` sends an inference to people by itself, so each becomes a rule with `then: review`. What
cannot be said here is told, and never made looser than it was: where in doubt a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from governance.contracts.pointer import join_field
from governance.contracts.schema import compile_contract
from governance.policies.document import parse_policy
from governance.refusals import Invalid

Document = dict[str, Any]
DEEPEST: Final = 20
_SIGNS: Final = {
    "LessThan": "lt",
    "LessThanEquals": "le",
    "GreaterThan": "gt",
    "GreaterThanEquals": "ge",
    "Equals": "eq",
}
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Imported:
    """The system file as data, and what it does not carry over, a sentence each."""

    document: Document
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    notes: list[str] = field(default_factory=list)
    kept: Decimal = Decimal(1)  # the share that no sampling takes
    forms: bool = False
    labels: bool = False

    def note(self, where: str, says: str) -> None:
        self.notes.append(f"{where}: {says}")


def read(text: str, *, slug: str, name: str, owner: str) -> Imported:
    """The system file that a text of conditions, or a whole flow definition around them, amounts to. Raises Invalid."""
    conditions = _conditions(_json(text))
    reading, rules = _Reading(), list[Document]()
    for number, one in enumerate(conditions, 1):
        where = f"Conditions[{number - 1}]"
        when = _top(reading, one, where)
        if when is None:
            continue
        if any(rule["when"] == when for rule in rules):
            reading.note(where, "says the same as one before it, so it is left out.")
            continue
        rules.append(
            {"id": f"a2i-{number}", "when": when, "then": "review", "because": f"Amazon A2I condition {number}."}
        )
    rate = 1 - reading.kept
    policy: Document = {
        "threshold": {"default": 0}, "rules": rules,
        "audit": {"rate": float(round(rate, 6)), "hold": rate > 0},
        "routing": {"default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}}},
    }  # fmt: skip
    contract = _contract(reading)
    _drop_unreachable(reading, policy)
    reading.notes += [
        "All else: goes out alone whatever its confidence, as in A2I. Raise threshold.default to 1 to begin with "
        "everything reviewed, and let the evidence lower it.",
        *(["Sampling: those drawn are reviewed blind and wait for the answer (audit.hold)."] if rate else []),
    ]
    system = {
        "slug": slug,
        "name": name,
        "purpose": "Imported from Amazon A2I.",
        "risk_tier": "limited",
        "owner": owner,
    }
    return Imported(
        {"countersign": 1, "system": system, "contract": contract, "policy": policy}, tuple(reading.notes)
    )  # fmt: skip


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("The file is not JSON.") from error


def _conditions(data: Any) -> list[Any]:
    """The list of conditions, wherever in a flow definition it stands, as data or as a text in it."""
    for _ in range(5):
        if isinstance(data, str):
            data = _json(data)
        if not isinstance(data, dict):
            break
        if isinstance(data.get("Conditions"), list):
            found: list[Any] = data["Conditions"]
            return found
        names = (
            "HumanLoopActivationConfig", "HumanLoopActivationConditionsConfig", "HumanLoopActivationConditions",
        )  # fmt: skip
        data = next((data[name] for name in names if name in data), None)
    raise Invalid("There are no Amazon A2I activation conditions in the file: it has no list Conditions.")


def _top(reading: _Reading, one: Any, where: str) -> Document | None:
    """One independent condition. A sampling here, or in an Or here, is a share of everything: that is the audit."""
    if _is_sampling(one):
        _sample(reading, one, where)
        return None
    if isinstance(one, dict) and isinstance(one.get("Or"), list):
        parts = one["Or"]
        for number, part in enumerate(parts):
            if _is_sampling(part):
                _sample(reading, part, f"{where}.Or[{number}]")
        rest = [part for part in parts if not _is_sampling(part)]
        return _joined(reading, rest, "any", f"{where}.Or", 1) if rest else None
    return _condition(reading, one, where, 0)


def _condition(reading: _Reading, one: Any, where: str, depth: int) -> Document | None:
    """A condition in this language; None where none of it can be said, which is noted."""
    if depth > DEEPEST or not isinstance(one, dict):
        raise Invalid(f"{where} is no condition.")
    for name, word in (("And", "all"), ("Or", "any")):
        if isinstance(one.get(name), list):
            return _joined(reading, one[name], word, f"{where}.{name}", depth + 1)
    given = one.get("ConditionParameters")
    make = _KINDS.get(str(one.get("ConditionType")))
    if make is None:
        reading.note(where, f"{one.get('ConditionType')!r} is a kind of condition that is not known; it is left out.")
        return None
    return make(reading, given if isinstance(given, dict) else {}, where)


def _joined(reading: _Reading, parts: list[Any], word: str, where: str, depth: int) -> Document | None:
    """And, Or. In an And what cannot be said is left out, so that more is reviewed and not less."""
    found = [_condition(reading, part, f"{where}[{number}]", depth) for number, part in enumerate(parts)]
    known = [one for one in found if one is not None]
    if not known:
        return None
    return known[0] if len(known) == 1 else {word: known}


def _is_sampling(one: Any) -> bool:
    return isinstance(one, dict) and one.get("ConditionType") == "Sampling"


def _sample(reading: _Reading, one: Document, where: str) -> None:
    share = (one.get("ConditionParameters") or {}).get("RandomSamplingPercentage")
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 100:
        raise Invalid(f"{where}: RandomSamplingPercentage is a number from 0 to 100.")
    reading.kept *= 1 - Decimal(repr(share)) / 100


def _sampled_inside(reading: _Reading, given: Document, where: str) -> Document | None:
    reading.note(where, "a sample of only those that meet other conditions cannot be said; all of them are reviewed.")
    return None


def _form_check(reading: _Reading, given: Document, where: str) -> Document | None:
    reading.forms = True
    kinds = {"KeyValueBlockConfidence": "key_confidence", "WordBlockConfidence": "word_confidence"}
    if given.get("ImportantFormKey") == _ANY:
        return _least(reading, [_bounds(given, kind) for kind in kinds], where, "keys and words")
    asked = [
        _range(("output", "fields", key, column), bounds)
        for key in _keys(given, where)
        for kind, column in kinds.items()
        if (bounds := _bounds(given, kind))
    ]
    if all(_bounds(given, kind) for kind in kinds):
        reading.note(where, "both confidences are bounded; either of them in its range asks for a person.")
    return _any_of(reading, asked, where)


def _form_missing(reading: _Reading, given: Document, where: str) -> Document | None:
    reading.forms = True
    keys = _keys(given, where)
    if _ANY in keys:
        reading.note(where, "a key that is missing has to have a name; it is left out.")
        return None
    gone = [{"field": join_field(("output", "fields", key)), "op": "exists", "value": False} for key in keys]
    return gone[0] if len(gone) == 1 else {"all": gone}


def _label_check(reading: _Reading, given: Document, where: str) -> Document | None:
    reading.labels = True
    label, bounds = given.get("ModerationLabelName"), _bounds(given, "Confidence")
    if not isinstance(label, str) or not label:
        raise Invalid(f"{where}: ModerationLabelName is missing.")
    if label == _ANY:
        return _least(reading, [bounds], where, "labels")
    return _any_of(reading, [_range(("output", "labels", label, "confidence"), bounds)] if bounds else [], where)


def _any_of(reading: _Reading, asked: list[Document], where: str) -> Document | None:
    if not asked:
        reading.note(where, "it states no confidence to compare with; it is left out.")
        return None
    return asked[0] if len(asked) == 1 else {"any": asked}


def _least(reading: _Reading, bounds: Sequence[dict[str, Any]], where: str, of: str) -> Document | None:
    """Any key or label under a confidence: the least of them is, which the producer states as the output's own."""
    asked = []
    for one in bounds:
        for sign, value in one.items():
            if sign not in ("lt", "le"):
                reading.note(where, f"any of all {of} over a confidence cannot be said; it is left out.")
                continue
            asked.append({"field": "confidence", "op": sign, "value": float(Decimal(repr(value)) / 100)})
    if asked:
        reading.note(where, f"it is about all {of}: send the least of their confidences as the output's confidence.")
    return _any_of(reading, [one for n, one in enumerate(asked) if one not in asked[:n]], where) if asked else None


def _bounds(given: Document, kind: str) -> dict[str, Any]:
    """The comparisons of one confidence, by operator."""
    found = {}
    for name, sign in _SIGNS.items():
        if (value := given.get(f"{kind}{name}")) is not None:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise Invalid(f"{kind}{name} is a number.")
            found[sign] = value
    return found


def _range(path: tuple[str, ...], bounds: dict[str, Any]) -> Document:
    """All bounds of one number. What is not there is in no range, as in A2I."""
    asked = [
        {"field": join_field(path), "op": sign, "value": value, "on_missing": "false"} for sign, value in bounds.items()
    ]
    return asked[0] if len(asked) == 1 else {"all": asked}


def _keys(given: Document, where: str) -> list[str]:
    aliases = given.get("ImportantFormKeyAliases") or []
    named = [given.get("ImportantFormKey"), *(aliases if isinstance(aliases, list) else [])]
    keys = [key for key in named if isinstance(key, str) and key]
    if not keys:
        raise Invalid(f"{where}: ImportantFormKey is missing.")
    return list(dict.fromkeys(keys))


_KINDS: Final[dict[str, Callable[[_Reading, Document, str], Document | None]]] = {
    "ImportantFormKeyConfidenceCheck": _form_check, "MissingImportantFormKey": _form_missing,
    "ModerationLabelConfidenceCheck": _label_check, "Sampling": _sampled_inside,
}  # fmt: skip


def _contract(reading: _Reading) -> Document:
    """Where the producer puts what the conditions read: keys and labels by name, confidences from 0 to 100."""
    sure = {"type": "number", "minimum": 0, "maximum": 100}
    parts: Document = {}
    if reading.forms:
        key = {
            "type": "object",
            "properties": {"value": {"type": "string"}, "key_confidence": sure, "word_confidence": sure},
        }
        parts["fields"] = {"type": "object", "additionalProperties": key}
    if reading.labels:
        label = {"type": "object", "properties": {"confidence": sure}}
        parts["labels"] = {"type": "object", "additionalProperties": label}
    return {"version": "1.0.0", "input": {"type": "object"}, "output": {"type": "object", "properties": parts}}


def _drop_unreachable(reading: _Reading, policy: Document) -> None:
    """Leaves out what a rule before it catches anyway: A2I allows that, a policy does not."""
    for _ in range(len(policy["rules"])):
        try:
            parse_policy(policy, contract=compile_contract(_contract(reading)))
            return
        except Invalid as refusal:
            problem = refusal.errors[0]
            place = problem.pointer.removeprefix("policy.rules[").split("]")[0]
            if not place.isdigit() or problem.code not in ("never", "contradiction"):
                raise
            rule = policy["rules"].pop(int(place))
            reading.note(rule["id"], f"it is left out. {problem.detail}")
