"""What can change about a proposal after it was filed, short of its text: the replay shown, the hour it is to begin,
the policy it is compared with, what people ask about it. Signatures given for other terms lapse by themselves."""

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import Draft, record
from governance.models import PolicyVersion, Remark, Replay
from governance.notices.telling import tell
from governance.people.actors import Actor
from governance.policies import lifecycle, steps
from governance.policies.lifecycle import Proposed
from governance.refusals import Conflict, Invalid, Refused

LONGEST_REMARK = 2000


@transaction.atomic
def attach_replay(version: PolicyVersion, replay: Replay, *, by: Actor) -> PolicyVersion:
    """Makes a stored replay the one that is shown and signed with the proposal.

    Raises Invalid for a replay of another text or base, and Conflict for a version that is decided.
    """
    steps.person(by, "replay a policy", version.system)
    steps.held(version.system)
    version = steps.fresh(version)
    if (replay.policy_digest, replay.base_id) != (version.digest, version.based_on_id):
        raise Invalid("This replay is of another text, or compared with another policy.")
    return _lapsing(version, "replay_attached", by=by, detail={"replay": replay.digest}, replay=replay)


@transaction.atomic
def schedule(version: PolicyVersion, *, at: datetime | None, by: Actor) -> PolicyVersion:
    """Says when an approved version is put in force by itself; None takes that back. Raises Invalid for the past."""
    steps.person(by, "propose a policy", version.system)
    steps.held(version.system)
    if at is not None and not PolicyVersion.objects.annotate(now=Now()).filter(pk=version.pk, now__lt=at).exists():
        raise Invalid("This hour has passed already.")
    detail = {"activate_at": at.isoformat() if at else None}
    return _lapsing(steps.fresh(version), "scheduled", by=by, detail=detail, activate_at=at)


@transaction.atomic
def rebase(version: PolicyVersion, *, by: Actor) -> Proposed:
    """Files the same text again, compared with the policy in force now; nobody has signed that yet. Raises Conflict
    when the base is still the one in force."""
    steps.person(by, "propose a policy", version.system)
    version, system = steps.fresh(version), steps.held(version.system)
    if version.based_on_id == system.in_force_id:
        raise Conflict(f"Version {version.number} is compared with the policy in force already.")
    document = json.loads(version.document)
    return lifecycle.propose(
        system, document, by=by, because=version.because, contract=version.contract, revises=version,
        despite=version.despite,
    )  # fmt: skip


@transaction.atomic
def ask(version: PolicyVersion, *, by: Actor, text: str) -> Remark:
    """A question about a version, or the answer to one. Raises Invalid when nothing is said."""
    author = steps.person(by, "discuss a policy", version.system)
    if not text.strip() or len(text) > LONGEST_REMARK:
        raise Invalid(f"Say something, in at most {LONGEST_REMARK} characters.")
    id = clock.new_id()
    entry = record(
        "remarked", actor=by, kind="remark", id=id, system=version.system_id, payloads={"text": text.encode()},
        detail={"policy": str(version.pk), "version": version.number},
    )  # fmt: skip
    remark = Remark.objects.create(id=id, version=version, author=author, text=text, entry_id=entry.id)
    # A question reaches the proposer; what she says reaches those who asked.
    asked = Remark.objects.filter(version=version).values_list("author", flat=True).distinct()
    tell("policy.asked", version.system_id, entry=entry, by=by, subject=version.pk, version=version.number,
         people=asked if author.pk == version.proposer_id else [version.proposer_id])  # fmt: skip
    return remark


def activate_due() -> list[PolicyVersion]:
    """Puts in force what was scheduled for a time that has come; what can no longer be is taken off the schedule, and
    the log says why."""
    due = PolicyVersion.objects.filter(state="approved", activate_at__lte=Now()).order_by("activate_at")
    done = []
    for version in due.select_related("system"):
        try:
            done.append(lifecycle.activate(version, by=steps.SCHEDULER))
        except Refused as refusal:
            _refuse(version, refusal.sentence)
    return done


@transaction.atomic
def _refuse(version: PolicyVersion, why: str) -> None:
    steps.held(version.system)
    version = steps.fresh(version)
    if version.state == "approved" and version.activate_at is not None:
        signers = version.approvals.filter(verdict="approve").values_list("approver", flat=True)
        _, entry = _amend(version, "schedule_refused", by=steps.SCHEDULER, detail={"why": why}, activate_at=None)
        tell("policy.refused", version.system_id, entry=entry, by=steps.SCHEDULER, subject=version.pk, roles={"owner"},
             people=[version.proposer_id, *signers], version=version.number, why=why)  # fmt: skip


def _lapsing(version: PolicyVersion, type: str, *, by: Actor, detail: dict[str, Any], **changes: Any) -> PolicyVersion:
    """Changes the terms; where somebody had signed those before, the signers are told that it waits again."""
    was_signed = version.approvals.filter(terms=version.terms).exists()
    changed, entry = _amend(version, type, by=by, detail=detail, **changes)
    if was_signed and changed.terms != version.terms:
        lifecycle.tell_signers(changed, entry, by=by)
    return changed


def _amend(
    version: PolicyVersion, type: str, *, by: Actor, detail: dict[str, Any], **changes: Any
) -> tuple[PolicyVersion, Draft]:
    """Changes the terms of a version that is not decided: it waits for signatures again."""
    entry = steps.entry(type, version, by=by, detail=detail)
    changed = PolicyVersion.objects.filter(pk=version.pk, state__in=("proposed", "approved")).update(
        **changes, state="proposed", is_approved=False, entry_id=entry.id
    )
    if not changed:
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so nothing about it can change.")
    return PolicyVersion.objects.told().get(pk=version.pk), entry
