"""The models of a system: registered as their outputs come, let in beside those a policy names, and shut out again.

Both steps change the system's row, which intake compares inside the transaction that writes an output: every process
sees them with the next output it writes.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import record
from governance.models import ModelVersion, System
from governance.people.actors import Actor, machine
from governance.policies import steps
from governance.policies.policy import Policy
from governance.policies.validated import Name
from governance.refusals import Conflict, Invalid, NotAllowed

MOST: Final = 500
"""Versions registered of one system. A producer that states another version each time would otherwise fill the log;
what is beyond is unknown, and unknown goes to a person where a policy says for what it was validated."""

_INTAKE: Final = machine("intake")
_noticed: dict[UUID, set[Name]] = {}


def notice(system: System, names: Iterable[Name]) -> None:
    """Registers what this process has not seen before; what it has seen costs no query."""
    known = _noticed.setdefault(system.pk, set())
    for name in set(names) - known:
        if len(known) < MOST:
            register(system, name)
            known.add(name)


def register(system: System, name: Name) -> bool:
    """Whether the version is new and was registered now."""
    rows = ModelVersion.objects.of(system)
    if rows.filter(**name._asdict()).exists() or rows.count() >= MOST:
        return False
    id = clock.new_id()
    try:
        with transaction.atomic():
            entry = record(
                "model_seen", actor=_INTAKE, kind="model", id=id, system=system.pk,
                detail={"system": system.slug, **name._asdict()},
            )  # fmt: skip
            ModelVersion.objects.create(id=id, system=system, entry_id=entry.id, **name._asdict())
    except IntegrityError as error:
        if "a_model_version_once" in str(error):  # another process was quicker
            return False
        raise
    return True


@transaction.atomic
def admit(version: ModelVersion, *, by: Actor, because: str) -> ModelVersion:
    """Lets a model in although the policy in force was not validated for it, until it is shut out again.

    An approver does, where one signature is enough: on a high tier two people sign a policy that names it. Raises
    Invalid without a reason, Conflict when it is admitted, NotAllowed and NotFound.
    """
    person = steps.person(by, "admit a model", version.system)
    system = steps.held(version.system)
    steps.check_key(by, system)
    if system.risk_tier == "high":
        raise NotAllowed("On a high-risk system two people have to agree: propose a policy that names this model.")
    because = because.strip()
    if not because or len(because) > 2000:
        raise Invalid("Say in at most 2000 characters why its outputs can be trusted to the policy in force.")
    entry = _entry("model_admitted", version, by=by, because=because)
    changed = ModelVersion.objects.filter(pk=version.pk, is_admitted=False).update(
        is_admitted=True, admitted_by=person, admitted_at=Now(), because=because, admission_id=entry, entry_id=entry
    )
    if not changed:
        raise Conflict("It is admitted already.")
    System.objects.filter(pk=system.pk).update(entry_id=entry)
    return ModelVersion.objects.told().get(pk=version.pk)


@transaction.atomic
def bar(version: ModelVersion, *, by: Actor, because: str = "") -> ModelVersion:
    """Takes an admission back: people decide again unless the policy names the model. Raises Conflict when it is not
    admitted, NotAllowed and NotFound."""
    steps.person(by, "bar a model", version.system)
    system = steps.held(version.system)
    entry = _entry("model_barred", version, by=by, because=because.strip()[:2000])
    changed = ModelVersion.objects.filter(pk=version.pk, is_admitted=True).update(
        is_admitted=False, admitted_by=None, admitted_at=None, because="", admission=None, entry_id=entry
    )
    if not changed:
        raise Conflict("It is not admitted.")
    System.objects.filter(pk=system.pk).update(entry_id=entry)
    return ModelVersion.objects.told().get(pk=version.pk)


def admitted(system: UUID) -> dict[Name, UUID]:
    """The models let in, each with the entry that did; none where a policy alone can let them in."""
    rows = ModelVersion.objects.filter(system=system, is_admitted=True).exclude(system__risk_tier="high")
    return {Name(*row[:3]): row[3] for row in rows.values_list(*Name._fields, "admission")}


class Told(NamedTuple):
    """A model and how it stands to a policy: `named` by it, `admitted`, `unknown` to it; `any` where it names none."""

    version: ModelVersion
    standing: str


def told(system: System, policy: Policy | None) -> list[Told]:
    """The models of a system, the latest first, beside the policy in force."""
    rows = ModelVersion.objects.of(system).told().select_related("system")[:MOST]
    return [Told(row, standing(row, policy, risk_tier=system.risk_tier)) for row in rows]


def standing(version: ModelVersion, policy: Policy | None, *, risk_tier: str) -> str:
    if policy is None or policy.models is None:
        return "any"
    if policy.models.know(Name(version.model, version.model_version, version.prompt_version)):
        return "named"
    return "admitted" if version.is_admitted and risk_tier != "high" else "unknown"


def _entry(type: str, version: ModelVersion, *, by: Actor, because: str) -> UUID:
    return record(
        type, actor=by, kind="model", id=version.pk, system=version.system_id,
        payloads={"because": because.encode()} if because else None,
        detail={"system": version.system.slug, "model": version.model, "model_version": version.model_version,
                "prompt_version": version.prompt_version},
    ).id  # fmt: skip
