"""Reading a policy document: every key known, every type right, every contradiction named, all problems at once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final, cast

from governance.contracts.reading import Reading, join
from governance.contracts.schema import Contract
from governance.policies import checks, conditions, expectations
from governance.policies.canonical import canonical_bytes
from governance.policies.conditions import Condition
from governance.policies.documentrouting import read_routing, read_service_level
from governance.policies.policy import (
    Audit,
    Costs,
    Guards,
    Lane,
    Policy,
    Reason,
    Retention,
    Review,
    Risk,
    Rule,
    Segment,
    Threshold,
)
from governance.policies.validated import Validated
from governance.refusals import Invalid

LANES: Final = ("release", "review", "block")
TIERS: Final = ("minimal", "limited", "high")
VERDICTS: Final = ("approve", "override", "reject")
RESERVED: Final = (
    "contract", "confidence", "halt", "unapproved-policy", "judging-error", "default", "unknown-model",
)  # fmt: skip
MOST_RULES: Final = 200
MOST_DAYS: Final = 36_525  # a hundred years
_MODEL: Final = ("model", "model_version", "prompt_version")
_BLOCKS: Final = (
    "risk", "threshold", "rules", "audit", "routing", "sla", "review", "approval_by_key", "guards", "validated_for",
    "retention",
)  # fmt: skip


def parse_policy(
    document: dict[str, Any], *, contract: Contract | None = None, risk_tier: str = "limited", at: str = "policy"
) -> Policy:
    """The policy that a document states. Only `threshold` is needed; the rest has the defaults of `policy.Policy`.

    With a contract, as when it is proposed, a condition that no kept contract can meet (a field or an option the schema
    excludes) is a problem too, and so is a rule or a segment that nothing can reach.
    Raises Invalid with every problem and its path below `at`.
    """
    reader = _Document(contract, risk_tier)
    policy = reader.policy(document, at)
    if policy is not None and contract is not None and not reader.reading.problems:
        reader.reading.problems.extend(checks.contradictions(policy, at))
    if policy is None or reader.reading.problems:
        raise reader.reading.refusal("The policy is not valid.")
    return policy


class _Document:
    def __init__(self, contract: Contract | None, risk_tier: str) -> None:
        self.reading = Reading()
        self.contract = contract
        self.risk_tier = risk_tier

    def policy(self, document: Any, at: str) -> Policy | None:
        data = self.reading.mapping(document, at, allowed=_BLOCKS, required=("threshold",))
        if not data:
            return None
        threshold = self._threshold(data.get("threshold", {"default": 1}), join(at, "threshold"))
        rules = self._rules(data, at)
        audit = self._audit(data.get("audit", {}), join(at, "audit"))
        risk = self._risk(data.get("risk", {}), join(at, "risk"))
        routing = read_routing(self.reading, data.get("routing", {}), join(at, "routing"), self.condition)
        sla = read_service_level(self.reading, data.get("sla", {}), join(at, "sla"), self.risk_tier, routing.queues)
        review = self._review(data.get("review", {}), join(at, "review"))
        by_key = self.reading.boolean(data, "approval_by_key", at, default=False)
        guards = self._guards(data.get("guards", {}), join(at, "guards"))
        models = self._validated_for(data, at)
        retention = self._retention(data.get("retention", {}), join(at, "retention"))
        if self.reading.problems:
            return None
        try:
            canonical_bytes(document)
            own = json.loads(json.dumps(document))
        except Invalid as error:
            self.reading.wrong(at, "not-json", error.sentence)
            return None
        return Policy(own, threshold, rules, audit, risk, routing, sla, review, by_key, guards, models, retention)

    def condition(self, data: dict[str, Any], at: str) -> Condition | None:
        """The condition under `when`, checked against the contract; None when it is wrong."""
        if "when" not in data:
            return None
        where = join(at, "when")
        try:
            condition = conditions.parse(data["when"], where)
        except Invalid as error:
            self.reading.problems.extend(error.errors)
            return None
        if self.contract is not None:
            self.reading.problems.extend(expectations.unmeetable(condition, self.contract))
        return condition

    def _threshold(self, data: Any, at: str) -> Threshold:
        data = self.reading.mapping(data, at, allowed=("default", "segments"), required=("default",))
        default = self.reading.millionths(data, "default", at, default=1_000_000)
        segments: list[Segment] = []
        place = join(at, "segments")
        for index, item in enumerate(self.reading.sequence(data, "segments", at, most=MOST_RULES)):
            here = join(place, index)
            keys = ("id", "when", "threshold")
            part = self.reading.mapping(item, here, allowed=keys, required=keys)
            name = self._id(part, here, {segment.id for segment in segments})
            condition = self.condition(part, here)
            own = self.reading.millionths(part, "threshold", here, default=1_000_000)
            if condition is not None:
                segments.append(Segment(name, condition, own))
        return Threshold(default, tuple(segments))

    def _rules(self, data: dict[str, Any], at: str) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        place = join(at, "rules")
        for index, item in enumerate(self.reading.sequence(data, "rules", at, most=MOST_RULES)):
            here = join(place, index)
            part = self.reading.mapping(
                item, here, allowed=("id", "when", "then", "because"), required=("id", "when", "then")
            )
            name = self._id(part, here, {rule.id for rule in rules})
            condition = self.condition(part, here)
            then = cast(Lane, self.reading.choice(part, "then", here, among=LANES, default="review"))
            because = self.reading.text(part, "because", here)
            if condition is None:
                continue
            for earlier in rules:
                if earlier.when == condition:
                    self.reading.wrong(
                        here, "contradiction", f"This rule can never fire: {earlier.id} asks the same before it."
                    )
            rules.append(Rule(name, condition, then, because))
        return tuple(rules)

    def _id(self, data: dict[str, Any], at: str, taken: set[str]) -> str:
        name = self.reading.slug(data, "id", at)
        if name in RESERVED:
            self.reading.wrong(join(at, "id"), "reserved", f"{name} is a name the product uses; choose another.")
        elif name and name in taken:
            self.reading.wrong(join(at, "id"), "duplicate", f"{name} is used twice.")
        return name

    def _audit(self, data: Any, at: str) -> Audit:
        data = self.reading.mapping(data, at, allowed=("rate", "hold"), required=("rate",) if data else ())
        return Audit(
            self.reading.millionths(data, "rate", at, default=Audit().rate),
            self.reading.boolean(data, "hold", at, default=False),
        )

    def _risk(self, data: Any, at: str) -> Risk:
        usual = Risk()
        data = self.reading.mapping(data, at, allowed=("target", "confidence", "costs", "look_every"))
        target = self.reading.millionths(data, "target", at, default=usual.target)
        confidence = self.reading.millionths(data, "confidence", at, default=usual.confidence)
        for key, value in (("target", target), ("confidence", confidence)):
            if not 0 < value < 1_000_000:
                self.reading.wrong(join(at, key), "out-of-range", "This must be above 0 and under 1.")
        look_every = self.reading.length(data, "look_every", at, default=usual.look_every)
        if look_every < timedelta(hours=1):
            self.reading.wrong(join(at, "look_every"), "out-of-range", "Looks are at least an hour apart.")
        return Risk(target, confidence, self._costs(data, at), look_every)

    def _validated_for(self, data: dict[str, Any], at: str) -> tuple[Validated, ...] | None:
        if "validated_for" not in data:
            return None
        place, found = join(at, "validated_for"), list[Validated]()
        for index, item in enumerate(self.reading.sequence(data, "validated_for", at, most=MOST_RULES)):
            here = join(place, index)
            part = self.reading.mapping(item, here, allowed=_MODEL, required=("model",))
            model, *rest = (
                self.reading.text(part, key, here, longest=120) if key in part and part[key] is not None else None
                for key in _MODEL
            )
            if part and not model:
                self.reading.wrong(join(here, "model"), "missing-key", "This is missing: the name of a model.")
            one = Validated(model or "", *rest)
            if one in found:
                self.reading.wrong(here, "duplicate", f"{one} is named twice.")
            found.append(one)
        if not found:
            self.reading.wrong(place, "missing-key", "Name at least one model, or leave this out.")
        return tuple(found)

    def _guards(self, data: Any, at: str) -> Guards:
        data = self.reading.mapping(data, at, allowed=("backlog", "breach_rate", "override_rate", "least"))
        usual = Guards()
        backlog = self.reading.integer(data, "backlog", at, default=1, least=1, most=10_000_000)
        rates = [self.reading.millionths(data, key, at, default=0) for key in ("breach_rate", "override_rate")]
        return Guards(
            backlog if "backlog" in data else None, rates[0] if "breach_rate" in data else None,
            rates[1] if "override_rate" in data else None,
            self.reading.integer(data, "least", at, default=usual.least, least=1, most=1_000_000),
        )  # fmt: skip

    def _retention(self, data: Any, at: str) -> Retention:
        data = self.reading.mapping(data, at, allowed=("content_days",))
        days = self.reading.integer(data, "content_days", at, default=1, least=1, most=MOST_DAYS)
        return Retention(days if "content_days" in data else None)

    def _costs(self, data: dict[str, Any], at: str) -> Costs | None:
        if "costs" not in data:
            return None
        here = join(at, "costs")
        keys = ("wrong_release", "review", "currency")
        costs = self.reading.mapping(data["costs"], here, allowed=keys, required=keys)
        currency = self.reading.text(costs, "currency", here, longest=3)
        if currency and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            self.reading.wrong(join(here, "currency"), "not-a-currency", "This must be a code such as EUR.")
        return Costs(
            self.reading.amount(costs, "wrong_release", here), self.reading.amount(costs, "review", here), currency
        )

    def _review(self, data: Any, at: str) -> Review:
        usual = Review()
        data = self.reading.mapping(
            data, at, allowed=("undo_seconds", "reasons", "reason_required", "blind_share", "known_answers")
        )
        reasons: list[Reason] = []
        for index, item in enumerate(self.reading.sequence(data, "reasons", at, most=50)):
            here = join(join(at, "reasons"), index)
            part = self.reading.mapping(item, here, allowed=("code", "label"), required=("code", "label"))
            code = self.reading.slug(part, "code", here)
            if code and code in {reason.code for reason in reasons}:
                self.reading.wrong(join(here, "code"), "duplicate", f"{code} is used twice.")
            reasons.append(Reason(code, self.reading.text(part, "label", here, longest=80)))
        required = self._reason_required(data, at)
        if required and not reasons:
            self.reading.wrong(
                join(at, "reason_required"), "contradiction", "A reason is required, but no reasons are listed."
            )
        return Review(
            undo_seconds=self.reading.integer(data, "undo_seconds", at, default=usual.undo_seconds, least=0, most=3600),
            reasons=tuple(reasons),
            reason_required=required,
            blind_share=self.reading.millionths(data, "blind_share", at, default=0),
            known_answers=self.reading.millionths(data, "known_answers", at, default=0),
        )

    def _reason_required(self, data: dict[str, Any], at: str) -> tuple[str, ...]:
        found = self.reading.slugs(data, "reason_required", at)
        for index, verdict in enumerate(found):
            if verdict not in VERDICTS:
                place = join(join(at, "reason_required"), index)
                self.reading.wrong(place, "unknown-choice", f"This must be one of {', '.join(VERDICTS)}.")
        return found
