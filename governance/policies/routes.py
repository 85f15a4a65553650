"""Where an item goes: the first routing rule that matches, else the default. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from governance.policies.candidate import Candidate
from governance.policies.policy import Destination, Policy
from governance.policies.sentences import condition_sentence


@dataclass(frozen=True, slots=True)
class Route:
    """A queue, the skills it takes, how urgent (0 to 100), how many reviewers, and why, in a sentence.

    `rule` is the id of the routing rule, or "default". `trace` has a mapping per rule asked, as a verdict's.
    """

    queue: str
    skills: tuple[str, ...]
    priority: int
    reviewers: int
    rule: str
    sentence: str
    trace: tuple[dict[str, Any], ...] = field(default=(), compare=False)


def route(policy: Policy, candidate: Candidate) -> Route:
    """The route of an item. A rule that a missing field leaves undecided does not match; the trace says so."""
    trace: list[dict[str, Any]] = []
    for rule in policy.routing.rules:
        result, values = rule.when.trace(candidate)
        trace.append({"rule": rule.id, "result": "missing" if result is None else result, "values": values})
        if result:
            sentence = f"It goes to {rule.to.queue} because {condition_sentence(rule.when)}."
            return _to(rule.to, rule.id, sentence, trace)
    default = policy.routing.default
    undecided = [step["rule"] for step in trace if step["result"] == "missing"]
    sentence = f"It goes to {default.queue} because no routing rule matches."
    if undecided:
        sentence += f" A field is missing for {', '.join(undecided)}."
    return _to(default, "default", sentence, trace)


def _to(to: Destination, rule: str, sentence: str, trace: list[dict[str, Any]]) -> Route:
    return Route(to.queue, to.skills, to.priority, to.reviewers, rule, sentence, tuple(trace))
