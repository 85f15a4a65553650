"""An arrival made ready to be written: its ids, its entry, and the texts that are kept beside it. No queries."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import uuid_utils

from governance import clock
from governance.people.actors import Actor
from governance.policies.candidate import MILLION
from governance.policies.registry import InForce
from governance.policies.routes import route
from reviews.intake import canonical
from reviews.intake.arrivals import Arrival
from reviews.intake.judging import Dice, Judged, pronounce
from reviews.intake.proof import Template
from reviews.routing.timing import due_at

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Setting:
    """What the arrivals of one chunk share: where, when, by whom sent, and the policy that judges them."""

    system: UUID
    risk_tier: str
    force: InForce | None
    at: datetime
    sender: Actor
    key: UUID | None
    traceparent: str | None
    dice: Dice
    origin: str
    system_text: str = field(init=False)
    due: dict[str, datetime] = field(
        init=False, default_factory=dict
    )  # by queue: what arrives together is due together

    def __post_init__(self) -> None:
        object.__setattr__(self, "system_text", str(self.system))

    def template(self) -> Template:
        return Template(origin=self.origin, at=self.at, force=self.force, sender=self.sender, dice=self.dice)


@dataclass(slots=True)
class Dossier:
    """One arrival, judged, with everything that its rows hold. Ids are 16 bytes each in `uuid_utils` form."""

    judged: Judged
    id: uuid_utils.UUID
    entry: uuid_utils.UUID
    item: uuid_utils.UUID | None
    salt_key: bytes
    gate_inputs: bytes
    verdict: bytes
    leaf: bytes
    final_at: datetime | None = None  # by PostgreSQL's clock, once it is written; means nothing while people are asked


def prepare(arrival: Arrival, setting: Setting, template: Template) -> Dossier:
    """The dossier of an arrival. Raises MalformedLeaf when its entry grows beyond what the log takes."""
    judged = pronounce(arrival, setting.force, system=setting.system_text, dice=setting.dice, at=setting.at)
    id, entry = clock.quick_id(), clock.quick_id()
    salt_key = os.urandom(32)
    gate_inputs = canonical.quick(judged.verdict.gate_inputs)  # without floats, in which alone the two forms differ
    leaf = template.fill(judged, entry=str(entry), output=str(id), salt_key=salt_key, gate_inputs=gate_inputs)
    return Dossier(
        judged, id, entry, clock.quick_id() if judged.purpose else None, salt_key, gate_inputs,
        _encode(told(judged, setting.force)), leaf,
    )  # fmt: skip


def told(judged: Judged, force: InForce | None) -> dict[str, Any]:
    """The verdict as the API tells it: shares between 0 and 1, and which policy said so."""
    verdict = judged.verdict
    return {
        "lane": verdict.lane,
        "rule": verdict.rule,
        "because": verdict.because,
        "threshold": None if verdict.threshold is None else verdict.threshold / MILLION,
        "policy_version": force.number if force else None,
        "policy_digest": f"sha256:{force.digest}" if force else None,
        "propensity": verdict.propensity / MILLION,
        "audit": verdict.is_audit,
        "trace": verdict.trace,
    }


def expected(judged: Judged, setting: Setting) -> tuple[str | None, datetime | None]:
    """The queue that routing will choose, and when the item will be due; both unknown without a policy."""
    force = setting.force
    if force is None:
        return None, None
    policy = force.policy
    name = route(policy, judged.candidate).queue if policy.routing.rules else policy.routing.default.queue
    if name not in setting.due:
        setting.due[name] = due_at(policy.sla, policy.routing.named(name).calendar, setting.at)
    return name, setting.due[name]
