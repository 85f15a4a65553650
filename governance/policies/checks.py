"""What is wrong, or only strange, in a policy as a whole: rules that contradict or never fire, segments in each other's
shadow, overlaps, gaps, rules that change nothing. Pure; each warning has an output that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

from governance.contracts.reading import join
from governance.contracts.values import decimal_of
from governance.policies import conditions, witnesses
from governance.policies.candidate import MILLION, Candidate
from governance.policies.conditions import Condition, Leaf
from governance.policies.policy import Policy, RoutingRule, Rule, Segment
from governance.policies.sentences import OUTCOMES, number, percent
from governance.policies.witnesses import Budget, Wanted
from governance.refusals import Problem

MOST_WARNINGS: Final = 20


@dataclass(frozen=True, slots=True)
class Warning:
    """Something allowed that its author should know of. `example` is an output, field by field, that shows it."""

    at: str
    code: str  # overlap, gap, dead-rule
    sentence: str
    example: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"pointer": self.at, "code": self.code, "detail": self.sentence, "example": self.example}


@dataclass(frozen=True, slots=True)
class _Asking:
    """A rule, segment or routing rule among its like: what it asks, what it then means, and where it stands."""

    id: str
    when: Condition
    means: str
    at: str


def contradictions(policy: Policy, at: str = "policy") -> tuple[Problem, ...]:
    """What makes a document refused: a rule or a segment that no output can ever reach, with the reason."""
    budget = Budget()
    problems = [
        Problem(one.at, code, detail)
        for asked, noun in ((_rules(policy, at), "rule"), (_segments(policy, at), "segment"))
        for place, one in enumerate(asked)
        for code, detail in _unreachable(asked[:place], one, noun, budget)
    ]
    return tuple(problems)


def warnings(policy: Policy, at: str = "policy") -> tuple[Warning, ...]:
    """What is allowed and yet strange, at most twenty, those about rules first."""
    budget = Budget()
    rules, segments, routing = _rules(policy, at), _segments(policy, at), _routing(policy, at)
    found = [
        *_overlaps(rules, "rule", budget), *_idle(policy, rules, budget),
        *_overlaps(segments, "segment", budget), *_overlaps(routing, "routing rule", budget),
        *_unrouted(routing, budget), *_gaps(rules), *_gaps(segments), *_gaps(routing),
    ]  # fmt: skip
    return tuple(found[:MOST_WARNINGS])


def _rules(policy: Policy, at: str) -> list[_Asking]:
    place = join(at, "rules")
    return [_Asking(rule.id, rule.when, OUTCOMES[rule.then], join(place, n)) for n, rule in enumerate(policy.rules)]


def _segments(policy: Policy, at: str) -> list[_Asking]:
    place = join(join(at, "threshold"), "segments")
    return [
        _Asking(part.id, part.when, f"it goes out alone from {percent(part.threshold, 4)}", join(place, n))
        for n, part in enumerate(policy.threshold.segments)
    ]


def _routing(policy: Policy, at: str) -> list[_Asking]:
    place = join(join(at, "routing"), "rules")
    return [
        _Asking(rule.id, rule.when, _way(rule), join(place, n)) for n, rule in enumerate(policy.routing.rules)
    ]  # fmt: skip


def _way(rule: RoutingRule) -> str:
    to = rule.to
    skills = f" with {', '.join(to.skills)}" if to.skills else ""
    return f"it goes to {to.queue}{skills}, priority {to.priority}, {to.reviewers} reviewing"


def _unreachable(
    before: Sequence[_Asking], one: _Asking, noun: str, budget: Budget
) -> list[tuple[str, str]]:  # fmt: skip
    if witnesses.find([(one.when, True)], budget).is_impossible:
        return [("never", f"No output can ever meet what this {noun} asks.")]
    if not witnesses.find([(one.when, True), *_all_no(before)], budget).is_impossible:
        return []
    for other in before:
        if witnesses.find([(one.when, True), (other.when, False)], budget).is_impossible:
            if other.means != one.means:
                return [("contradiction", f"This contradicts {other.id} before it: whatever it asks for meets "
                         f"{other.id} first, and then {other.means}.")]  # fmt: skip
            return [("never", f"This can never fire: {other.id} before it catches all that it asks for.")]
    return [("never", f"This can never fire: the {noun}s before it together catch all that it asks for.")]


def _overlaps(asked: Sequence[_Asking], noun: str, budget: Budget) -> list[Warning]:
    found = []
    for (first, one), (_, other) in combinations(enumerate(asked), 2):
        if one.means == other.means:
            continue
        seen = witnesses.find([(one.when, True), (other.when, True), *_all_no(asked[:first])], budget)
        if seen.example:
            sentence = f"Some outputs meet {noun} {one.id} and {noun} {other.id}; {one.id} comes first: {one.means}."
            found.append(Warning(other.at, "overlap", sentence, seen.told()))
    return found


def _idle(policy: Policy, rules: Sequence[_Asking], budget: Budget) -> list[Warning]:
    """Rules without which every output would go the same way."""
    found = []
    for place, rule in enumerate(policy.rules):
        here: list[Wanted] = [(rule.when, True), *_all_no(rules[:place])]
        if rule.then == "block" or not _changes_nothing(policy, place, rule, here, budget):
            continue
        shown = witnesses.find(here, budget)
        if shown.example:
            sentence = f"Rule {rule.id} changes nothing: without it {OUTCOMES[rule.then]} all the same."
            found.append(Warning(rules[place].at, "dead-rule", sentence, shown.told()))
    return found


def _changes_nothing(policy: Policy, place: int, rule: Rule, here: list[Wanted], budget: Budget) -> bool:
    """Proved: what meets the rule would find the same lane behind it."""
    passed = list(here)
    for later in policy.rules[place + 1 :]:
        answers = ((True, later.then), (None, "review"))
        for answer, lane in answers:
            if lane != rule.then and not witnesses.find([*passed, (later.when, answer)], budget).is_impossible:
                return False
        passed.append((later.when, False))
    for segment in (*policy.threshold.segments, None):
        end = [*passed, (segment.when, True)] if segment else passed
        is_unsure = segment is not None and rule.then != "review" and [*passed, (segment.when, None)]
        if is_unsure and not witnesses.find(is_unsure, budget).is_impossible:
            return False
        if not witnesses.find([*end, _measured(policy, segment, wants=rule.then)], budget).is_impossible:
            return False
        if segment:
            passed.append((segment.when, False))
    return True


def _measured(policy: Policy, segment: Segment | None, *, wants: str) -> Wanted:
    """The other lane of a threshold than the one wanted."""
    threshold = segment.threshold if segment else policy.threshold.default
    question = {"field": "confidence", "op": "ge", "value": threshold / MILLION, "on_missing": "false"}
    return conditions.parse(question), wants == "review"


def _unrouted(routing: Sequence[_Asking], budget: Budget) -> list[Warning]:
    found = []
    for place, one in enumerate(routing):
        for _, detail in _unreachable(routing[:place], one, "routing rule", budget):
            shown = witnesses.find([(one.when, True)], budget)
            found.append(Warning(one.at, "dead-rule", f"Routing rule {one.id}: {detail}", shown.told()))
    return found


def _gaps(asked: Sequence[_Asking]) -> list[Warning]:
    """Holes between ranges of one number: over 100 and under 100 leave out 100 itself."""
    by_field: dict[str, list[_Asking]] = {}
    for one in asked:
        leaves = list(one.when.tree.leaves())
        if len(one.when.fields) == 1 and one.when.fields[0].holds in ("any", "confidence") and _is_range(leaves):
            by_field.setdefault(one.when.fields[0].name, []).append(one)
    return [warning for name, likes in by_field.items() if len(likes) > 1 for warning in _holes(name, likes)]


def _is_range(leaves: Sequence[Leaf]) -> bool:
    return all(
        leaf.op in ("lt", "le", "gt", "ge", "between", "eq")
        and all(decimal_of(end) is not None for end in (leaf.value if leaf.op == "between" else [leaf.value]))
        for leaf in leaves
    )


def _holes(name: str, likes: Sequence[_Asking]) -> list[Warning]:
    path = likes[0].when.fields[0]
    leaves = [leaf for one in likes for leaf in one.when.tree.leaves()]
    points = [value for value in witnesses.values_of(path, leaves) if decimal_of(value) is not None]
    points.sort(key=lambda value: decimal_of(value) or 0)
    met = [_is_met(likes, path, value) for value in points]
    found, last = [], None
    for place, value in enumerate(points):
        if met[place]:
            last = place
        elif last is not None and last == place - 1 and any(met[place:]):
            said = percent(value, 4) if path.holds == "confidence" else number(value)
            sentence = f"Between {likes[0].id} and its like there is a gap: none of them asks for {name} {said}."
            example = witnesses.Example({name: value}).told([path])
            found.append(Warning(likes[-1].at, "gap", sentence, example))
    return found


def _is_met(likes: Sequence[_Asking], path: Any, value: Any) -> bool:
    candidate: Candidate = witnesses.Example({path.name: value}).candidate([path])
    return any(one.when.evaluate(candidate) for one in likes)


def _all_no(asked: Sequence[_Asking]) -> list[Wanted]:
    return [(one.when, False) for one in asked]
