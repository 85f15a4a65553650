"""The stop button: a page that says what halting means, halts, and lifts."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from governance.models import Halt, System
from governance.pages import access
from governance.pages.stepping import stepped
from governance.people import roles, sign_in
from governance.policies import halting
from governance.refusals import Invalid, Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/halt/`: whether the system is halted, and the halts before; a POST halts or lifts."""
    system = access.system(request, slug)
    if request.method != "POST":
        return _page(request, system)
    lifts = request.POST.get("do") == "lift"
    may_lift = roles.may(access.person(request), "lift a halt", system)
    return stepped(request, system, "halt", step=_step, page=_page, is_proven=lifts and may_lift)


def _step(request: HttpRequest, system: System) -> str:
    by, because = access.actor(request, system), request.POST.get("because", "").strip()[:2000]
    if request.POST.get("do") == "halt":
        halting.halt(system, by=by, because=because)
        return f"{system.name} is halted. Nothing goes out alone."
    if request.POST.get("do") == "lift":
        halting.lift(system, by=by, because=because)
        return f"The halt of {system.name} is lifted."
    raise Invalid("A system can be halted, or its halt lifted.")


def _page(request: HttpRequest, system: System, *, refusal: Refused | None = None) -> HttpResponse:
    person = access.person(request)
    halts = Halt.objects.filter(system=system).select_related("halted_by", "lifted_by").order_by("-id")[:50]
    shown: dict[str, Any] = {
        "system": system, "halt": system.halt, "halts": halts, "refusal": refusal,
        "because": request.POST.get("because", "")[:2000],
        "may_halt": roles.may(person, "halt a system", system), "may_lift": roles.may(person, "lift a halt", system),
        "is_fresh": sign_in.is_fresh(request),
    }  # fmt: skip
    return render(request, "halt.html", shown, status=refusal.status if refusal else 200)
