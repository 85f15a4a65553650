"""A policy document as a form: what its controls show, and the document that a filled-in form makes of it. Pure.

The form knows rules, thresholds, segments, audits, the risk target, routing, queues and the ladder of lateness. What it
does not show (costs, guards, calendars and whatever else the text says) stays in the document as it is, and a control
that comes back as it was shown changes nothing: an unchanged form gives the same document.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from governance.policies import conditions, draftconditions, draftrouting, draftservice
from governance.policies.draftvalues import (
    Control,
    Document,
    Options,
    Said,
    block,
    changed,
    choice,
    listed,
    mapped,
    percent,
    put,
    share,
)
from governance.policies.sentences import OUTCOMES, THIN, condition_sentence, destination_words
from governance.refusals import Invalid

_LANES: Final[Options] = tuple((lane, words) for lane, words in OUTCOMES.items())


@dataclass(frozen=True, slots=True)
class Part:
    """A rule, a segment, a route, a queue or a step as the form shows it; `sentence` reads it back."""

    name: str
    noun: str
    sentence: str
    controls: tuple[Control, ...]
    id: Control | None = None
    when: draftconditions.Node | None = None
    moves: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    threshold: Control
    audit_rate: Control
    audit_hold: bool
    target: Control
    due_in: tuple[Control, ...]
    due_words: str
    to: tuple[Control, ...]
    rules: tuple[Part, ...]
    segments: tuple[Part, ...]
    routes: tuple[Part, ...]
    queues: tuple[Part, ...]
    steps: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.rules, *self.segments, *self.routes, *self.queues, *self.steps)


def form(document: Document, *, risk_tier: str = "limited") -> Form:
    """What the form shows of a document, however unfinished."""
    threshold, routing = block(document, "threshold"), block(document, "routing")
    names = draftrouting.queue_names(document)
    return Form(
        Control("threshold", "All else goes out alone from (%)", _default(document)),
        Control("audit_rate", "Of what goes out alone, checked blind (%)", _rate(document)),
        block(document, "audit").get("hold") is True,
        Control("target", "Wrong answers allowed (%)", _target(document)),
        draftservice.time_controls("due_in", "People have", _due(document)), draftservice.due_words(document),
        draftrouting.destination(routing.get("default"), "to", names),
        tuple(_rule(f"rule-{n}", mapped(one)) for n, one in enumerate(listed(document.get("rules")))),
        tuple(_segment(f"segment-{n}", mapped(one)) for n, one in enumerate(listed(threshold.get("segments")))),
        tuple(_route(f"route-{n}", mapped(one), names) for n, one in enumerate(listed(routing.get("rules")))),
        tuple(
            Part(f"queue-{n}", "queue", draftrouting.queue_sentence(title, one),
                 draftrouting.queue_controls(f"queue-{n}", title, one, names), moves=False)
            for n, (title, one) in enumerate(mapped(routing.get("queues")).items())
        ),
        tuple(
            Part(f"step-{n}", "step", draftservice.step_words(document, one, risk_tier),
                 draftservice.step_controls(f"step-{n}", one))
            for n, one in enumerate(listed(block(document, "sla").get("on_breach")))
        ),
    )  # fmt: skip


def filled(document: Document, said: Said) -> Document:
    """The document with everything that the form said. Numbers that are none are kept as texts, so that reading the
    document tells of them at their field."""
    new = deepcopy(document)
    for name, home, key, was in (
        ("threshold", "threshold", "default", _default(new)), ("audit_rate", "audit", "rate", _rate(new)),
        ("target", "risk", "target", _target(new)),
    ):  # fmt: skip
        text = changed(said, name, was)
        if text is not None:
            block(new, home, make=True)[key] = share(text)
    if "audit_rate" in said and (said.get("audit_hold") == "on") is not (block(new, "audit").get("hold") is True):
        audit = block(new, "audit", make=True)
        audit.setdefault("rate", share(_rate(new)))
        audit["hold"] = said.get("audit_hold") == "on"
    draftservice.fill_time(_kept(new, "sla"), "due_in", "due_in", said, draftservice.USUAL)
    _fill_parts(new, said)
    to, own = block(new, "routing").get("default"), dict(mapped(block(new, "routing").get("default")))
    draftrouting.fill_destination(own, "to", said)
    if own != mapped(to):
        block(new, "routing", make=True)["default"] = own
    draftrouting.fill_queues(block(new, "routing"), said)
    return {name: value for name, value in new.items() if value != {} or name in document}


def _kept(document: Document, name: str) -> Document:
    """The block of that name, put in; whoever leaves it empty leaves it out."""
    return block(document, name, make=name not in document)


def _fill_parts(new: Document, said: Said) -> None:
    for number, one in enumerate(listed(new.get("rules"))):
        _fill_part(one, f"rule-{number}", said)
    for number, one in enumerate(listed(block(new, "threshold").get("segments"))):
        _fill_part(one, f"segment-{number}", said)
    for number, one in enumerate(listed(block(new, "routing").get("rules"))):
        _fill_part(one, f"route-{number}", said)
        if isinstance(one, dict) and f"route-{number}-queue" in said:
            draftrouting.fill_destination(one, f"route-{number}", said)
    for number, one in enumerate(listed(block(new, "sla").get("on_breach"))):
        if isinstance(one, dict):
            draftservice.fill_step(one, f"step-{number}", said)


def _fill_part(part: Any, name: str, said: Said) -> None:
    if not isinstance(part, dict):
        return
    for key in ("id", "then", "because"):
        text = changed(said, f"{name}-{key}", str(part.get(key, "")))
        if text is not None:
            put(part, key, text.strip())
    text = changed(said, f"{name}-threshold", percent(part.get("threshold", "")))
    if text is not None:
        part["threshold"] = share(text)
    when = draftconditions.filled(part.get("when"), name, said)
    if when is not None and when is not part.get("when"):
        part["when"] = when


def _rule(name: str, rule: Document) -> Part:
    then = choice(f"{name}-then", "Then", str(rule.get("then", "")), _LANES)
    because = Control(f"{name}-because", "Because", str(rule.get("because", "")), help="may stay empty")
    return _asking(name, rule, f"{OUTCOMES.get(str(rule.get('then')), 'something happens')}.", (then, because))


def _segment(name: str, part: Document) -> Part:
    own = Control(f"{name}-threshold", "Goes out alone from (%)", percent(part.get("threshold", "")))
    return _asking(
        name, part, f"it goes out alone only from {percent(part.get('threshold', 1))}{THIN}% confidence.", (own,)
    )


def _route(name: str, route: Document, queues: tuple[str, ...]) -> Part:
    return _asking(name, route, _goes(route), draftrouting.destination(route, name, queues))


def _goes(route: Document) -> str:
    to = draftrouting.read_destination(route)
    return f"{destination_words(to)}." if to else "it waits somewhere."


def _asking(name: str, part: Document, then: str, controls: tuple[Control, ...]) -> Part:
    """A part with a condition, read back as far as it can be read."""
    try:
        sentence = f"When {condition_sentence(conditions.parse(part.get('when')))}, {then}"
    except Invalid as refusal:
        sentence = refusal.errors[0].detail if refusal.errors else refusal.sentence
    own = Control(f"{name}-id", "Name", str(part.get("id", "")))
    return Part(name, name.partition("-")[0], sentence, controls, own, draftconditions.shown(part.get("when"), name))


def _default(document: Document) -> str:
    return percent(block(document, "threshold").get("default", 1))


def _rate(document: Document) -> str:
    return percent(block(document, "audit").get("rate", 0.05))


def _target(document: Document) -> str:
    return percent(block(document, "risk").get("target", 0.02))


def _due(document: Document) -> Any:
    return block(document, "sla").get("due_in", draftservice.USUAL)
