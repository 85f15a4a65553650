"""`/outputs/{id}/erase/`: the content of one output erased for good, after a look at what goes and what stays."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Output
from governance.pages import access
from governance.people import roles, sign_in
from governance.refusals import NotFound, Refused
from reviews import erasing
from reviews.quality import blindness

VERB = "erase outputs"
LONGEST = 2000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def output(request: HttpRequest, id: UUID) -> HttpResponse:
    """The preview, which shows no content; a POST with a reason erases."""
    person, refusal = access.person(request), None
    found = blindness.not_hidden_from(Output.objects.select_related("system"), person).filter(pk=id).first()
    if found is None:
        raise NotFound("There is nothing here.")
    roles.require(person, VERB, found.system)
    if request.method == "POST":
        if again := access.afresh(request):
            return again
        try:
            because = request.POST.get("because", "").replace("\0", "")[:LONGEST]
            erasing.erase_output(found.pk, by=access.actor(request, found.system), because=because)
            messages.success(request, "Its content is erased, and the log says so.")
            return redirect("output-erase", id=id)
        except Refused as refused:
            refusal = refused
    shown = {
        "output": found, "preview": erasing.preview(found), "refusal": refusal, "is_fresh": sign_in.is_fresh(request),
        "because": request.POST.get("because", ""), "sees_output": roles.may(person, "see outputs", found.system),
    }  # fmt: skip
    return render(request, "output_erase.html", shown, status=refusal.status if refusal else 200)
