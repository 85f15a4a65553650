"""An approved version on trial beside the one in force: in the shadow, where it is only compared, or as a canary, where
it judges a share of the outputs. One trial a system at a time; the system's row says which."""

from django.db import transaction
from django.db.models.functions import Now

from governance.evidence.record import hash_of
from governance.models import PolicyVersion, System
from governance.people.actors import Actor
from governance.policies import lifecycle, steps
from governance.policies.candidate import MILLION
from governance.refusals import Conflict, Invalid

_BEFORE = ("approved", "shadow", "canary")


@transaction.atomic
def shadow(version: PolicyVersion, *, by: Actor) -> PolicyVersion:
    """Lets an approved version run in the shadow of the one in force: compared on all that arrives, never acted on.

    Raises Conflict when it is not approved, its base has changed, its contract is another or another trial runs.
    """
    return _begin(version, "shadow", 0, by=by)


@transaction.atomic
def canary(version: PolicyVersion, *, share: int, by: Actor) -> PolicyVersion:
    """Lets an approved version judge a share (millionths) of the outputs, always the same ones; more when it is raised.

    Raises Invalid for a share that is not between 0 and 1, and Conflict as `shadow` does.
    """
    if not 0 < share < MILLION:
        raise Invalid("A canary judges more than nothing and less than everything.")
    return _begin(version, "canary", share, by=by)


@transaction.atomic
def stop(version: PolicyVersion, *, by: Actor, because: str = "") -> PolicyVersion:
    """Ends a trial for good: the version in force judges everything again. Raises Conflict when it is not on trial."""
    if by is not steps.GUARD:
        steps.person(by, "restore a policy", version.system)
    system, version = steps.held(version.system), steps.fresh(version)
    if version.state not in ("shadow", "canary"):
        raise Conflict(f"Version {version.number} is {steps.word(version.state)}, so there is no trial to end.")
    entry = lifecycle.end_trial(system, version, by=by, because=because)
    lifecycle.tell_taken_back(system, version, entry, by=by)
    return steps.fresh(version)


def _begin(version: PolicyVersion, state: str, share: int, *, by: Actor) -> PolicyVersion:
    steps.person(by, "activate a policy", version.system)
    system, version = steps.held(version.system), steps.fresh(version)
    steps.check_key(by, system)
    if version.state not in _BEFORE or lifecycle.open_seats(version):
        raise Conflict(f"Version {version.number} is not approved, so it cannot be tried.")
    steps.check_base(system, version)
    base = system.in_force
    if base is None or base.contract_id != version.contract_id:
        raise Conflict("Only a version with the contract of the one in force can run beside it.")
    if system.trial_id not in (None, version.pk):
        raise Conflict("Another version is on trial: end that first.")
    entry = steps.entry(
        f"{state}_set", version, by=by, detail={"share": share, "beside": base.number},
        causes=[hash_of(base.activation_id)] if base.activation_id else [],
    )  # fmt: skip
    # A canary's verdicts name this entry as what put it there, so it counts as in force from now, for its share.
    began = {"activation_id": entry.id, "in_force_from": Now()} if state == "canary" else {}
    changed = PolicyVersion.objects.filter(pk=version.pk, state=version.state).update(
        state=state, share=share, entry_id=entry.id, **began,
        **({} if version.state == state else {"trial_from": Now()}),
    )  # fmt: skip
    if not changed:
        raise Conflict(f"Version {version.number} was changed by somebody else a moment ago.")
    System.objects.filter(pk=system.pk).update(trial_id=version.pk, entry_id=entry.id)
    return steps.fresh(version)
