"""The content of an output for one reader: whole for its producer, masked for a person without the right to it."""

from __future__ import annotations

from typing import Any

import msgspec

from governance.contracts.masking import MASK, mask, mask_fields
from governance.contracts.schema import Contract
from governance.models import ContractVersion, Output, Person
from governance.people import roles
from governance.policies.candidate import MILLION
from governance.policies.registry import compiled_contract

_decode = msgspec.json.decode


def content(output: Output, person: Person | None) -> dict[str, Any]:
    """What was sent, with the stated facts of the model. `person` is None for a producer."""
    sent: dict[str, Any] = _decode(output.content.context)
    found = {
        "system": output.system.slug,
        "received_at": output.received_at,
        "model": output.model or None,
        "model_version": output.model_version or None,
        "prompt_version": output.prompt_version,
        "confidence": None if output.confidence is None else output.confidence / MILLION,
        "input": _decode(output.content.input),
        "output": _decode(output.content.answer),
        "alternatives": sent["alternatives"],
        "explanation": sent["explanation"],
        "attributes": sent["attributes"],
    }
    contract = _hiding(output, person)
    return found if contract is None else found | _masked(contract, found)


def masked(answer: dict[str, Any], output: Output, person: Person | None) -> dict[str, Any]:
    """A producer's answer without personal data, where the person behind the key has no right to it."""
    contract = _hiding(output, person)
    if contract is None:
        return answer
    trace = [step | {"values": mask_fields(contract, step["values"])} for step in answer["verdict"]["trace"]]
    hidden = answer | {"verdict": answer["verdict"] | {"trace": trace}}
    for name in ("resolution", "correction"):
        if answer.get(name) is not None:
            hidden[name] = answer[name] | mask(contract, {"output": answer[name]["output"]})
    return hidden


def _masked(contract: Contract, found: dict[str, Any]) -> dict[str, Any]:
    hidden = mask(contract, {name: found[name] for name in ("input", "output", "attributes")})
    hidden["alternatives"] = [other | mask(contract, {"output": other["output"]}) for other in found["alternatives"]]
    # Nobody said where in free text personal data stands.
    hidden["explanation"] = None if found["explanation"] is None else MASK
    return hidden


def _hiding(output: Output, person: Person | None) -> Contract | None:
    """The contract whose personal fields this person must not see; None when nothing has to be hidden."""
    if person is None or roles.may(person, "see personal data", output.system_id):
        return None
    newest = ContractVersion.objects.filter(system=output.system_id).order_by("-created_at")
    versions = [output.policy.contract_id] if output.policy else list(newest.values_list("pk", flat=True)[:1])
    contract = compiled_contract(versions[0]) if versions else None
    return contract if contract and contract.personal_data else None
