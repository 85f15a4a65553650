"""`/people/{id}/erase/`: a person forgotten for good, after a look at what goes and what stays."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Entry, Payload, Person
from governance.pages import access
from governance.people import erasing, sign_in
from governance.refusals import Conflict, NotAllowed, NotFound, Refused

LONGEST = 2000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, id: UUID) -> HttpResponse:
    """The preview; a POST with a reason erases. Only an admin of every system does, and nobody herself."""
    mine = access.systems(request, "manage people")
    found, refusal = Person.objects.filter(pk=id).first(), None
    if found is None:
        raise NotFound("There is nothing here.")
    if mine is not None:
        raise NotAllowed("Only an admin of every system erases a person.")
    is_me = found == access.person(request)
    if request.method == "POST":
        if again := access.afresh(request):
            return again
        try:
            if is_me:
                raise Conflict("Somebody else has to erase you.")
            because = request.POST.get("because", "").replace("\0", "")[:LONGEST]
            erasing.erase_person(found, by=access.actor(request), because=because)
            messages.success(request, "The person is erased, and the log says so.")
            return redirect("person-erase", id=id)
        except Refused as refused:
            refusal = refused
    about = Entry.objects.filter(subject=found.pk)
    shown = {
        "person": found, "is_me": is_me, "is_erased": erasing.is_erased(found), "entries": about.count(),
        "kept": Payload.objects.filter(entry__in=about.values("pk")).exclude(name="because").count(),
        "refusal": refusal, "because": request.POST.get("because", ""), "is_fresh": sign_in.is_fresh(request),
    }  # fmt: skip
    return render(request, "person_erase.html", shown, status=refusal.status if refusal else 200)
