"""Lowering a risk tier: asked for by one, signed by others, as many as a loosening on the tier in force takes."""

from typing import Final

from django.db import transaction

from governance import clock
from governance.evidence.record import Draft, record
from governance.models import System, TierChange, TierSignature
from governance.notices.telling import tell
from governance.people import roles
from governance.people.actors import Actor
from governance.policies import signatures, steps
from governance.policies.signatures import Seat
from governance.refusals import Conflict, NotAllowed

_ORDER: Final = ("minimal", "limited", "high")


def needs_signatures(system: System, risk_tier: str) -> bool:
    """Whether a tier is lower than that of a system in which a policy is in force."""
    return system.in_force_id is not None and _ORDER.index(risk_tier) < _ORDER.index(system.risk_tier)


@transaction.atomic
def ask_lower(system: System, *, becomes: str, by: Actor) -> TierChange:
    """As `ask`, for somebody who names nothing but the tier. Raises Conflict for one that needs no signatures."""
    steps.person(by, "describe a system", system)
    system = steps.held(system)
    if not needs_signatures(system, becomes):
        raise Conflict(
            "Only a tier lower than that of a policy in force waits for signatures: name it in a system file."
        )
    return ask(system, becomes=becomes, by=by)


@transaction.atomic
def ask(system: System, *, becomes: str, by: Actor) -> TierChange:
    """Asks for a lower tier; the same again is the one that waits already. Raises Conflict when another waits."""
    person = steps.person(by, "describe a system", system)
    system = steps.held(system)
    waiting = TierChange.objects.waiting().filter(system=system).first()
    if waiting is not None:
        if waiting.becomes != becomes:
            raise Conflict(f"Another lower tier, {waiting.becomes}, waits for its signatures.")
        return waiting
    id = clock.new_id()
    entry = record(
        "tier_asked", actor=by, kind="tier", id=id, system=system.pk,
        detail={"system": system.slug, "risk_tier": {"from": system.risk_tier, "to": becomes}},
    )  # fmt: skip
    change = TierChange.objects.create(
        id=id, system=system, was=system.risk_tier, becomes=becomes, proposer=person, entry_id=entry.id
    )
    tell("tier.asked", system, entry=entry, by=by, subject=id, roles=frozenset[str]().union(*open_seats(change)),
         was=change.was, becomes=becomes)  # fmt: skip
    return change


def open_seats(change: TierChange) -> tuple[Seat, ...]:
    """The signatures that are missing still."""
    if change.state != "waiting":
        return ()
    needed = signatures.required(loosens=True, risk_tier=change.was)
    return signatures.missing(needed, change.signatures.order_by("at").values_list("role", flat=True))


@transaction.atomic
def sign(change: TierChange, *, by: Actor) -> TierChange:
    """Signs; the last signature needed lowers the tier. Raises NotAllowed for who asked, for somebody whose role is not
    missing and for keys; Conflict when it is decided, signed already, or the tier is another by now."""
    signer = steps.person(by, "sign a policy", change.system)
    system, change = _held(change)
    steps.check_key(by, system)
    if change.proposer_id == signer.pk:
        raise NotAllowed("You asked for it, so somebody else has to sign it.")
    if change.state != "waiting" or system.risk_tier != change.was:
        raise Conflict("This lower tier is decided, or the tier is another by now.")
    if change.signatures.filter(approver=signer).exists():
        raise Conflict("You have signed it already.")
    role = signatures.role_for(open_seats(change), roles.roles_of(signer, system))
    if role is None:
        raise NotAllowed(f"What is missing is the signature of {in_words(change)}.")
    entry = _entry("tier_signed", change, role, by=by)
    TierSignature.objects.create(
        change=change, proposer_id=change.proposer_id, approver=signer, role=role, entry_id=entry.id
    )
    if not open_seats(change):
        _lower(system, change, by=by, cause=entry)
    return TierChange.objects.select_related("system", "proposer").get(pk=change.pk)


@transaction.atomic
def decline(change: TierChange, *, by: Actor) -> TierChange:
    """Refuses it for good; who asked may take it back so. Raises NotAllowed for keys, Conflict when it is decided."""
    signer = steps.person(by, "sign a policy", change.system)
    system, change = _held(change)
    steps.check_key(by, system)
    role = sorted(roles.roles_of(signer, system) & roles.VERBS["sign a policy"])[0]
    entry = _entry("tier_declined", change, role, by=by)
    if not TierChange.objects.filter(pk=change.pk, state="waiting").update(state="declined", entry_id=entry.id):
        raise Conflict("This lower tier is decided already.")
    _tell_decided(change, "declined", entry, by=by)
    return TierChange.objects.select_related("system", "proposer").get(pk=change.pk)


def lapse(system: System, *, by: Actor, cause: Draft) -> None:
    """Ends a lower tier that waits, since the tier it would have lowered is another by now; `cause` says so. Within the
    step that changed the tier, whose caller holds the system."""
    change = TierChange.objects.select_related("system").waiting().filter(system=system).first()
    if change is None:
        return
    entry = record(
        "tier_lapsed", actor=by, kind="tier", id=change.pk, system=system.pk, causes=[cause.hash.hex()],
        detail={"system": change.system.slug},
    )  # fmt: skip
    if TierChange.objects.filter(pk=change.pk, state="waiting").update(state="lapsed", entry_id=entry.id):
        _tell_decided(change, "lapsed", entry, by=by)


def _tell_decided(change: TierChange, state: str, entry: Draft, *, by: Actor) -> None:
    tell("tier.decided", change.system_id, entry=entry, by=by, subject=change.pk, people=[change.proposer_id],
         was=change.was, becomes=change.becomes, state=state)  # fmt: skip


def in_words(change: TierChange) -> str:
    return " and of ".join(signatures.in_words(seat) for seat in open_seats(change)) or "nobody"


def _held(change: TierChange) -> tuple[System, TierChange]:
    return steps.held(change.system), TierChange.objects.select_related("system", "proposer").get(pk=change.pk)


def _entry(type: str, change: TierChange, role: str, *, by: Actor) -> Draft:
    return record(
        type, actor=by, kind="tier", id=change.pk, system=change.system_id,
        detail={"system": change.system.slug, "role": role},
    )  # fmt: skip


def _lower(system: System, change: TierChange, *, by: Actor, cause: Draft) -> None:
    entry = record(
        "system_changed", actor=by, kind="system", id=system.pk, system=system.pk, causes=[cause.hash.hex()],
        detail={"system": system.slug, "changed": ["risk_tier"],
                "risk_tier": {"from": change.was, "to": change.becomes}},
    )  # fmt: skip
    still = TierChange.objects.filter(pk=change.pk, state="waiting")
    if not still.update(state="done", entry_id=cause.id):
        raise Conflict("This lower tier is decided already.")
    System.objects.filter(pk=system.pk).update(risk_tier=change.becomes, entry_id=entry.id)
    _tell_decided(change, "done", cause, by=by)
