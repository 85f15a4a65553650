"""The systems under governance, and what is in force in each."""

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.models import ContractVersion, PolicyVersion, System, TierChange
from governance.pages import access
from governance.people import roles
from governance.policies import lifecycle, modelversions, registry, sentences, signatures
from governance.refusals import NotFound


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`/systems/`"""
    systems = list(System.objects.among(access.systems(request, "see the system")).with_policy().order_by("name", "pk"))
    waiting = PolicyVersion.objects.waiting_in(systems)
    rows = [{"system": system, "waiting": waiting.get(system.pk, 0)} for system in systems]
    return render(
        request, "systems.html", {"rows": rows, "governed": sum(1 for system in systems if system.in_force_id)}
    )


@login_required
@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/`"""
    person, system = access.person(request), access.system(request, slug)
    current = PolicyVersion.objects.told().filter(pk=system.in_force_id).first() if system.in_force_id else None
    policy = registry.compiled(current.pk) if current else None
    waiting = PolicyVersion.objects.of(system).told().undecided().order_by("-number")
    newest = ContractVersion.objects.filter(system=system).order_by("-id").first()
    contract = current.contract if current else newest
    models = modelversions.told(system, policy)
    shown = {
        "asked": TierChange.objects.waiting().filter(system=system).first(), "models": models,
        "unknown_models": sum(1 for row in models if row.standing == "unknown"),
        "system": system, "version": current, "policy": policy, "waiting": waiting,
        "threshold": policy and sentences.percent(policy.threshold.default, 4),
        "clauses": sentences.policy_sentences(policy) if policy else (),
        "seats": [signatures.in_words(seat) for seat in lifecycle.open_seats(current)] if current else [],
        "contract": contract and registry.compiled_contract(contract.pk),
        "may_tune": roles.may(person, "see tuning", system), "may_history": roles.may(person, "see history", system),
    }  # fmt: skip
    return render(request, "system.html", shown)


@login_required
@require_safe
def contract(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/contract/`: the contract that the policy in force judges by, and the ones before and after."""
    system = access.system(request, slug)
    versions = list(ContractVersion.objects.filter(system=system).order_by("-id"))
    if not versions:
        raise NotFound(f"{system.name} has no contract yet.")
    judging = system.in_force.contract_id if system.in_force else None
    shown = next((version for version in versions if version.pk == judging), versions[0])
    text = json.dumps(json.loads(shown.document), indent=2, ensure_ascii=False)
    known = {"system": system, "versions": versions, "contract": shown, "judging": judging, "text": text}
    return render(request, "contract.html", known)
