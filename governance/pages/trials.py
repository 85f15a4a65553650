"""The trial of a system: a version compared with the one in force on what arrives, and how far it goes."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from governance.models import PolicyVersion, System
from governance.pages import access, replay_words
from governance.pages.stepping import stepped
from governance.people import roles, sign_in
from governance.policies import lifecycle, registry, sentences, trials
from governance.policies.candidate import MILLION
from governance.refusals import Conflict, Invalid, Refused
from governance.tuning import replaying


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/trial/`: the comparison, live; a POST sets the share, ends it, or puts it in force."""
    system = access.system(request, slug)
    if request.method != "POST":
        return _page(request, system)
    is_proven = request.POST.get("do") != "stop"
    return stepped(request, system, "trial", step=_step, page=_page, is_proven=is_proven)


def share_of(percent: str) -> int:
    """The share in millionths that a form states in percent. Raises Invalid."""
    try:
        exact = Decimal(percent) * MILLION / 100
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite() or exact != int(exact):
        raise Invalid("The share is a number in percent, with at most four decimals.")
    return int(exact)


def _step(request: HttpRequest, system: System) -> str:
    version, by, step = _on_trial(system), access.actor(request, system), request.POST.get("do")
    if version is None:
        raise Conflict("The trial is over already.")
    if step == "canary":
        trials.canary(version, share=share_of(request.POST.get("share", "")), by=by)
        return f"Policy {version.number} judges its share now."
    if step == "activate":
        lifecycle.activate(version, by=by)
        return f"Policy {version.number} is in force."
    if step == "stop":
        trials.stop(version, by=by, because=request.POST.get("because", "").strip()[:2000])
        return f"The trial of policy {version.number} is over."
    raise Invalid("A trial can be widened, ended, or put in force.")


def _on_trial(system: System) -> PolicyVersion | None:
    return PolicyVersion.objects.told().filter(pk=system.trial_id).first() if system.trial_id else None


def _page(request: HttpRequest, system: System, *, refusal: Refused | None = None) -> HttpResponse:
    version, base = _on_trial(system), system.in_force
    shown: dict[str, Any] = {"system": system, "version": version, "base": base, "refusal": refusal}
    if version is not None and base is not None:
        result, window = replaying.compare(version)
        shown |= {
            "result": result, "window": window, "share": Decimal(version.share or 100_000) / 10_000,
            "told": replay_words.told(result, old=f"policy {base.number}", new=f"policy {version.number}"),
            "may_try": roles.may(access.person(request), "activate a policy", system),
            "is_fresh": sign_in.is_fresh(request),
            "guards": sentences.guard_sentences(registry.compiled(version.pk)),
        }  # fmt: skip
    return render(request, "trial.html", shown, status=refusal.status if refusal else 200)
