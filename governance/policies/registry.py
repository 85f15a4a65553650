"""The policy in force: its pointer read fresh every time, its document compiled once per process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.contracts.schema import Contract, compile_contract
from governance.models import ContractVersion, PolicyVersion
from governance.policies.document import parse_policy
from governance.policies.policy import Policy
from governance.policies.validated import Name
from governance.refusals import Refused

_POINTER: Final = """
SELECT s.id, s.entry_id, s.halt_id IS NOT NULL, s.slug, s.name, s.risk_tier,
    p.id, p.number, p.digest, p.is_approved, p.contract_id, e.leaf_hash,
    (SELECT jsonb_agg(jsonb_build_array(m.model, m.model_version, m.prompt_version, encode(a.leaf_hash, 'hex')))
     FROM governance_modelversion m JOIN governance_entry a ON a.id = m.admission_id
     WHERE m.system_id = s.id AND m.is_admitted AND s.risk_tier <> 'high'),
    t.id, t.number, t.digest, t.share, c.leaf_hash
FROM governance_system s
JOIN governance_policyversion p ON p.id = s.in_force_id
JOIN governance_entry e ON e.id = p.activation_id
LEFT JOIN governance_policyversion t ON t.id = s.trial_id AND t.state = 'canary'
LEFT JOIN governance_entry c ON c.id = t.activation_id
WHERE s."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What judges the outputs of a system now. `activation` is the leaf hash, in hex, of the entry that put the version
    in force; it is among the causes of every verdict."""

    system_id: UUID
    slug: str
    name: str
    risk_tier: str
    version_id: UUID
    number: int
    digest: str
    is_unapproved: bool
    contract_id: UUID
    activation: str
    policy: Policy
    contract: Contract
    is_halted: bool
    # The entry of the last change of how the system is steered: while it is the newest, all of the above holds.
    steering: UUID
    # The version that judges a share of the outputs (millionths) beside this one; and for that version, this one.
    canary: "InForce | None" = None
    canary_share: int = 0
    beside: "InForce | None" = None
    # The models let in beside those that the policy was validated for, each with the hash (hex) of the entry that did.
    admitted: Mapping[Name, str] = field(default_factory=dict)

    def admission(self, name: Name) -> str | None:
        """The hash of the entry that let a model in, where the policy itself does not know it."""
        if self.policy.models is None or self.policy.models.know(name):
            return None
        return self.admitted.get(name)

    def part(self) -> dict[str, Any]:
        """The `policy` member of a leaf."""
        return {"system": self.slug, "version": self.number, "digest": self.digest, "entry": self.activation}


def in_force(system: str | UUID) -> InForce | None:
    """The policy in force in the system of that slug or id, by one query in the caller's transaction; None when the
    system has none yet."""
    column = "id" if isinstance(system, UUID) else "slug"
    with connection.cursor() as cursor:
        cursor.execute(f"{_POINTER}{column} = %s", [system])
        row = cursor.fetchone()
    if row is None:
        return None
    system_id, steering, is_halted, slug, name, risk_tier, version, number, digest, is_approved = row[:10]
    contract, activation, models, *trial = row[10:]
    admitted = {Name(*named): entry for *named, entry in json.loads(models or "[]")}
    force = InForce(
        system_id, slug, name, risk_tier, version, number, digest, not is_approved, contract, bytes(activation).hex(),
        compiled(version), compiled_contract(contract), is_halted, steering,
        admitted=admitted,
    )  # fmt: skip
    return force if trial[0] is None else _with_canary(force, *trial)


def _with_canary(
    force: InForce, version: UUID, number: int, digest: str, share: int, activation: bytes
) -> InForce:  # fmt: skip
    """With the canary beside it; alone when the canary's text cannot be read, which is an error in the canary."""
    try:
        policy = compiled(version)
    except Refused:
        return force
    canary = replace(
        force, version_id=version, number=number, digest=digest, is_unapproved=False, policy=policy,
        activation=bytes(activation).hex(), beside=force,
    )  # fmt: skip
    return replace(force, canary=canary, canary_share=share)


@lru_cache(maxsize=256)
def compiled(version: UUID) -> Policy:
    """The policy of a version. Versions are immutable, so a process reads and compiles each once.

    What the contract and the risk tier allow was checked when it was proposed.
    """
    return parse_policy(json.loads(PolicyVersion.objects.values_list("document", flat=True).get(pk=version)))


@lru_cache(maxsize=256)
def compiled_contract(contract: UUID) -> Contract:
    """The contract of a contract version, compiled once per process."""
    return compile_contract(json.loads(ContractVersion.objects.values_list("document", flat=True).get(pk=contract)))
