"""Whether a change of policy tightens: only if it provably can release nothing more. All else loosens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from governance.policies.policy import Audit, Policy, Rule, Segment, Threshold

_STRICTNESS: Final = {"release": 0, "review": 1, "block": 2}


def tightens(old: Policy, new: Policy) -> bool:
    """True when no output whatsoever is released by `new` that `old` would have stopped.

    Proved from the form alone: every old rule is still there, in order, with an outcome at least as strict; new rules
    stop, and put no person where a block was; thresholds and segments are raised or added above all that they replace;
    audits are no rarer and held if they were. Whatever else differs counts as loosening.
    """
    return (
        _rules_tighten(old.rules, new.rules)
        and _thresholds_tighten(old.threshold, new.threshold)
        and _audits_tighten(old.audit, new.audit)
        and (old.risk, old.routing, old.sla, old.review, old.guards, old.retention)
        == (new.risk, new.routing, new.sla, new.review, new.guards, new.retention)
        and (old.approval_by_key or not new.approval_by_key)
        and _models_tighten(old, new)
    )


def _rules_tighten(old: Sequence[Rule], new: Sequence[Rule]) -> bool:
    waiting = list(old)
    for rule in new:
        if waiting and rule.when == waiting[0].when:
            if _STRICTNESS[rule.then] < _STRICTNESS[waiting.pop(0).then]:
                return False
        elif rule.then == "release":
            return False
        elif any(later.then == "block" for later in waiting) and (rule.then == "review" or rule.when.can_escalate):
            # A person could release what the rule behind it blocks today; an undecided rule too brings in a person.
            return False
    return not waiting


def _thresholds_tighten(old: Threshold, new: Threshold) -> bool:
    waiting = list(old.segments)
    for segment in new.segments:
        if waiting and segment.when == waiting[0].when:
            if segment.threshold < waiting.pop(0).threshold:
                return False
        elif segment.threshold < _highest(waiting, old.default):
            return False
    return not waiting and new.default >= old.default


def _highest(segments: Sequence[Segment], default: int) -> int:
    """The highest threshold that an output could have met had the new segment not caught it."""
    return max(default, *(segment.threshold for segment in segments)) if segments else default


def _audits_tighten(old: Audit, new: Audit) -> bool:
    return new.rate >= old.rate and (new.hold or not old.hold)


def _models_tighten(old: Policy, new: Policy) -> bool:
    """No model judged that was not before; and no person brought in where a rule blocks today."""
    if old.validated_for == new.validated_for:
        return True
    if new.validated_for is None or any(rule.then == "block" for rule in old.rules):
        return False
    return old.validated_for is None or set(new.validated_for) <= set(old.validated_for)
