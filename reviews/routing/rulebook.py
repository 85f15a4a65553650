"""What one output is reviewed under: the policy version that judged it, compiled, and its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from governance.contracts.schema import Contract
from governance.evidence.record import policy_part
from governance.models import PolicyVersion
from governance.policies.policy import Policy, Queue, Review, Routing, ServiceLevel
from governance.policies.registry import compiled, compiled_contract
from reviews.routing import timing


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Routing, service level, reasons and contract of one policy version. `part` names the version in evidence.

    An output that arrived before its system had a policy has the product's defaults and no contract.
    """

    routing: Routing = field(default_factory=Routing)
    sla: ServiceLevel = field(default_factory=ServiceLevel)
    review: Review = field(default_factory=Review)
    policy: Policy | None = None
    contract: Contract | None = None
    part: Mapping[str, Any] | None = None

    def queue(self, name: str) -> Queue:
        """The settings of a queue; the usual ones for a queue that the policy does not list."""
        return self.routing.named(name)

    def due_at(self, queue: str, arrived_at: datetime) -> datetime:
        """By when an item of this queue should be decided."""
        return timing.due_at(self.sla, self.queue(queue).calendar, arrived_at)

    def step_at(self, queue: str, due_at: datetime, rung: int) -> datetime | None:
        """When an item of this queue takes the step after `rung` steps; None when there is no further step."""
        return timing.step_at(self.sla, self.queue(queue).calendar, due_at, rung)

    @property
    def asks_content(self) -> bool:
        """Whether something about its routing depends on the output itself."""
        asks = bool(self.routing.rules) or any(queue.affinity for queue in self.routing.queues)
        return asks or bool(self.contract and self.contract.personal_data)


_USUAL: Final = Rulebook()
_MOST: Final = 256
_known: dict[UUID, Rulebook] = {}


def rulebook(version: UUID | None) -> Rulebook:
    """The rulebook of a policy version; the product's defaults for none. Read once per process from its activation on:
    before, its `part` cannot name yet what put it in force, and whoever looks ahead may ask that early."""
    if version is None:
        return _USUAL
    book = _known.get(version)
    if book is None:
        book = _read(version)
        if book.part and book.part["entry"]:
            if len(_known) >= _MOST:
                _known.clear()
            _known[version] = book
    return book


def _read(id: UUID) -> Rulebook:
    version = PolicyVersion.objects.select_related("system").get(pk=id)
    policy = compiled(id)
    return Rulebook(
        policy.routing, policy.sla, policy.review, policy, compiled_contract(version.contract_id),
        policy_part(version, slug=version.system.slug),
    )  # fmt: skip
