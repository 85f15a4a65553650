"""Incidents: opened by an alarm, a wrong audit, an outcome or a person; contained; closed with a cause and a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import policy_part, record
from governance.models import Incident, Output, PolicyVersion, System
from governance.notices.telling import tell
from governance.people import roles
from governance.people.actors import Actor
from governance.policies import examples, lifecycle
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound, Problem

MOST_TITLE: Final = 200
MOST_TEXT: Final = 4000


def open_incident(
    system: System, *, by: Actor, kind: str, title: str, output: Output | None = None,
    version: PolicyVersion | None = None, facts: Mapping[str, Any] | None = None, causes: Sequence[str] = (),
) -> Incident | None:  # fmt: skip
    """The new incident; None when there is one already (of this output, or an alarm of this policy version).

    A person needs the right to open one. Raises NotAllowed, NotFound, Invalid.
    """
    if by.person is not None:
        roles.require(by.person, "open an incident", system)
    title = _text(title, "title", longest=MOST_TITLE)
    id = clock.new_id()
    try:
        with transaction.atomic():
            entry = record(
                "incident_opened", actor=by, kind="incident", id=id, system=system.pk, causes=causes,
                policy=policy_part(version, slug=system.slug) if version else None,
                payloads={"title": title.encode()},
                detail={"kind": kind, "output": str(output.pk) if output else None, **(facts or {})},
            )  # fmt: skip
            incident = Incident.objects.create(
                id=id, system=system, kind=kind, title=title, output=output, version=version, facts=dict(facts or {}),
                opened_by=by.person, entry_id=entry.id,
            )  # fmt: skip
            tell("incident.opened", system, entry=entry, by=by, subject=id, roles={"owner", "lead"}, origin=kind)
            return incident
    except IntegrityError as error:
        if "one_incident_an_output" in str(error) or "one_alarm_at_a_time" in str(error):
            return None
        raise


def by_person(system: System, *, by: Actor, title: str, external_id: str = "") -> Incident:
    """An incident that somebody opens by hand, about one output where she names it. Raises Invalid for one that is not
    there."""
    if by.person is None:
        raise NotAllowed("Only a person opens an incident by hand.")
    output = None
    if external_id.strip():
        output = Output.objects.of(system).genuine().filter(external_id=external_id.strip()).first()
        if output is None:
            detail = f"{system.name} has no output of this id."
            raise Invalid(detail, errors=[Problem("/external_id", "unknown", detail)])
    opened = open_incident(system, by=by, kind="person", title=title, output=output, version=system.in_force)
    if opened is None:
        raise Conflict("There is an incident about this already.")
    return opened


@transaction.atomic
def contain(incident: Incident, *, by: Actor, how: str) -> Incident:
    """Says what was done so that it does no more harm. Raises Conflict when it is contained or closed already."""
    _may_work(incident, by)
    how = _text(how, "how")
    _move(incident, "incident_contained", by=by, was=("open",), payloads={"containment": how.encode()},
          state="contained", containment=how, contained_at=Now(), contained_by=by.person)  # fmt: skip
    return fresh(incident.pk)


@transaction.atomic
def restore_policy(incident: Incident, *, by: Actor) -> Incident:
    """Puts the policy version before back in force, which contains the incident. Raises what restoring does."""
    before = incident.version
    system = System.objects.with_policy().get(pk=incident.system_id)
    if before is None or system.in_force_id != before.pk:
        raise Conflict("Another policy is in force by now, so there is nothing to take back.")
    restored = lifecycle.restore(system, by=by, because=f"Incident: {incident.title}"[:500])
    return contain(incident, by=by, how=f"Policy {restored.number} is in force again instead of {before.number}.")


@transaction.atomic
def close(incident: Incident, *, by: Actor, cause: str, remedy: int | None = None, reason: str = "") -> Incident:
    """Ends a contained incident: its cause, and the policy version that keeps it from happening again or, where no
    policy has to change, why not. The version is approved, or proposed with a replay; either way it must not release
    the incident's output again, unless the reason says why it may. Raises Invalid, Conflict."""
    _may_work(incident, by)
    cause, reason = _text(cause, "cause"), _text(reason, "reason", is_needed=False)
    version = _remedy(incident, remedy)
    shown = stops(version, incident.output) if version and incident.output else None
    if version is not None and shown is not None and shown["lane"] == "release" and not reason:
        detail = f"Policy {version.number} would release this output again, by {shown['rule']}."
        raise Invalid(detail, errors=[Problem("/remedy", "releases-again", detail)])
    if version is None and not reason:
        detail = "Name the approved policy version that prevents it, or say why none is needed."
        raise Invalid(detail, errors=[Problem("/reason", "required", detail)])
    payloads = {"cause": cause.encode()} | ({"reason": reason.encode()} if reason else {})
    _move(incident, "incident_closed", by=by, was=("contained",), payloads=payloads,
          detail={"remedy": version.number if version else None, **({"again": shown} if shown else {})},
          state="closed", cause=cause, reason=reason, remedy=version, closed_at=Now(), closed_by=by.person,
          facts=incident.facts | ({"again": shown} if shown else {}))  # fmt: skip
    return fresh(incident.pk)


def fresh(id: UUID) -> Incident:
    return Incident.objects.told().get(pk=id)


def _remedy(incident: Incident, number: int | None) -> PolicyVersion | None:
    if number is None:
        return None
    version = remedies(incident).filter(number=number).first()
    if version is None:
        detail = f"There is no policy {number} of this system that is approved, or proposed with a replay."
        raise Invalid(detail, errors=[Problem("/remedy", "not-approved", detail)])
    return version


def remedies(incident: Incident) -> QuerySet[PolicyVersion]:
    """The versions that can end an incident, the newest first: approved ones, and proposals that were replayed."""
    replayed = Q(state="proposed", replay__isnull=False)
    found = PolicyVersion.objects.filter(Q(is_approved=True) | replayed, system=incident.system_id)
    return found.select_related("system", "replay").order_by("-number")


def stops(version: PolicyVersion, output: Output) -> dict[str, Any] | None:
    """What a version says of an output now: `lane`, `rule` and the digest of its replay. None where the content was
    erased, so that nobody can tell."""
    verdict = examples.verdict_on(version, output)
    if verdict is None:
        return None
    return {"lane": verdict.lane, "rule": verdict.rule, "replay": version.replay.digest if version.replay else None}


def _move(
    incident: Incident, type: str, *, by: Actor, was: tuple[str, ...], payloads: Mapping[str, bytes],
    detail: Mapping[str, Any] | None = None, **columns: Any,
) -> None:  # fmt: skip
    # The row's lock orders the entries of its chain; the UPDATE's own condition is the guard.
    Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    entry = record(
        type, actor=by, kind="incident", id=incident.pk, system=incident.system_id, payloads=payloads,
        detail=dict(detail or {}),
    )  # fmt: skip
    if not Incident.objects.filter(pk=incident.pk, state__in=was).update(**columns, entry_id=entry.id):
        now = Incident.objects.values_list("state", flat=True).get(pk=incident.pk)
        wanted = " or ".join(was)
        raise Conflict(f"This incident is {now}; for that step it has to be {wanted}.")


def _may_work(incident: Incident, by: Actor) -> None:
    if by.person is None:
        raise NotAllowed("Only a person can work on an incident.")
    roles.require(by.person, "work on an incident", incident.system)


def _text(text: str, name: str, *, longest: int = MOST_TEXT, is_needed: bool = True) -> str:
    text = text.strip()
    if is_needed and not text:
        raise Invalid(f"Say the {name}.", errors=[Problem(f"/{name}", "required", "This is missing.")])
    if len(text) > longest or "\0" in text:
        detail = f"This is a text of at most {longest} characters."
        raise Invalid(f"The {name} is too long or holds a NUL.", errors=[Problem(f"/{name}", "too-long", detail)])
    return text


def seen(id: UUID, systems: set[UUID] | None) -> Incident:
    """The incident, when it is of one of these systems (None: any). Raises NotFound."""
    found = Incident.objects.told().among(systems).filter(pk=id).first()
    if found is None:
        raise NotFound("There is nothing here.")
    return found
