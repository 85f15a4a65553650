"""`/queue/measures/`: a reviewer's figures, seen by her first; for those who lead her, one person at a time."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance.models import System
from governance.pages import access
from governance.people import roles
from reviews.quality import showing
from reviews.quality.measures import FEWEST, Measures, Share

# name of the member, what it is called, what it counts
_SHARES: Final = (
    ("agreed", "Agreement with second reviewers", "closed items of two reviewers that no third had to settle"),
    ("held", "Held up in a blind re-check", "of what was decided at once, the part that somebody else judged again"),
    ("found", "Errors found among known answers", "confirmed errors that came back; counted a day later"),
    ("overturned", "Overturned by somebody else", "decisions a day old or more that a third or a lead replaced"),
    ("too_fast", "Too fast", "less than a quarter of the median time of the system’s people"),
)  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Her own; a POST shows them to her leads now."""
    systems = access.systems(request, showing.REVIEW)
    actor = access.actor(request)
    if request.method == "POST":
        showing.show(actor)
        messages.success(request, "Your leads can see these figures now.")
        return redirect("measures")
    chosen = _system(request)
    own, until = showing.own(actor, system=chosen.pk if chosen else None)
    rows = System.objects.order_by("slug")
    context = _told(own) | {
        "shown_until": until, "chosen": chosen, "leads": roles.may(access.person(request), showing.LEAD),
        "systems": rows if systems is None else rows.filter(pk__in=systems),
    }  # fmt: skip
    return render(request, "measures.html", context)


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody she leads, by name, with no figure beside any."""
    access.systems(request, showing.LEAD)
    return render(request, "measures_people.html", {"people": showing.led(access.actor(request))})


@login_required
@require_safe
def person(request: HttpRequest, id: UUID) -> HttpResponse:
    """One person she leads."""
    access.systems(request, showing.LEAD)
    return render(request, "measures.html", _told(showing.of(access.actor(request), id)) | {"is_led": True})


def _told(found: Measures) -> dict[str, Any]:
    rows = [
        {"name": name, "counts": counts, "share": share, "low": share.ends[0], "high": share.ends[1]}
        for member, name, counts in _SHARES
        if isinstance(share := getattr(found, member), Share)
    ]
    return {"found": found, "rows": rows, "fewest": FEWEST}


def _system(request: HttpRequest) -> System | None:
    slug = request.GET.get("system", "")
    return System.objects.filter(slug=slug).first() if slug and "\0" not in slug else None
