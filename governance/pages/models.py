"""The models whose outputs have come: which the policy knows, which somebody let in, and which people decide."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from governance.models import ModelVersion, System
from governance.pages import access
from governance.pages.stepping import stepped
from governance.people import roles, sign_in
from governance.policies import modelversions, registry
from governance.refusals import Invalid, NotFound, Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/models/`; a POST lets one in, or shuts it out again."""
    system = access.system(request, slug)
    if request.method != "POST":
        return _page(request, system)
    admits, may = request.POST.get("do") == "admit", roles.may(access.person(request), "admit a model", system)
    return stepped(request, system, "models", step=_step, page=_page, is_proven=admits and may)


def _step(request: HttpRequest, system: System) -> str:
    by, said, do = access.actor(request, system), request.POST.get("because", "")[:3000], request.POST.get("do")
    if do not in ("admit", "bar"):
        raise Invalid("A model can be let in, or shut out again.")
    # Who may not is told so before anything is said about which models there are.
    roles.require(access.person(request), f"{do} a model", system)
    version = _chosen(system, request.POST.get("model", ""))
    if do == "admit":
        modelversions.admit(version, by=by, because=said)
        return f"{version} is let in: the policy in force judges its outputs."
    modelversions.bar(version, by=by, because=said)
    return f"{version} is shut out: people decide on its outputs, unless the policy in force names it."


def _chosen(system: System, id: str) -> ModelVersion:
    try:
        found = ModelVersion.objects.of(system).select_related("system").filter(pk=UUID(id)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("There is no such model here.")
    return found


def _page(request: HttpRequest, system: System, *, refusal: Refused | None = None) -> HttpResponse:
    person = access.person(request)
    policy = registry.compiled(system.in_force_id) if system.in_force_id else None
    rows = modelversions.told(system, policy)
    shown: dict[str, Any] = {
        "system": system, "rows": rows, "refusal": refusal, "policy": policy,
        "unknown": [row for row in rows if row.standing == "unknown"], "most": modelversions.MOST,
        "because": request.POST.get("because", "")[:2000], "chosen": request.POST.get("model", ""),
        "may_admit": roles.may(person, "admit a model", system), "may_bar": roles.may(person, "bar a model", system),
        "is_high": system.risk_tier == "high", "is_fresh": sign_in.is_fresh(request),
    }  # fmt: skip
    return render(request, "models.html", shown, status=refusal.status if refusal else 200)
