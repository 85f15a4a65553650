"""What the why page says: its one sentence, the glyph of each step, the conditions as rows, the machine form. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from governance.contracts.masking import MASK
from governance.contracts.values import same
from governance.pages.templatetags import words
from governance.policies.policy import Policy
from governance.policies.sentences import condition_sentence
from reviews.pages.showing.foreign import Text, text

if TYPE_CHECKING:
    from governance.models import Output
    from reviews.models import Decision

_DRAWS: Final = 2**64
_ORDER: Final = ("type", "at", "actor", "subject", "causes", "policy", "gate", "decision", "detail", "commitments")
_GLYPHS: Final = {
    "proposed": "doc", "activated": "doc", "bootstrapped": "doc", "restored": "doc", "approved": "person",
    "declined": "person", "arrived": "eye", "contract": "check", "routed": "arrow", "escalated": "up",
    "reminded": "bell", "raised": "up", "assigned": "person", "handed_over": "arrow", "asked": "eye",
    "answered": "check",
    "moved": "arrow", "retimed": "clock", "resolved": "clock",
    "claimed": "person", "claim_released": "undo", "skipped": "skip", "held": "hold", "undone": "undo",
    "superseded": "override", "corrected": "bell", "delivered": "send", "delivery_failed": "stop",
    "delivery_cancelled": "stop", "delivery_replayed": "send", "telling": "pending", "outcome": "bell",
}  # fmt: skip
_VERDICTS: Final = {"approve": "approved this answer", "reject": "rejected this answer, so nothing was sent"}


def statement(output: Output, *, policy: int | None, decision: Decision | None, now: datetime) -> str:
    """What happened, because of which rule, in one or two sentences."""
    why = because(output, policy)
    if output.status == "released" and output.resolved_by == "policy":
        wrong = " It was found wrong afterwards." if output.correction else ""
        return f"This answer went out without a person, because {why}.{wrong}"
    if output.status == "blocked":
        return f"Nothing went out, because {why}."
    if output.resolved_by == "fallback":
        ended = "went out" if output.status == "released" else "was rejected"
        return f"Nobody decided in time, so this answer {ended}, as policy {policy} says."
    if decision is None:
        return f"This answer waits for a person, because {why}."
    name = str(decision.person)
    if decision.verdict == "override":
        said, instead = decision.ai_said or "nothing", decision.person_said or "otherwise"
        done = f"{name} answered {instead} where the AI said {said}."
    else:
        done = f"{name} {_VERDICTS[decision.verdict]}."
    if output.final_at is not None and output.final_at > now:
        return f"{done} It can be taken back until {words.clock_seconds(output.final_at)}."
    return f"{done} It came to a person because {why}."


def because(output: Output, policy: int | None) -> str:
    """The reason as a clause."""
    which, sure = f"policy {policy}" if policy else "the policy", words.percent_down(output.confidence)
    if output.is_held and output.lane == "release":
        return f"it was drawn at random for a blind audit, and {which} holds what it audits"
    if output.threshold is not None and output.confidence is not None:
        asked = words.percent(output.threshold)
        if output.lane == "release":
            return f"{which} allows it from {asked} and the AI was {sure} sure"
        return f"the AI was {sure} sure and {which} asks for {asked}"
    if output.is_breached or output.rule == "contract":
        return "it breaks its contract"
    if output.rule == "halt":
        return "releases were halted"
    if output.rule == "unapproved-policy":
        return f"{which} was not approved yet"
    if output.rule == "unknown-model":
        return f"{which} was not validated for its model"
    does = {"release": "lets it go out", "block": "blocks it"}.get(output.lane, "asks for a person")
    return f"the rule {output.rule} of {which} {does}"


def plain(output: Output, *, policy: int | None, signers: int, decision: Decision | None, said: str) -> list[str]:
    """What happened for somebody whom the answer is about: no names of colleagues, no words of the trade."""
    purpose = f" What it is for: {output.system.purpose.rstrip('.')}." if output.system.purpose else ""
    told = [f"{output.system.name} is an automated system.{purpose}"]
    sure = f", {words.percent_down(output.confidence)} sure of it" if output.confidence is not None else ""
    told.append(f"It received this case on {words.when(output.received_at)} and answered: {said or 'nothing'}{sure}.")
    signed = (
        f"{signers} other {'person' if signers == 1 else 'people'} signed it before"
        if signers
        else "nobody else signed it"
    )
    if policy is not None:
        rule = f"A written policy (number {policy}; {signed}) says when a person has to look."
        told.append(f"{rule} Here: {because(output, policy)}.")
    told.append(_looked(output, decision))
    return [
        *told,
        f"Responsible for the system: {output.system.owner}. Ask there if you want a person to look at it again.",
    ]


def _looked(output: Output, decision: Decision | None) -> str:
    if decision is not None:
        what = {"approve": "found the answer right", "override": "gave another answer", "reject": "rejected the answer"}
        blind = " without having seen what the system said" if decision.is_blind else ""
        return (
            f"A person looked at it{blind} and {what[decision.verdict]}. That person's answer is the one that counts."
        )
    if output.resolved_by == "fallback":
        return "No person looked at it in time; it ended as the policy says for that case."
    if output.status == "released":
        later = " Later a person found that it was wrong." if output.correction else ""
        return f"No person looked at it before it was used.{later}"
    return "Nothing was used." if output.status == "blocked" else "A person has still to look at it."


def glyph(kind: str, facts: Mapping[str, Any]) -> str:
    """The icon of a step."""
    if kind == "judged":
        return str(facts.get("lane", "review"))
    if kind == "decided":
        return str(facts.get("verdict", "person"))
    if kind == "contract" and facts.get("breached"):
        return "stop"
    return _GLYPHS.get(kind, "mark")


@dataclass(frozen=True, slots=True)
class Condition:
    """One question that the policy asked: what in words, the value it read, and whether it holds ("not known" where the
    value was missing)."""

    says: str
    rule: str
    value: Text
    holds: str


def conditions(
    output: Output, policy: Policy | None, trace: Sequence[Mapping[str, Any]], draw: str | None
) -> list[Condition]:
    """The questions in their order: the contract, rules and segments, the threshold, and the draw where it counted."""
    rows = [Condition("Contract broken", "", text("yes" if output.is_breached else "no"), _word(output.is_breached))]
    known = {rule.id: rule.when for rule in policy.rules} if policy else {}
    known |= {f"segment:{part.id}": part.when for part in policy.threshold.segments} if policy else {}
    for asked in trace:
        rule, values = str(asked.get("rule", "")), dict(asked.get("values", {}))
        if rule.startswith("threshold:") and output.threshold is not None:
            says = f"Confidence at least {words.percent(output.threshold)}"
            rows.append(Condition(says, "", text(words.percent_down(output.confidence)), _word(asked.get("result"))))
        elif rule in known:
            says = condition_sentence(known[rule])
            value = text("\n".join(_value(value) for value in values.values()) or "not there")
            rows.append(Condition(says[:1].upper() + says[1:], rule, value, _word(asked.get("result"))))
    if draw is not None and output.lane == "release" and policy is not None:
        share = f"{int(draw, 16) / _DRAWS:.4f}"
        says = f"Drawn for audit, under {words.threshold(policy.audit.rate)}"
        rows.append(Condition(says, "", text(share), _word(output.is_audit)))
    return rows


def _word(result: Any) -> str:
    return {True: "yes", False: "no"}.get(result, "not known") if isinstance(result, bool) else "not known"


def _value(value: Any) -> str:
    if value == MASK:
        return "masked"
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return said if len(said) <= 60 else f"{said[:59]}…"


@dataclass(frozen=True, slots=True)
class Change:
    """One member of an answer: as the AI gave it, and as the person did. `is_same` when nothing changed."""

    name: str
    old: Text
    new: Text
    is_same: bool


def changes(old: Any, new: Any) -> list[Change]:
    """What a correction changed, member by member."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [Change("answer", text(_value(old)), text(_value(new)), same(old, new))]
    names = [*new, *(name for name in old if name not in new)]
    return [_change(name, old, new) for name in names[:40]]


def _change(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    is_same = name in old and name in new and same(old[name], new[name])
    return Change(name, text(_member(old, name)), text(_member(new, name)), is_same)


def _member(of: Mapping[str, Any], name: str) -> str:
    if name not in of:
        return "nothing"
    value = of[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def machine_form(leaf: bytes) -> str:
    """An entry of the log to be read: its own members, one a line, the longer ones unfolded; ASCII only."""
    entry: dict[str, Any] = json.loads(leaf)
    names = [*(name for name in _ORDER if name in entry), *(name for name in entry if name not in _ORDER)]
    return "{" + ",\n ".join(f"{_compact(name)}:{_unfolded(entry[name])}" for name in names) + "}"


def _unfolded(value: Any) -> str:
    whole = _compact(value)
    if len(whole) <= 56 or not value or not isinstance(value, (dict, list)):
        return whole
    if isinstance(value, list):
        return "[" + ",\n  ".join(_compact(each) for each in value) + "]"
    return "{" + ",\n  ".join(f"{_compact(name)}:{_compact(each)}" for name, each in value.items()) + "}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)
