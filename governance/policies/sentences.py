"""Policies in plain English: what a person signs, and what a person reads when asking why."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from governance.contracts.values import decimal_of
from governance.policies.calendarwords import calendar_words
from governance.policies.candidate import MILLION
from governance.policies.conditions import Condition, Group, Leaf, Negation, Node
from governance.policies.policy import Breach, Destination, Policy, Queue, RoutingRule, Rule, Segment

THIN: Final = "\u202f"
# A text that could be read as anything else (500, true, null, a list) stands in quotes.
_PLAIN: Final = re.compile(r"(?!(?:true|false|null)\Z)[^\W\d][\w.:/@-]*")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_KNOWN: Final = {
    "confidence": "confidence",
    "model": "the model",
    "model_version": "the model version",
    "prompt_version": "the prompt version",
    "received.hour": "the hour of arrival (UTC)",
    "received.weekday": "the weekday of arrival (UTC)",
}
_VERBS: Final = {
    "eq": ("is", "is not"),
    "ne": ("is not", "is"),
    "lt": ("is under", "is not under"),
    "le": ("is at most", "is not at most"),
    "gt": ("is over", "is not over"),
    "ge": ("is at least", "is not at least"),
    "in": ("is one of", "is none of"),
    "not_in": ("is none of", "is one of"),
    "contains": ("contains", "does not contain"),
    "starts_with": ("starts with", "does not start with"),
    "ends_with": ("ends with", "does not end with"),
    "matches": ("matches the pattern", "does not match the pattern"),
    "between": ("is between", "is not between"),
}
OUTCOMES: Final = {
    "release": "it goes out alone",
    "review": "a person decides",
    "block": "it is blocked",
}
_STEPS: Final = {
    "remind": "its reviewer is reminded",
    "raise": "it is made more urgent",
    "escalate": "it goes to the senior queue",
}


def percent(millionths: int, places: int = 1) -> str:
    """A share as `61.4 %` (narrow space), rounded to `places`; never 0 % or 100 % for what is not exactly that."""
    exact = Decimal(millionths) / 10_000
    rounded = round(exact, places)
    if rounded != exact and rounded in (0, 100):
        rounded = exact
    return f"{rounded.normalize():f}{THIN}%"


@lru_cache(maxsize=4096)
def share(millionths: int) -> str:
    """A share as the decimal it is, with at least two places: 0.90, 0.975."""
    text = f"{millionths / MILLION:.6f}".rstrip("0")
    return text if len(text) > 3 else text.ljust(4, "0")


def length(duration: timedelta) -> str:
    """A duration in words of time: `2 h 14 min`, `3 days`."""
    seconds = int(duration.total_seconds())
    if seconds and seconds % 86_400 == 0:
        return f"{seconds // 86_400} day{'s' if seconds != 86_400 else ''}"
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 s"


def condition_sentence(condition: Condition) -> str:
    """The condition as a clause without full stop: "the AI's answer intent is request_refund and amount is over 500".

    What an absent field means is said where it is not the rule of the house, which is that a person decides. Two
    conditions with the same sentence give the same answers, as long as their fields' names differ in more than
    underscores.
    """
    return _clause(condition.tree, negated=False, inside="")


def rule_sentence(rule: Rule) -> str:
    """The rule as a sentence: "When …, a person decides."."""
    return f"When {condition_sentence(rule.when)}, {OUTCOMES[rule.then]}."


def segment_sentence(segment: Segment) -> str:
    alone = f"it goes out alone only from {percent(segment.threshold, 4)} confidence"
    return f"When {condition_sentence(segment.when)}, {alone}."


def destination_words(to: Destination) -> str:
    """Where an item goes, without full stop: "it waits in cards for those with the skill refunds"."""
    skills = f" for those with the skill{'s' * (len(to.skills) > 1)} {_listed(to.skills)}" if to.skills else ""
    urgency = f", at urgency {to.priority} of 100" if to.priority != Destination().priority else ""
    return f"it waits in {to.queue}{skills}{urgency}{', and two people decide it' if to.reviewers == 2 else ''}"


def route_sentence(rule: RoutingRule) -> str:
    asked = _clause(rule.when.tree, negated=False, inside="and")
    return f"When a person decides and {asked}, {destination_words(rule.to)}."


def queue_sentences(queue: Queue) -> tuple[str, ...]:
    """How a queue works, a sentence each; empty for one where whoever is free takes the next."""
    said = []
    if queue.mode == "assign":
        like = f", what has the same {queue.affinity} to the same one" if queue.affinity else ""
        said.append(f"Queue {queue.name} hands its items to people, at most {queue.capacity} to each at a time{like}.")
    if queue.escalates_to:
        said.append(f"What has to go higher goes from {queue.name} to {queue.escalates_to}.")
    if queue.calendar:
        said.append(f"In queue {queue.name} only working time counts: {calendar_words(queue.calendar)}.")
    return tuple(said)


def routing_sentences(policy: Policy) -> tuple[str, ...]:
    """Where what people decide waits, a sentence a route and what is special about each queue; empty when all of it
    waits in the usual queue."""
    routing = policy.routing
    told = [route_sentence(rule) for rule in routing.rules]
    if routing.rules or routing.default != Destination():
        told.append(f"{'Else' if routing.rules else 'When a person decides'}, {destination_words(routing.default)}.")
    return (*told, *(sentence for queue in routing.queues for sentence in queue_sentences(queue)))


def operator_words(name: str) -> str:
    """An operator as the form offers it: "is at least"."""
    return "is given" if name == "exists" else _VERBS[name][0]


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def step_sentence(step: Breach, due: str, to: str = "") -> str:
    """One step of the ladder: "After 20 h more it is rejected."."""
    is_one = due.startswith("1 ") and due.count(" ") == 1
    over = f"When the {due} {'is' if is_one else 'are'} over"
    when = over if step.after == timedelta(0) else f"After {length(step.after)} more"
    if step.do == "resolve":
        what = "it is rejected" if step.resolve_as == "reject" else "it goes out alone"
        return f"{when} {what}: nobody's judgement, and never counted as a label."
    return f"{when} {f'it goes to {to}' if to and step.do == 'escalate' else _STEPS[step.do]}."


def policy_sentences(policy: Policy) -> tuple[str, ...]:
    """The whole policy as numbered clauses would say it, in the order in which it is applied."""
    clauses = ["When the contract is broken, a person decides.", *model_sentences(policy)]
    clauses += [f"{rule.because.rstrip('.')}. {rule_sentence(rule)}" if rule.because else rule_sentence(rule)
                for rule in policy.rules]  # fmt: skip
    clauses += [segment_sentence(segment) for segment in policy.threshold.segments]
    others = "All else goes" if policy.rules or policy.threshold.segments else "Everything goes"
    clauses.append(f"{others} out alone from {percent(policy.threshold.default, 4)} confidence.")
    clauses.append(_audit_sentence(policy))
    due = length(policy.sla.due_in)
    clauses += routing_sentences(policy)
    clauses.append(f"What waits for a person is due in {due}.")
    kept = retention_sentences(policy)
    return (*clauses, *(step_sentence(step, due) for step in policy.sla.on_breach), *guard_sentences(policy), *kept)


def model_sentences(policy: Policy) -> tuple[str, ...]:
    """Which models it was validated for; empty where the document names none."""
    if policy.validated_for is None:
        return ()
    named = "; ".join(map(str, policy.validated_for))
    return (f"It was validated for {named}. What any other model says, a person decides, until somebody admits it.",)


def guard_sentences(policy: Policy) -> tuple[str, ...]:
    """What takes the policy back by itself, a sentence each; empty where the document names no guard."""
    guards = policy.guards
    told = [] if guards.backlog is None else [f"more than {number(guards.backlog)} items wait"]
    if guards.breach_rate is not None:
        told.append(f"more than {percent(guards.breach_rate, 4)} of its outputs break the contract")
    if guards.override_rate is not None:
        told.append(f"people change more than {percent(guards.override_rate, 4)} of what they decide")
    return tuple(f"It is taken back by itself when {one}." for one in told)


def retention_sentences(policy: Policy) -> tuple[str, ...]:
    """For how long contents are kept; empty where the document does not limit it."""
    days = policy.retention.content_days
    if days is None:
        return ()
    return (
        f"What the AI was given and said is erased {number(days)} {'day' if days == 1 else 'days'} after it arrived.",
    )


def _audit_sentence(policy: Policy) -> str:
    rate = policy.audit.rate
    if rate == 0:
        return "Nothing of what goes out alone is checked."
    often = f"1 in {MILLION // rate}" if MILLION % rate == 0 else percent(rate, 4)
    often = "everything" if rate == MILLION else often
    held = " It waits for the answer." if policy.audit.hold else ""
    return f"Of what goes out alone, {often} is checked blind, drawn at random.{held}"


def number(value: Any) -> str:
    """A number with narrow spaces between thousands and a proper minus."""
    exact = decimal_of(value)
    text = f"{exact:,f}".replace(",", THIN) if exact is not None else str(value)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "\u2212")


def _clause(node: Node, *, negated: bool, inside: str) -> str:
    if isinstance(node, Negation):
        return _clause(node.part, negated=not negated, inside=inside)
    if isinstance(node, Leaf):
        text, word = _leaf(node, negated)
        return f"({text})" if word and inside and inside != word else text
    if len(node.parts) == 1:
        return _clause(node.parts[0], negated=negated, inside=inside)
    return _group(node, negated, inside)


def _group(node: Group, negated: bool, inside: str) -> str:
    # De Morgan: "not (a and b)" reads as "not a or not b".
    word = "and" if (node.name == "all") is not negated else "or"
    parts = [_clause(part, negated=negated, inside=word) for part in node.parts]
    joined = f" {word} ".join(parts)
    return f"({joined})" if inside and inside != word else joined


def _leaf(leaf: Leaf, negated: bool) -> tuple[str, str]:
    """The question as a clause, and the word that joins its parts, if it has two."""
    subject = _subject(leaf)
    if leaf.op == "exists":
        return f"{subject} is {'given' if leaf.value is not negated else 'not given'}", ""
    if leaf.field.holds == "boolean" and leaf.op in ("eq", "ne"):
        broken = (leaf.value is (leaf.op == "eq")) is not negated
        return f"the contract is {'broken' if broken else 'kept'}", ""
    only = leaf.op in ("in", "not_in") and len(leaf.value) == 1
    verb = _VERBS[{"in": "eq", "not_in": "ne"}[leaf.op] if only else leaf.op][negated]
    text = f"{verb} {_literal(leaf)}"
    if leaf.field.can_be_missing and leaf.on_missing != "escalate":
        if (leaf.on_missing == "true") is not negated:
            return f"{subject} {text} or is not given", "or"
        return f"{subject} is given and {text}", "and"
    return f"{subject} {text}", ""


def _subject(leaf: Leaf) -> str:
    known = _KNOWN.get(leaf.field.name)
    if known:
        return known
    name = " ".join(leaf.field.segments[1:]).replace("_", " ")
    return f"the AI's answer {name}" if leaf.field.segments[0] == "output" else name


def _literal(leaf: Leaf) -> str:
    if leaf.op == "between":
        return " and ".join(_value(leaf, end) for end in leaf.value)
    if leaf.op in ("in", "not_in"):
        values = [_value(leaf, value) for value in leaf.value]
        return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
    return _value(leaf, leaf.value)


def _value(leaf: Leaf, value: Any) -> str:
    if leaf.field.holds == "confidence":
        return percent(int(Decimal(repr(value)) * MILLION), 4)
    if leaf.field.name == "received.weekday" and value in range(1, 8):
        return _DAYS[int(value) - 1]
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if leaf.op != "matches" and _PLAIN.fullmatch(value) else f"“{value}”"
    return number(value) if decimal_of(value) is not None else json.dumps(value, ensure_ascii=False, sort_keys=True)
