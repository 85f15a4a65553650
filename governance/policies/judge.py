"""What a policy says of an output. Arithmetic on frozen values: the dice and the clock are arguments, nothing is read.

Order: halt, broken contract, unapproved policy on a high tier, a model that the policy was not validated for, rules
(the first match decides), the threshold of the first segment that matches, the default threshold. Whatever cannot be
decided goes to a person.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Container
from typing import Any, Final, NamedTuple

from governance.policies.candidate import MILLION, Candidate, confidence_millionths
from governance.policies.conditions import Condition
from governance.policies.operators import Answer
from governance.policies.plan import Asked, Plan, gate_inputs, plan_of, shown_values
from governance.policies.policy import Lane, Policy, Rule, Segment
from governance.policies.sentences import rule_sentence, share
from governance.policies.validated import Name, name_of

__all__ = ["Candidate", "Verdict", "confidence_millionths", "draw_of", "is_drawn", "judge"]

_DRAWS: Final = 2**64
_WORD: Final = {True: True, False: False, None: "missing"}


class Verdict(NamedTuple):
    """What the policy says. Confidence, threshold and propensity in integer millionths.

    `threshold` and `segment` are set when a threshold decided. `trace` holds a mapping per question asked, in order:
    `rule`, `result` (true, false or "missing"), `then`, `values`; `conditions` the same without the values, and
    `gate_inputs` the values in the form that evidence commits to.
    """

    lane: Lane
    rule: str
    because: str
    threshold: int | None
    segment: str | None
    propensity: int
    is_audit: bool
    is_held: bool
    is_breached: bool
    trace: tuple[dict[str, Any], ...]
    conditions: list[dict[str, Any]]
    gate_inputs: dict[str, Any]


def draw_of(key: bytes, system_id: str, external_id: str) -> int:
    """The audit draw of an output: the first 8 bytes of HMAC-SHA256(key, system id ‖ NUL ‖ external id), unsigned.

    The same output always draws the same, and nobody without the key can tell how.
    """
    message = f"{system_id}\0{external_id}".encode()
    return int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:8], "big")


def is_drawn(draw: int, rate: int) -> bool:
    """Whether a draw is in the audit sample at a rate in millionths, in integers."""
    return draw * MILLION < rate * _DRAWS


def judge(
    policy: Policy,
    candidate: Candidate,
    *,
    draw: int,
    unapproved: bool = False,
    halted: bool = False,
    risk_tier: str = "limited",
    admitted: Container[Name] = (),
) -> Verdict:
    """The verdict on one output. Never raises: an error while judging is a verdict too, and a person decides.

    `admitted` are the models that somebody let in beside those that the policy names.
    """
    try:
        if halted:
            return _stopped("halt", "Releases are halted, so a person decides.", candidate)
        if candidate.problems:
            return _stopped("contract", _broken(candidate), candidate)
        if unapproved and risk_tier == "high":
            because = "This policy is not approved yet, and on a high-risk system such a policy releases nothing."
            return _stopped("unapproved-policy", because, candidate)
        if policy.models is not None and not _is_known(policy, candidate, admitted):
            because = f"This policy was not validated for {name_of(candidate)}, so a person decides."
            return _stopped("unknown-model", because, candidate)
        return _judged(policy, plan_of(policy), candidate, draw)
    except Exception as error:  # noqa: BLE001 - fail closed: whatever went wrong, a person decides.
        kind = type(error).__name__
        trace = {"rule": "judging-error", "result": "error", "error": kind, "values": {}}
        because = f"Judging failed ({kind}), so a person decides."
        return Verdict("review", "judging-error", because, None, None, MILLION, False, False, False, (trace,), [], {})


def _is_known(policy: Policy, candidate: Candidate, admitted: Container[Name]) -> bool:
    name = name_of(candidate)
    return policy.models is None or policy.models.know(name) or name in admitted


class _Case:
    """One output in front of one policy: the values that were read, how far it was asked, and the last answer."""

    __slots__ = ("candidate", "conditions", "draw", "inputs", "policy", "trace")

    def __init__(
        self, policy: Policy, plan: Plan, candidate: Candidate, draw: int, values: list[Any], count: int, result: Answer
    ) -> None:
        self.policy = policy
        self.candidate = candidate
        self.draw = draw
        self.inputs = gate_inputs(plan, values)
        self.trace = _trace(plan, values, count)
        self.conditions = list(plan.denied[:count])
        if result is not False:
            self.trace[-1]["result"] = word = _WORD[result]
            self.conditions[-1] = {"rule": plan.asked[count - 1].name, "result": word}

    def verdict(
        self,
        lane: Lane,
        rule: str,
        because: str,
        *,
        threshold: int | None = None,
        segment: str | None = None,
    ) -> Verdict:
        """The verdict with what was recorded. Here alone is a release made: its confidence can be trusted."""
        is_audit = is_held = False
        propensity = MILLION if lane == "review" else 0
        if lane == "release":
            if not _trusted(self.candidate.confidence):
                return self.unsure()
            propensity = self.policy.audit.rate
            is_audit = is_drawn(self.draw, propensity)
            is_held = is_audit and self.policy.audit.hold
        return Verdict(
            lane, rule, because, threshold, segment, propensity, is_audit, is_held, False,
            tuple(self.trace), self.conditions, self.inputs,
        )  # fmt: skip

    def unsure(self) -> Verdict:
        self.trace.append({"rule": "confidence", "result": "missing", "then": "review", "values": {}})
        return self.verdict("review", "confidence", "The AI stated no confidence between 0 and 1, so a person decides.")


def _judged(policy: Policy, plan: Plan, candidate: Candidate, draw: int) -> Verdict:
    values = [read(candidate) for read in plan.readers]
    count = 0
    for count, asked in enumerate(plan.asked, 1):
        result = asked.test(values)
        if result is not False:
            case = _Case(policy, plan, candidate, draw, values, count, result)
            return _answered(case, asked.part) if result else _unanswered(case, asked)
    case = _Case(policy, plan, candidate, draw, values, count, False)
    return _measured(case, policy.threshold.default, None)


def _trace(plan: Plan, values: list[Any], count: int) -> list[dict[str, Any]]:
    """A line for each of the first `count` conditions, all of them answered with no."""
    seen = shown_values(plan, values)
    shown: dict[int, dict[str, Any]] = {}
    trace: list[dict[str, Any]] = []
    for asked in plan.asked[:count]:
        there = shown.get(asked.view)
        if there is None:
            there = shown[asked.view] = plan.views[asked.view](seen)
        trace.append({"rule": asked.name, "result": False, "then": asked.then, "values": there})
    return trace


def _answered(case: _Case, part: Rule | Segment) -> Verdict:
    """The verdict of the rule or the segment that matches."""
    if isinstance(part, Rule):
        return case.verdict(part.then, part.id, part.because or rule_sentence(part))
    return _measured(case, part.threshold, part.id)


def _unanswered(case: _Case, asked: Asked) -> Verdict:
    """The verdict where a rule or a segment cannot be decided."""
    what = "Rule" if isinstance(asked.part, Rule) else "Segment"
    why = _undecided(asked.part.when, case.candidate)
    return case.verdict("review", asked.name, f"{what} {asked.part.id} could not be decided: {why}.")


def _measured(case: _Case, threshold: int, segment: str | None) -> Verdict:
    """The verdict of a threshold."""
    confidence = case.candidate.confidence
    if confidence is None or not _trusted(confidence):
        return case.unsure()
    name = f"threshold:{segment or 'default'}"
    is_over = confidence >= threshold
    values = {"confidence": confidence / MILLION, "threshold": threshold / MILLION}
    case.trace.append({"rule": name, "result": is_over, "then": "release", "values": values})
    whose = f", the threshold of segment {segment}" if segment else ""
    because = f"Confidence {share(confidence)} is {'at least' if is_over else 'under'} {share(threshold)}{whose}."
    return case.verdict("release" if is_over else "review", name, because, threshold=threshold, segment=segment)


def _trusted(confidence: object) -> bool:
    return type(confidence) is int and 0 <= confidence <= MILLION


def _stopped(rule: str, because: str, candidate: Candidate) -> Verdict:
    """What goes to a person before any question of the policy is asked."""
    trace = {"rule": rule, "result": True, "then": "review", "values": {}}
    if candidate.problems:
        trace["problems"] = [problem.as_dict() for problem in candidate.problems]
    is_breached = bool(candidate.problems)
    return Verdict("review", rule, because, None, None, MILLION, False, False, is_breached, (trace,), [], {})


def _broken(candidate: Candidate) -> str:
    first, more = candidate.problems[0], len(candidate.problems) - 1
    beside = f" ({more} more)" if more else ""
    return f"The contract is broken at {first.pointer or 'the root'}: {first.detail.rstrip('.')}{beside}."


def _undecided(condition: Condition, candidate: Candidate) -> str:
    """Why a condition has no answer; every field named once."""
    return " and ".join(
        f"{name} is {'of another kind than it is compared with' if is_there else 'missing'}"
        for name, is_there in condition.undecided(candidate)
    )
