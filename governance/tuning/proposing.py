"""From a certificate to a proposal: the document in force with the threshold that was certified, for others to sign."""

from __future__ import annotations

import json
from typing import Any

from governance.models import System
from governance.people import roles
from governance.people.actors import Actor
from governance.policies import lifecycle
from governance.policies.lifecycle import Proposed
from governance.refusals import Conflict, NotAllowed
from governance.tuning import looks, words
from governance.tuning.certify import MILLION
from governance.tuning.looks import Standing


def document_with(document: dict[str, Any], threshold: int, *, segment: str = "") -> dict[str, Any]:
    """A policy document with another threshold (millionths) and everything else as it was. Raises KeyError for a
    segment that the document does not name."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    if not segment:
        changed["threshold"]["default"] = threshold / MILLION
        return changed
    parts = {part["id"]: part for part in changed["threshold"].get("segments", [])}
    parts[segment]["threshold"] = threshold / MILLION
    return changed


def reason_against(standing: Standing, *, in_force: int) -> str:
    """Why this certificate carries no proposal; empty when it does."""
    if not standing.is_good or standing.certificate.threshold is None:
        return standing.sentence
    if standing.certificate.threshold == in_force:
        return f"The threshold in force is {words.at(in_force)}, which is the one that is certified."
    return ""


def propose(system: System, *, by: Actor, segment: str = "", because: str = "") -> Proposed:
    """Files the certified threshold as a proposal. Takes a look first, and spends its level, when the last certificate
    says nothing any more or there is none.

    Raises Conflict with the reason when nothing is certified or the certified threshold is in force already; Invalid,
    NotAllowed and NotFound as looks and proposals do.
    """
    if by.person is None:
        raise NotAllowed("Only a person can propose a policy.")
    roles.require(by.person, "propose a policy", system)
    system = System.objects.with_policy().get(pk=system.pk)
    in_force = looks.threshold_of(looks.policy_of(system), segment)
    last = looks.latest(system, segment)
    standing = looks.standing(last) if last else None
    if standing is None or standing.state in ("expired", "frozen"):
        standing = looks.standing(looks.look(system, by=by, segment=segment))
    against = reason_against(standing, in_force=in_force)
    if against or system.in_force is None:
        raise Conflict(against)
    certificate = standing.certificate
    document = document_with(json.loads(system.in_force.document), certificate.threshold or 0, segment=segment)
    told = f"{standing.sentence} Look {certificate.look}, certificate {certificate.digest[:12]}."
    return lifecycle.propose(
        system, document, by=by, because=f"{because.strip()} {told}".strip(), contract=system.in_force.contract,
        despite=because.strip(),
    )  # fmt: skip
