"""`/outputs/{id}/example/`: one click keeps an output as an example of what every policy must do."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from governance.models import Output
from governance.pages import access
from governance.people import roles
from governance.policies import examples
from governance.refusals import Conflict, NotFound
from reviews.pages.why import VERB
from reviews.quality import blindness


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pin(request: HttpRequest, id: UUID) -> HttpResponse:
    """A POST pins it; either way one is back on the page of the output."""
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
