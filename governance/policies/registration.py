"""Systems come under governance here, with their contracts. A change of either is evidence."""

import json
from typing import Any, NamedTuple

from django.db import transaction

from governance import clock
from governance.contracts.schema import Contract, compile_contract
from governance.evidence.record import record
from governance.models import ContractVersion, System, TierChange
from governance.people import accounts, roles
from governance.people.actors import Actor
from governance.policies import tiers
from governance.policies.document import TIERS, parse_policy
from governance.policies.registry import compiled
from governance.refusals import Conflict, Invalid, NotAllowed


class Registered(NamedTuple):
    """The system, and the names of what was changed in it: all of them when it is new. `asked` is a lower risk tier
    that waits for its signatures."""

    system: System
    changed: tuple[str, ...]
    is_new: bool
    asked: TierChange | None = None


class RegisteredContract(NamedTuple):
    """The contract's version, and whether it is new."""

    contract: ContractVersion
    is_new: bool


LONGEST_OWNER = 120
_FIELDS = ("name", "purpose", "risk_tier", "owner")


@transaction.atomic
def register_system(*, slug: str, name: str, purpose: str, risk_tier: str, owner: str, by: Actor) -> Registered:
    """The system of this slug as described: made, changed, or left as it is.

    A person has to be an owner or admin to register one; an owner owns what she registers. Raises NotAllowed, NotFound
    and Invalid, the last also when the policy in force would not be valid on the new tier. A lower tier than the one
    under which a policy is in force waits for signatures, as a loosening does.
    """
    if risk_tier not in TIERS:
        raise Invalid(f"There is no risk tier {risk_tier}. The tiers are {', '.join(TIERS)}.")
    if len(owner) > LONGEST_OWNER:
        raise Invalid(f"The owner's name is at most {LONGEST_OWNER} characters long.")
    told = {"name": name, "purpose": purpose, "risk_tier": risk_tier, "owner": owner}
    system = System.objects.select_for_update().filter(slug=slug).first()
    if system is None:
        return Registered(_first(slug, told, by), _FIELDS, is_new=True)
    if by.person is not None:
        roles.require(by.person, "describe a system", system)
    asked = None
    if tiers.needs_signatures(system, risk_tier):
        asked = tiers.ask(system, becomes=risk_tier, by=by)
        told["risk_tier"] = system.risk_tier
    changed = tuple(field for field in _FIELDS if getattr(system, field) != told[field])
    if changed:
        _check_tier(system, told["risk_tier"])
        entry = record(
            "system_changed", actor=by, kind="system", id=system.pk, system=system.pk,
            detail={"system": slug, "changed": list(changed),
                    "risk_tier": {"from": system.risk_tier, "to": told["risk_tier"]}},
            payloads={field: told[field].encode() for field in changed if field != "risk_tier"},
        )  # fmt: skip
        for field in changed:
            setattr(system, field, told[field])
        system.entry_id = entry.id
        system.save(update_fields=[*changed, "entry"])
        if "risk_tier" in changed:
            tiers.lapse(system, by=by, cause=entry)
    return Registered(system, changed, is_new=False, asked=asked)


def _first(slug: str, told: dict[str, str], by: Actor) -> System:
    held = roles.roles_of(by.person, None) if by.person else frozenset()
    if by.person is not None and not held & roles.VERBS["describe a system"]:
        raise NotAllowed("To register a system you need to be an owner or an admin.")
    id = clock.new_id()
    entry = record(
        "system_registered", actor=by, kind="system", id=id, system=id,
        detail={"system": slug, "risk_tier": told["risk_tier"]},
        payloads={field: told[field].encode() for field in ("name", "purpose", "owner")},
    )  # fmt: skip
    system = System.objects.create(id=id, slug=slug, entry_id=entry.id, **told)
    if by.person is not None and "owner" in held and not roles.may(by.person, "propose a policy", system):
        accounts.own(system, by=by)
    return system


def _check_tier(system: System, risk_tier: str) -> None:
    if system.in_force_id is None or system.risk_tier == risk_tier:
        return
    parse_policy(compiled(system.in_force_id).document, risk_tier=risk_tier)


@transaction.atomic
def register_contract(system: System, document: dict[str, Any], *, by: Actor) -> RegisteredContract:
    """The contract version that the document states; a version that exists is left as it is.

    It judges nothing until a policy version that names it is in force. Raises Invalid for a document that is no
    contract, and Conflict when the version exists with other content.
    """
    if by.person is not None:
        roles.require(by.person, "propose a policy", system)
    contract: Contract = compile_contract(document)
    System.objects.select_for_update().get(pk=system.pk)
    held = ContractVersion.objects.filter(system=system, version=contract.version).first()
    if held:
        if held.digest != contract.digest:
            raise Conflict(f"Contract {contract.version} of {system.slug} has other content: give it a new version.")
        return RegisteredContract(held, is_new=False)
    id = clock.new_id()
    entry = record(
        "contract_registered", actor=by, kind="contract", id=id, system=system.pk,
        detail={"system": system.slug, "version": contract.version, "digest": contract.digest},
    )  # fmt: skip
    # As written, not in canonical form: the order of its properties is the order of the correction form.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    row = ContractVersion.objects.create(
        id=id, system=system, version=contract.version, document=text, digest=contract.digest, entry_id=entry.id
    )
    return RegisteredContract(row, is_new=True)
