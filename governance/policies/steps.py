"""What every step of change control needs: who does it, the rows held and read anew, the entry."""

from typing import Any, Final

from django.db.models.functions import Now

from governance.evidence.record import Draft, policy_part, record
from governance.models import Entry, Person, PolicyVersion, System
from governance.people import roles
from governance.people.actors import Actor, machine
from governance.policies.registry import compiled
from governance.refusals import Conflict, NotAllowed

SCHEDULER: Final = machine("scheduler")
GUARD: Final = machine("guard")


def entry(type: str, version: PolicyVersion, *, by: Actor, **facts: Any) -> Draft:
    return record(
        type, actor=by, kind="policy", id=version.pk, system=version.system_id,
        policy=policy_part(version, slug=version.system.slug), **facts,
    )  # fmt: skip


def person(by: Actor, verb: str, system: System) -> Person:
    if by.person is None:
        raise NotAllowed(f"Only a person can {verb}.")
    roles.require(by.person, verb, system)
    return by.person


def held(system: System) -> System:
    """The system with its row locked until the transaction ends."""
    return System.objects.select_for_update(of=("self",)).get(pk=system.pk)


def fresh(version: PolicyVersion) -> PolicyVersion:
    return PolicyVersion.objects.select_related("system", "replay").get(pk=version.pk)


def proposal_of(version: PolicyVersion) -> str:
    """The leaf hash, in hex, of the entry that proposed the version: the first of its chain."""
    return bytes(Entry.objects.values_list("leaf_hash", flat=True).get(subject=version.pk, rev=1)).hex()


def check_key(by: Actor, system: System) -> None:
    if by.key is not None and not (system.in_force_id and compiled(system.in_force_id).approval_by_key):
        raise NotAllowed(f"{system.name} takes no signature from a key: sign in and do it yourself.")


def check_base(system: System, version: PolicyVersion) -> None:
    if version.state in ("proposed", "approved", "shadow", "canary") and version.based_on_id != system.in_force_id:
        raise Conflict("The policy in force has changed since this was proposed: propose it again.")


def is_due(version: PolicyVersion) -> bool:
    """Whether the hour has come that it was scheduled for, by PostgreSQL's clock."""
    return PolicyVersion.objects.filter(pk=version.pk, activate_at__lte=Now()).exists()


def word(state: str) -> str:
    return state.replace("_", " ")
