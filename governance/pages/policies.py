"""A system's policies on paper: the one in force, those before it, and the proposals that wait for signatures."""

import json
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from governance.models import Person, PolicyVersion, System
from governance.pages import access, proposal_steps, replay_words
from governance.people import roles, sign_in
from governance.policies import (
    checks,
    differences,
    examples,
    followers,
    lifecycle,
    registry,
    replay,
    sentences,
    signatures,
)  # fmt: skip
from governance.refusals import NotFound, Refused
from governance.tuning import forecasts, replaying

PAGE: Final = 50
_SIGNING: Final = ("approve", "decline", "activate", "shadow", "canary")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def in_force(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/policy/`: the version in force and all others; a POST takes it back."""
    system = access.system(request, slug)
    if request.method == "POST":
        before = lifecycle.restore(
            system, by=access.actor(request, system), because=request.POST.get("because", "")[:2000]
        )
        messages.success(request, f"Policy {before.number} is in force again.")
        return redirect("policy", slug=slug)
    versions = list(PolicyVersion.objects.of(system).told().order_by("-number")[:200])
    current = next((version for version in versions if version.pk == system.in_force_id), None)
    earlier = [v for v in versions if current and v.state == "retired" and v.is_approved and v.number < current.number]
    may_restore = roles.may(access.person(request), "restore a policy", system)
    shown = {
        **_text(current), "system": system, "version": current, "versions": versions,
        "may_propose": roles.may(access.person(request), "propose a policy", system),
        "restorable": earlier[0] if earlier and may_restore else None,
    }  # fmt: skip
    return render(request, "policy.html", shown)


@login_required
@require_safe
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """`/systems/{slug}/policy/{n}/`: one version as it stands in the book."""
    system = access.system(request, slug)
    found = _found(system, number)
    shown = {**_text(found), "system": system, "version": found, "forecast": forecasts.forecast(found)}
    return render(request, "policy_version.html", shown)


@login_required
@require_safe
def proposals(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/proposals/`"""
    system = access.system(request, slug)
    waiting = list(PolicyVersion.objects.of(system).told().undecided().order_by("-number"))
    declined = list(PolicyVersion.objects.of(system).told().filter(state="declined").order_by("-number")[:50])
    return render(request, "proposals.html", {"system": system, "waiting": waiting, "declined": declined})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """`/systems/{slug}/proposals/{n}/`: what changes, in words, and who has signed; a POST signs, declines or puts it
    in force."""
    system = access.system(request, slug)
    found = _found(system, number)
    if request.method != "POST":
        return _proposal(request, system, found)
    if request.POST.get("do") in _SIGNING and (asked := access.afresh(request)):
        return asked
    try:
        done = proposal_steps.step(request, system, found)
    except Refused as refusal:
        kept = request.POST.get("comment", "")[:2000]
        return _proposal(request, system, _found(system, number), refusal=refusal, comment=kept)
    messages.success(request, done.sentence)
    return redirect("proposal", slug=slug, number=done.number)


def _proposal(
    request: HttpRequest, system: System, version: PolicyVersion, *, refusal: Refused | None = None, comment: str = ""
) -> HttpResponse:
    person, seats = access.person(request), lifecycle.open_seats(version)
    base, policy = version.based_on, registry.compiled(version.pk)
    new = sentences.policy_sentences(policy)
    old = sentences.policy_sentences(registry.compiled(base.pk)) if base else new
    is_waiting = version.state == "proposed" or (version.state == "in_force" and not version.is_approved)
    is_open = version.state in ("proposed", "approved")
    shown = {
        **_replayed(version), "is_open": is_open,
        "retimes": followers.would_retime(version) if is_open else 0,
        "remarks": version.remarks.select_related("author").order_by("id"),
        "may_replay": roles.may(person, "replay a policy", system),
        "may_ask": roles.may(person, "discuss a policy", system),
        "may_propose": roles.may(person, "propose a policy", system),
        "at": version.activate_at.strftime("%Y-%m-%dT%H:%M") if version.activate_at else "",
        "system": system, "version": version, "base": base, "comment": comment, "refusal": refusal,
        "clauses": differences.differences(old, new), "text": _pretty(version), "notes": checks.warnings(policy),
        "contract_changes": bool(base and base.contract_id != version.contract_id),
        "seats": [signatures.in_words(seat) for seat in seats] if is_waiting else [],
        "is_stale": version.state in ("proposed", "approved") and version.based_on_id != system.in_force_id,
        "broken": examples.broken(version) if is_open or is_waiting else (),
        "is_waiting": is_waiting, "why_not": _why_not(person, system, version, seats),
        "may_sign": roles.may(person, "sign a policy", system),
        "may_activate": version.state == "approved" and roles.may(person, "activate a policy", system),
        "is_fresh": sign_in.is_fresh(request),
    }  # fmt: skip
    return render(request, "proposal.html", shown, status=refusal.status if refusal else 200)


def _replayed(version: PolicyVersion) -> dict[str, Any]:
    """The page's sentence, and what the replay found when there is one."""
    made, base = version.replay, version.based_on
    if made is not None:
        result = replaying.told(made)
        told = replay_words.told(
            result, old=f"policy {base.number}" if base else "people alone", new=f"policy {version.number}"
        )
        flips = reverse("flips", args=[version.system.slug, version.number])
        return {"replay": made, "result": result, "told": told, "statement": told.sentence, "flips_url": flips}
    if base is None:
        would = "was" if version.in_force_from else "would be"
        return {"statement": f"Policy {version.number} {would} the first in force."}
    may = "could let more go out alone" if version.loosens else "lets nothing more go out alone"
    return {"statement": f"Policy {version.number} {may} than policy {base.number}."}


@login_required
@require_safe
def flips(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """`/systems/{slug}/proposals/{n}/flips/?before=`: every output that the proposal would send another way."""
    system = access.system(request, slug, "replay a policy")
    version = _found(system, number)
    made = version.replay
    if made is None:
        raise NotFound("This proposal has not been replayed.")
    before = _id(request.GET.get("before", ""))
    rows = replay.flips(
        replaying.window_of(made), base=registry.compiled(made.base_id) if made.base_id else None,
        candidate=registry.compiled(version.pk), before=before, most=PAGE + 1,
    )  # fmt: skip
    here = reverse("flips", args=[slug, number])
    shown = {
        "system": system, "version": version, "made": made, "rows": rows[:PAGE], "older": before is not None,
        "changed": sum(flip["outputs"] for flip in replaying.told(made)["flips"]),
        "shown": f"{len(rows[:PAGE])} shown, newest first", "newer_url": here if before else "",
        "older_url": f"{here}?before={rows[PAGE - 1].id}" if len(rows) > PAGE else "",
    }  # fmt: skip
    return render(request, "flips.html", shown)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise NotFound("There is nothing here.") from error


def _why_not(person: Person, system: System, version: PolicyVersion, seats: tuple[signatures.Seat, ...]) -> str:
    """Why this person has nothing to sign here; empty when she has."""
    if not roles.may(person, "sign a policy", system):
        return "An approver or an owner of the system signs here."
    if version.proposer_id == person.pk:
        return "You proposed it, so somebody else has to decide on it."
    if any(
        approval.approver_id == person.pk and approval.terms == version.terms for approval in version.approvals.all()
    ):
        return "You have signed it."
    if signatures.role_for(seats, roles.roles_of(person, system)) is None:
        return f"What is missing is the signature of {' and of '.join(map(signatures.in_words, seats)) or 'nobody'}."
    return ""


def _found(system: System, number: int) -> PolicyVersion:
    found = PolicyVersion.objects.of(system).told().filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotFound("There is nothing here.")
    return found


def _text(version: PolicyVersion | None) -> dict[str, Any]:
    if version is None:
        return {"clauses": (), "text": ""}
    return {"clauses": sentences.policy_sentences(registry.compiled(version.pk)), "text": _pretty(version)}


def _pretty(version: PolicyVersion) -> str:
    return json.dumps(json.loads(version.document), indent=2, ensure_ascii=False)
