"""`/`: by role, what waits and what is late, what of it is hers, and how the systems stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Case, Q, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance import clock
from governance.models import Certificate, Incident, PendingEntry, Person, PolicyVersion, System
from governance.pages import access
from governance.pages.templatetags import words
from governance.people import roles
from governance.policies import signatures
from governance.policies.registry import compiled
from reviews import overview
from reviews.lately import lately
from reviews.overview import Alone, QueueLine
from reviews.pages import home_words, waiting_here
from reviews.pages.home_words import Task
from reviews.pages.showing.foreign import text
from reviews.quality import intervals

MOST_PROPOSALS: Final = 5
MOST_INCIDENTS: Final = 3


@login_required
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The page. Whoever has no role yet is told who gives her one."""
    person, now = access.person(request), clock.now()
    seen = roles.systems_for(person, "see the system")
    if seen is not None and not seen:
        nothing = {"statement": "You have no role here yet.", "has_no_role": True, "now": now}
        return render(request, "home.html", nothing)
    systems = list(System.objects.among(seen).with_policy().order_by("slug"))
    lines = _queues(person)
    alone, looks = overview.alone(systems), overview.certificates(systems)
    proposals = list(_proposals(person))
    dead = _dead(person)
    reviews = roles.may(person, "review items")
    tasks = [
        *_signing(proposals, now), *_judging(person, lines or []), *_lowering(person, systems, looks, alone, now),
        *_repairing(dead), *_containing(person), *waiting_here.answering(person), *waiting_here.letting_in(person),
        *waiting_here.signing_tiers(person),
    ]  # fmt: skip
    context = {
        "now": now, "statement": _statement(person, lines, proposals, dead, len(systems)), "lines": lines,
        "can_review": reviews and any(line.waiting for line in lines or []), "tasks": tasks,
        "lines_are_capped": any(line.is_capped for line in lines or []), "most": overview.MOST,
        "recent": overview.RECENT, "unsealed": _unsealed() if roles.may(person, "see evidence") else None,
        "systems": [_system(person, system, alone[system.pk], looks.get(system.pk), now) for system in systems],
        "week": _week(person, now) if reviews else None, "news": lately(systems),
        "sees_state": roles.may(person, "see tuning"), "me": person.pk,
    }  # fmt: skip
    return render(request, "home.html", context)


def _unsealed() -> int:
    return PendingEntry.objects.all()[: overview.MOST + 1].count()


def _queues(person: Person) -> list[QueueLine] | None:
    systems = roles.systems_for(person, "see the queue")
    return overview.queues(systems) if systems is None or systems else None


def _dead(person: Person) -> tuple[int, int] | None:
    systems = roles.systems_for(person, "manage webhooks")
    return overview.dead_letters(systems) if systems is None or systems else None


def _statement(
    person: Person, lines: Sequence[QueueLine] | None, proposals: Sequence[PolicyVersion], dead: tuple[int, int] | None,
    systems: int,
) -> str:  # fmt: skip
    """What this person comes to know: those who decide, what waits; those who sign, what is to be signed; and so on."""
    if lines is not None:
        said = home_words.waiting(lines)
        return f"{said} {home_words.signing(len(proposals))}" if proposals else said
    if roles.may(person, "sign a policy"):
        return home_words.signing(len(proposals))
    if dead is not None and roles.may(person, "see outputs"):
        return home_words.telling(dead[0])
    return home_words.governing(systems)


def _proposals(person: Person) -> Iterator[PolicyVersion]:
    """The versions that wait for this person: for a signature that she may give, or to be put in force by her."""
    signs = roles.systems_for(person, "sign a policy")
    if signs is not None and not signs:
        return
    for version in PolicyVersion.objects.told().undecided().filter(_within(signs)).order_by("-id")[:50]:
        mine = roles.roles_of(person, version.system_id)
        if version.state == "approved":
            is_current = version.based_on_id == version.system.in_force_id
            if is_current and roles.may(person, "activate a policy", version.system_id):
                yield version
            continue
        signed = [each for each in version.approvals.all() if each.verdict == "approve"]
        seats = signatures.required(loosens=version.loosens, risk_tier=version.system.risk_tier)
        left = signatures.missing(seats, [each.role for each in signed])
        has_signed = any(each.approver_id == person.pk for each in signed)
        if version.proposer_id != person.pk and not has_signed and signatures.role_for(left, mine):
            yield version


def _within(systems: set[UUID] | None) -> Q:
    return Q() if systems is None else Q(system__in=systems)


def _signing(proposals: Sequence[PolicyVersion], now: datetime) -> Iterator[Task]:
    for version in proposals[:MOST_PROPOSALS]:
        slug = version.system.slug
        what = "Put policy {} in force" if version.state == "approved" else "Sign or decline policy {}"
        note = f"{slug}, from {version.proposer}, since {words.span(now - version.proposed_at)}"
        yield Task("doc", what.format(version.number), note, reverse("proposal", args=[slug, version.number]), "Read")


def _judging(person: Person, lines: Sequence[QueueLine]) -> Iterator[Task]:
    """What only leads settle, and the blind audits that everybody puts off."""
    settles = [line for line in lines if line.disagreements and roles.may(person, "adjudicate", line.system_id)]
    if settles:
        number = sum(line.disagreements for line in settles)
        oldest = min(line.oldest_disagreement for line in settles if line.oldest_disagreement)
        title = home_words.sentence(home_words.count(number, "disagreement")) + " to settle"
        note = f"Two reviewers differ, oldest {words.span(settles[0].now - oldest)}"
        yield Task("review", title, note, reverse("queue"), "Settle")
    audits = [line for line in lines if line.audits and roles.may(person, "review items", line.system_id)]
    if audits:
        number = sum(line.audits for line in audits)
        title = home_words.sentence(home_words.count(number, "blind audit")) + " to answer"
        note = ", ".join(f"{line.audits} {line.system}" for line in audits[:3])
        yield Task("eye", title, note, reverse("queue"), "Start")


def _lowering(
    person: Person, systems: Sequence[System], looks: dict[UUID, Certificate], alone: dict[UUID, Alone], now: datetime
) -> Iterator[Task]:
    """Where the evidence allows more than the policy in force does."""
    for system in systems:
        look = looks.get(system.pk)
        if look is None or look.threshold is None or system.in_force_id is None:
            continue
        in_force = compiled(system.in_force_id).threshold.default
        state = home_words.state(look, model=alone[system.pk].model, now=now, in_force=in_force)
        is_lower = state.word.startswith("Certified") and look.threshold < in_force
        if is_lower and roles.may(person, "propose a policy", system):
            title = f"Propose {words.threshold(look.threshold)} for {system.slug}"
            yield Task("mark", title, f"Certified, {state.rest}", reverse("tuning", args=[system.slug]), "See")


def _repairing(dead: tuple[int, int] | None) -> Iterator[Task]:
    if dead is not None and dead[0]:
        title = home_words.sentence(home_words.count(dead[0], "message")) + " could not be delivered"
        yield Task("send", title, f"Given up at {home_words.count(dead[1], 'webhook')}", reverse("webhooks"), "Look")


def _containing(person: Person) -> Iterator[Task]:
    """Incidents that are open still, for whoever works on them."""
    mine = roles.systems_for(person, "work on an incident")
    if mine is not None and not mine:
        return
    waiting = Incident.objects.filter(_within(mine), state="open").select_related("system")
    waiting = waiting.order_by(Case(When(kind="alarm", then=0), default=1), "-id")  # an alarm speaks for many
    for incident in waiting[:MOST_INCIDENTS]:
        note = f"{incident.system.slug}, opened {words.when(incident.opened_at)}"
        yield Task(
            "stop", f"Contain: {text(incident.title).plain}", note, reverse("incident", args=[incident.pk]), "Read"
        )


def _system(person: Person, system: System, alone: Alone, look: Certificate | None, now: datetime) -> dict[str, Any]:
    policy = compiled(system.in_force_id) if system.in_force_id else None
    threshold = policy.threshold.default if policy else None
    sees_state = roles.may(person, "see tuning", system)
    return {
        "system": system, "alone": alone, "threshold": threshold,
        "state": home_words.state(look, model=alone.model, now=now, in_force=threshold) if sees_state else None,
    }  # fmt: skip


def _week(person: Person, now: datetime) -> dict[str, Any]:
    """Her week since Monday, with the interval of how often a second person agreed."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    week = overview.week(person, since=monday)
    low, high = intervals.interval(week.agreed, week.paired)
    rate = week.agreed * 1_000_000 // week.paired if week.paired else None
    return {"week": week, "since": monday, "agreed": rate, "low": low, "high": high}
