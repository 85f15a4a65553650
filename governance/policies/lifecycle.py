"""Change control: how a policy is proposed, signed, put in force and taken back. Each step is one transaction and one
entry; the row of the system is held meanwhile, so that two steps of one system never cross."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import Draft, hash_of
from governance.models import Approval, ContractVersion, Entry, Person, PolicyVersion, System
from governance.notices.telling import tell
from governance.people import roles
from governance.people.actors import Actor
from governance.policies import examples, followers, registry, signatures, steps
from governance.policies.canonical import canonical_bytes
from governance.policies.direction import tightens
from governance.policies.document import parse_policy
from governance.policies.registration import register_contract, register_system
from governance.policies.signatures import Seat
from governance.refusals import Conflict, Invalid, NotAllowed

__all__ = [
    "Proposed", "activate", "approve", "bootstrap", "decline", "open_seats", "propose", "register_contract",
    "register_system", "restore", "retimed_by",
]  # fmt: skip


class Proposed(NamedTuple):
    """The version that the document is, and whether it is new: what is open or in force already is not filed again."""

    version: PolicyVersion
    is_new: bool


@transaction.atomic
def propose(
    system: System, document: dict[str, Any], *, by: Actor, because: str = "", contract: ContractVersion | None = None,
    revises: PolicyVersion | None = None, despite: str = "",
) -> Proposed:  # fmt: skip
    """Files a policy document, to be judged against `contract` (the newest one when none is given). It takes the place
    of the proposal that it `revises`, whose signatures do not come along. `despite` is the reason for breaking examples
    of what policies must do; without one it is Invalid then.

    Raises Invalid for a document that is no policy of this contract and risk tier, NotAllowed and NotFound.
    """
    proposer = steps.person(by, "propose a policy", system)
    system = steps.held(system)
    contract = contract or ContractVersion.objects.filter(system=system).order_by("-id").first()
    if contract is None:
        raise Invalid(f"{system.name} has no contract yet: register one first.")
    checked = registry.compiled_contract(contract.pk)
    policy = parse_policy(document, contract=checked, risk_tier=system.risk_tier)
    base = system.in_force
    known = PolicyVersion.objects.filter(system=system, digest=policy.digest, contract=contract)
    same = (
        known.filter(state="in_force").first()
        or known.filter(state__in=("proposed", "approved"), based_on=base).first()
    )
    if same:
        return Proposed(same, is_new=False)
    breaks = examples.check(system, policy, checked, despite=despite)
    if revises is not None:
        _replace(revises, by=by)
    last = PolicyVersion.objects.filter(system=system).order_by("-number").first()
    version = PolicyVersion(
        id=clock.new_id(), system=system, contract=contract, number=last.number + 1 if last else 1,
        document=canonical_bytes(document).decode(), digest=policy.digest, based_on=base, because=because,
        proposer=proposer, revises=revises, breaks=[str(id) for id in breaks], despite=despite if breaks else "",
        loosens=base is None or base.contract_id != contract.pk or not tightens(registry.compiled(base.pk), policy),
    )  # fmt: skip
    entry = steps.entry(
        "proposed", version, by=by,
        payloads={name: said.encode() for name, said in (("because", because), ("despite", version.despite)) if said},
        causes=[hash_of(base.activation_id)] if base and base.activation_id else [],
        detail={"contract": contract.version, "contract_digest": contract.digest, "loosens": version.loosens,
                "risk_tier": system.risk_tier, **({"breaks": version.breaks} if breaks else {})},
    )  # fmt: skip
    version.entry_id = entry.id
    version.save(force_insert=True)
    version.refresh_from_db()
    tell_signers(version, entry, by=by)
    return Proposed(version, is_new=True)


def tell_signers(version: PolicyVersion, entry: Draft, *, by: Actor) -> None:
    """Tells those who may give a missing signature that the version waits for it."""
    may_sign = frozenset[str]().union(*open_seats(version))
    tell("policy.proposed", version.system_id, entry=entry, by=by, subject=version.pk, roles=may_sign,
         version=version.number, loosens=version.loosens)  # fmt: skip


def open_seats(version: PolicyVersion) -> tuple[Seat, ...]:
    """The signatures that are still missing, each as the roles that may give it; none for what is over or in force."""
    if version.state in ("declined", "retired") or (version.state == "in_force" and version.is_approved):
        return ()
    signed = version.approvals.filter(verdict="approve", terms=version.terms).order_by("at")
    return signatures.missing(
        signatures.required(loosens=version.loosens, risk_tier=version.system.risk_tier),
        [signature.role for signature in signed],
    )


@transaction.atomic
def approve(version: PolicyVersion, *, by: Actor, digest: str, replay: str = "", comment: str = "") -> Approval:
    """Signs the version whose digest, and whose replay's, the signer has read. The last signature needed makes it
    approved.

    Raises NotAllowed for the proposer, for somebody whose role is not among those missing, and for keys; Conflict for
    another digest of either, a second signature, a version that is decided, or one whose base is no longer in force.
    """
    signer = steps.person(by, "sign a policy", version.system)
    system, version = steps.held(version.system), steps.fresh(version)
    _check_signer(version, signer, by, digest, replay)
    if version.state == "proposed":
        steps.check_base(system, version)
        examples.check_signature(version)
    elif version.state != "in_force" or version.is_approved:
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so it needs no signature.")
    role = _seat_for(version, signer)
    approval, entry = _sign("approved", version, signer, role, "approve", by=by, comment=comment)
    done = not open_seats(version)
    state = "approved" if done and version.state == "proposed" else version.state
    changed = PolicyVersion.objects.filter(pk=version.pk, state=version.state, digest=digest, is_approved=False).update(
        state=state, is_approved=done, entry_id=entry.id
    )
    if not changed:
        raise Conflict(f"Version {version.number} was decided by somebody else a moment ago.")
    tell("policy.approved", system, entry=entry, by=by, subject=version.pk, people=[version.proposer_id],
         version=version.number, done=done)  # fmt: skip
    return approval


@transaction.atomic
def decline(version: PolicyVersion, *, by: Actor, digest: str, replay: str = "", comment: str = "") -> Approval:
    """Refuses the version for good; its proposer has to file another. Raises as `approve` does."""
    signer = steps.person(by, "sign a policy", version.system)
    steps.held(version.system)
    version = steps.fresh(version)
    _check_signer(version, signer, by, digest, replay)
    role = sorted(roles.roles_of(signer, version.system_id) & roles.VERBS["sign a policy"])[0]
    approval, entry = _sign("declined", version, signer, role, "decline", by=by, comment=comment)
    if not PolicyVersion.objects.filter(pk=version.pk, state="proposed").update(state="declined", entry_id=entry.id):
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so it cannot be declined.")
    tell("policy.declined", version.system_id, entry=entry, by=by, subject=version.pk, people=[version.proposer_id],
         version=version.number)  # fmt: skip
    return approval


@transaction.atomic
def activate(version: PolicyVersion, *, by: Actor) -> PolicyVersion:
    """Puts an approved version in force and retires the one before.

    Raises Conflict when signatures are missing or the policy it was compared with is no longer in force. The scheduler
    may when the hour has come that the signatures hold for.
    """
    if by is not steps.SCHEDULER:
        steps.person(by, "activate a policy", version.system)
    system, version = steps.held(version.system), steps.fresh(version)
    if by is steps.SCHEDULER and not steps.is_due(version):
        raise Conflict(f"Version {version.number} is not due yet.")
    steps.check_key(by, system)
    steps.check_base(system, version)
    # The tier may have risen since it was signed, and then more people have to sign.
    left = open_seats(version)
    if version.state == "proposed" or left:
        raise Conflict(f"Version {version.number} still needs the signature of {_all(left)}.")
    signed = version.approvals.filter(verdict="approve", terms=version.terms).order_by("id")
    causes = [hash_of(entry) for entry in signed.values_list("entry", flat=True)]
    was = version.state if version.state in ("shadow", "canary") else "approved"
    return _put_in_force(system, version, "activated", by=by, causes=causes, was=was)


@transaction.atomic
def bootstrap(version: PolicyVersion, *, by: Actor, because: str) -> PolicyVersion:
    """Puts the first policy of a system in force without a signature, once, while none was ever in force.

    It is `unapproved` until those who have to sign have signed the same digest. Raises Conflict and Invalid.
    """
    if not because.strip():
        raise Invalid("Say why the policy is put in force before anybody has approved it.")
    steps.person(by, "propose a policy", version.system)
    system, version = steps.held(version.system), steps.fresh(version)
    steps.check_key(by, system)
    if PolicyVersion.objects.filter(system=system, in_force_from__isnull=False).exists():
        raise Conflict(f"{system.name} has had a policy in force, so this one has to be approved.")
    return _put_in_force(
        system, version, "bootstrapped", by=by, causes=[steps.proposal_of(version)], was="proposed", because=because,
        is_bootstrapped=True,
    )  # fmt: skip


@transaction.atomic
def restore(system: System, *, by: Actor, because: str = "") -> PolicyVersion:
    """Puts the newest approved version older than the one in force back in force, without a new approval.

    Raises Conflict when there is none.
    """
    if by is not steps.GUARD:
        steps.person(by, "restore a policy", system)
    system = steps.held(system)
    current = system.in_force
    earlier = (
        PolicyVersion.objects.filter(system=system, state="retired", is_approved=True, number__lt=current.number)
        .order_by("-number").first() if current else None
    )  # fmt: skip
    if current is None or earlier is None:
        raise Conflict(f"{system.name} has no earlier approved policy to go back to.")
    causes = [hash_of(id) for id in (earlier.activation_id, current.activation_id) if id]
    return _put_in_force(system, earlier, "restored", by=by, causes=causes, was="retired", because=because)


def _put_in_force(
    system: System, version: PolicyVersion, type: str, *, by: Actor, causes: Sequence[str], was: str, because: str = "",
    is_bootstrapped: bool = False,
) -> PolicyVersion:  # fmt: skip
    before = system.in_force
    if system.trial is not None and system.trial_id != version.pk:
        end_trial(system, system.trial, by=by, because="Another version is put in force.")
    entry = steps.entry(
        type, version, by=by, causes=causes, payloads={"because": because.encode()} if because else None,
        detail={
            "replaces": before.number if before else None, "risk_tier": system.risk_tier,
            "retimes": followers.would_retime(version),
        },
    )  # fmt: skip
    if before is not None:
        retired = steps.entry("retired", before, by=by, causes=[entry.hash.hex()])
        PolicyVersion.objects.filter(pk=before.pk, state="in_force").update(
            state="retired", retired_at=Now(), entry_id=retired.id
        )
    changed = PolicyVersion.objects.filter(pk=version.pk, state=was).update(
        state="in_force", in_force_from=Now(), retired_at=None, activation_id=entry.id, entry_id=entry.id,
        is_bootstrapped=version.is_bootstrapped or is_bootstrapped, share=0,
    )  # fmt: skip
    if not changed:
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so it cannot be put in force.")
    System.objects.filter(pk=system.pk).update(in_force_id=version.pk, trial=None, entry_id=entry.id)
    if type == "restored" and before is not None:
        tell_taken_back(system, before, entry, by=by, instead=version)
    else:
        tell("policy.activated", system, entry=entry, by=by, subject=version.pk, roles={"owner"},
             people=[version.proposer_id], version=version.number)  # fmt: skip
    return PolicyVersion.objects.select_related("system", "contract").get(pk=version.pk)


def tell_taken_back(
    system: System, version: PolicyVersion, entry: Draft, *, by: Actor, instead: PolicyVersion | None = None
) -> None:
    """Tells those who answer for a version that it was taken back, for another one or off its trial."""
    tell(
        "policy.rolled_back", system, entry=entry, by=by, subject=version.pk, roles={"owner", "approver", "lead"},
        people=[version.proposer_id], version=instead.number if instead else None, replaced=version.number,
        guarded=by is steps.GUARD,
    )  # fmt: skip


def retimed_by(version: PolicyVersion) -> int:
    """How many open items it timed anew when it was last put in force, as its entry says."""
    entry = Entry.objects.filter(pk=version.activation_id).first() if version.activation_id else None
    return int(json.loads(bytes(entry.leaf)).get("detail", {}).get("retimes", 0)) if entry else 0


def end_trial(system: System, version: PolicyVersion, *, by: Actor, because: str = "") -> Draft:
    """Takes a version off its trial, for good, within the step that asks for it. The caller holds the system."""
    version = steps.fresh(version)
    entry = steps.entry(
        "trial_ended", version, by=by, payloads={"because": because.encode()} if because else None,
        detail={"was": version.state, "share": version.share},
    )  # fmt: skip
    still = PolicyVersion.objects.filter(pk=version.pk, state__in=("shadow", "canary"))
    # What was never in force as a whole is nothing to go back to.
    if not still.update(state="retired", retired_at=Now(), share=0, is_approved=False, entry_id=entry.id):
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so there is no trial to end.")
    System.objects.filter(pk=system.pk).update(trial=None, entry_id=entry.id)
    return entry


def _replace(version: PolicyVersion, *, by: Actor) -> None:
    """Ends a proposal for the sake of another text. Raises NotAllowed and Conflict."""
    version = steps.fresh(version)
    if by.person is None or version.proposer_id != by.person.pk:
        raise NotAllowed(f"Only {version.proposer} can put another text in the place of version {version.number}.")
    entry = steps.entry("revised", version, by=by)
    still = PolicyVersion.objects.filter(pk=version.pk, state__in=("proposed", "approved"))
    if not still.update(state="revised", entry_id=entry.id):
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so it cannot be revised.")


def _sign(
    type: str, version: PolicyVersion, signer: Person, role: str, verdict: str, *, by: Actor, comment: str
) -> tuple[Approval, Draft]:
    entry = steps.entry(
        type, version, by=by, causes=[steps.proposal_of(version)],
        detail={"role": role, "terms": version.terms, "replay": version.replay.digest if version.replay else None},
        payloads={"comment": comment.encode()} if comment else None,
    )  # fmt: skip
    approval = Approval.objects.create(
        version=version, proposer_id=version.proposer_id, approver=signer, role=role, verdict=verdict,
        digest=version.digest, terms=version.terms, comment=comment, entry_id=entry.id,
    )  # fmt: skip
    return approval, entry


def _check_signer(version: PolicyVersion, signer: Person, by: Actor, digest: str, replay: str) -> None:
    steps.check_key(by, version.system)
    if version.proposer_id == signer.pk:
        raise NotAllowed("You proposed this version, so somebody else has to decide on it.")
    if version.digest != digest:
        raise Conflict("What you read is not the text that was proposed: read it again.")
    if replay != (version.replay.digest if version.replay else ""):
        raise Conflict("The replay you read is not the one that belongs to the proposal now: read it again.")
    if version.approvals.filter(approver=signer, terms=version.terms).exists():
        raise Conflict("You have signed this version already.")


def _seat_for(version: PolicyVersion, signer: Person) -> str:
    left = open_seats(version)
    role = signatures.role_for(left, roles.roles_of(signer, version.system_id))
    if role is None:
        raise NotAllowed(f"What is missing is the signature of {_all(left)}, which you are not.")
    return role


def _all(seats: Sequence[Seat]) -> str:
    return " and of ".join(signatures.in_words(seat) for seat in seats) or "nobody"
