"""`/account/notices/`: what the person who is signed in is told of by e-mail."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.notices.kinds import KINDS
from governance.notices.telling import has_address
from governance.pages import access
from governance.people import accounts, roles


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """The kinds that her roles can be told of; what the form sends becomes her choice."""
    person = access.person(request)
    held = roles.roles_of(person, None)
    offered = {kind: told.says for kind, told in KINDS.items() if told.roles & held}
    if request.method == "POST":
        wanted = set(request.POST.getlist("wanted"))
        # What is not offered to her now stays as she chose it when it was.
        kept = set(person.unwanted_mails) - offered.keys()
        accounts.choose_mails(person, unwanted=kept | (offered.keys() - wanted), by=access.actor(request))
        messages.success(request, "Your choice is kept.")
        return redirect("notices")
    shown: dict[str, Any] = {
        "rows": [{"kind": kind, "says": says, "is_on": kind not in person.unwanted_mails}
                 for kind, says in offered.items()],
        "sends_mail": settings.SENDS_MAIL, "has_address": has_address(person),
    }  # fmt: skip
    return render(request, "notices.html", shown)
