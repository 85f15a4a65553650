"""The examples of a system: what every policy must do, and whether the one in force does."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Example
from governance.pages import access
from governance.people import roles
from governance.policies import examples, registry
from governance.policies.examples import Tried
from governance.refusals import NotFound, Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/examples/`; a POST drops one."""
    system, person = access.system(request, slug), access.person(request)
    refusal: Refused | None = None
    if request.method == "POST":
        roles.require(person, "drop an example", system)
        try:
            examples.drop(_kept(slug, request.POST.get("drop", "")), by=access.actor(request, system))
            messages.success(request, "It is no example any more.")
            return redirect("examples", slug=slug)
        except Refused as refused:
            refusal = refused
    current = system.in_force
    policy = registry.compiled(current.pk) if current else None
    if current is not None and policy is not None:
        rows = examples.tried(system, policy, registry.compiled_contract(current.contract_id))
    else:
        rows = [Tried(one, None) for one in Example.objects.kept(system).told()[: examples.MOST]]
    shown = {
        "system": system, "policy": policy, "rows": rows, "wrong": sum(1 for row in rows if row.is_broken),
        "most": examples.MOST, "refusal": refusal, "may_drop": roles.may(person, "drop an example", system),
        "may_see": roles.may(person, "see outputs", system),
    }  # fmt: skip
    return render(request, "examples.html", shown, status=refusal.status if refusal else 200)


def _kept(slug: str, id: str) -> Example:
    try:
        found = Example.objects.filter(system__slug=slug, pk=UUID(id)).select_related("system").first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("There is no such example.")
    return found
