"""`/systems/{slug}/tier/`: the risk tier, and a lower one that waits for its signatures."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import TierChange
from governance.pages import access
from governance.people import roles, sign_in
from governance.policies import tiers
from governance.refusals import Conflict, Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; a POST signs or declines."""
    system, person = access.system(request, slug), access.person(request)
    refusal: Refused | None = None
    if request.method == "POST":
        roles.require(person, "sign a policy", system)
        if asked := access.afresh(request):
            return asked
        try:
            change = TierChange.objects.waiting().filter(system=system).select_related("system").first()
            if change is None:
                raise Conflict("No lower tier waits for a signature any more.")
            verb = tiers.decline if request.POST.get("do") == "decline" else tiers.sign
            done = verb(change, by=access.actor(request, system))
            messages.success(request, {"done": f"The tier is {done.becomes} now.", "declined": "It is declined."}.get(
                done.state, "You have signed it."))  # fmt: skip
            return redirect("tier", slug=slug)
        except Refused as refused:
            refusal = refused
    changes = list(TierChange.objects.filter(system=system).select_related("proposer", "system").order_by("-id")[:20])
    waiting = next((change for change in changes if change.state == "waiting"), None)
    shown = {
        "system": system, "changes": changes, "waiting": waiting, "refusal": refusal,
        "signatures": waiting.signatures.select_related("approver").order_by("at") if waiting else (),
        "missing": tiers.in_words(waiting) if waiting else "", "is_fresh": sign_in.is_fresh(request),
        "may_sign": roles.may(person, "sign a policy", system) and waiting and waiting.proposer_id != person.pk,
    }  # fmt: skip
    return render(request, "tier.html", shown, status=refusal.status if refusal else 200)
