"""Examples of what every policy must do: the list of a system, and one click that keeps an output as one.

Here and not beside the policies, since who may still have to judge an output blind learns nothing of it on any door.
"""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Example, Output
from governance.pages import access
from governance.people import roles
from governance.policies import examples
from governance.refusals import Conflict, NotFound, Refused
from reviews.pages.why import VERB
from reviews.quality import blindness


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/examples/`: each with what the policy in force says of it; a POST drops one."""
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
    kept = examples.under_the_policy_in_force(system)
    seen = blindness.seen_by(person, [row.example.output_id for row in kept])
    rows = [row for row in kept if row.example.output_id in seen]
    shown = {
        "system": system, "rows": rows, "wrong": sum(1 for row in rows if row.is_broken),
        "hidden": len(kept) - len(rows), "most": examples.MOST, "refusal": refusal,
        "may_drop": roles.may(person, "drop an example", system), "may_see": roles.may(person, "see outputs", system),
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


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pin(request: HttpRequest, id: UUID) -> HttpResponse:
    """`/outputs/{id}/example/`: a POST pins it; either way one is back on the page of the output."""
    systems, person = access.systems(request, VERB), access.person(request)
    found = Output.objects.genuine().select_related("system")
    found = found if systems is None else found.filter(system__in=systems)
    output = blindness.not_hidden_from(found, person).filter(pk=id).first()
    if output is None:
        raise NotFound("There is nothing here.")
    if request.method == "POST":
        roles.require(person, "pin an example", output.system)
        try:
            examples.pin(
                output, expected=request.POST.get("expected", "review"), by=access.actor(request, output.system),
                note=request.POST.get("note", "")[:1000],
            )  # fmt: skip
            messages.success(request, "It is kept as an example: a proposal that gets it wrong has to say why.")
        except Conflict as refused:
            messages.info(request, refused.sentence)
    return redirect("why", id=id)
