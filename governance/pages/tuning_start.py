"""A new system's first policy: what is an error worth, what a review; a target, an audit rate, and everything reviewed
until the first certificate."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import ContractVersion, System
from governance.pages import access
from governance.pages.templatetags import _formats as f
from governance.policies import lifecycle
from governance.refusals import Conflict, Refused
from governance.tuning import planner
from governance.tuning.bounds import spent_at_look

NICE: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
FEWEST: Final = 0.01
LEVEL: Final = 0.05


class StartForm(forms.Form):
    """What only the owner knows."""

    wrong_release = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        label="One wrong answer that goes out costs",
        help_text="All that follows: putting it right, a refund, a customer lost. A rough figure will do.",
    )
    review = forms.DecimalField(
        min_value=Decimal("0.01"), max_digits=12, decimal_places=2, label="One review costs",
        help_text="A reviewer's time: at 36 an hour, two minutes cost 1.20.",
    )  # fmt: skip
    currency = forms.RegexField(r"^[A-Z]{3}\Z", max_length=3, initial="EUR", help_text="A code such as EUR.")
    per_day = forms.IntegerField(min_value=1, max_value=100_000_000, label="Outputs a day, about")


def suggestion(*, wrong_release: float, review: float, per_day: int) -> dict[str, Any]:
    """A target, an audit rate and how long the first certificate takes.

    Reviewing pays where an error is likelier than review / wrong release (Chow, 1970); over all that goes out the share
    of wrong ones is lower than at that margin, so half of it is suggested, on a round number. The rate brings a new
    certificate every 30 days if a quarter of the target is wrong and half of the outputs go out alone.
    """
    margin = min(review / wrong_release, 1.0)
    target = max((value for value in NICE if value <= margin / 2), default=NICE[0])
    level = spent_at_look(LEVEL, 1)
    first = planner.plan(target=target, delta=level, expected_risk=target / 4, released_per_day=per_day, rate=1.0)
    later = planner.plan(
        target=target, delta=spent_at_look(LEVEL, 2), expected_risk=target / 4, released_per_day=per_day / 2, rate=1.0
    )
    rate = min(1.0, max(FEWEST, round(later.rate_needed or 1.0, 3)))
    return {
        "target": target, "rate": rate, "margin": margin, "first_days": first.days, "first_verdicts": first.audits,
        "audits_a_day": rate * per_day / 2, "is_slow": later.rate_needed is None,
    }  # fmt: skip


def document(before: dict[str, Any], *, sent: dict[str, Any], suggested: dict[str, Any]) -> dict[str, Any]:
    """The policy before (or none) with these costs, target and rate, and a threshold of 1: everything is reviewed."""
    found: dict[str, Any] = json.loads(json.dumps(before))
    found["threshold"] = {**found.get("threshold", {}), "default": 1}
    found["audit"] = {"hold": False, **found.get("audit", {}), "rate": suggested["rate"]}
    costs = {
        "wrong_release": float(sent["wrong_release"]),
        "review": float(sent["review"]),
        "currency": sent["currency"],
    }
    found["risk"] = {"confidence": 0.95, **found.get("risk", {}), "target": suggested["target"], "costs": costs}
    return found


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/tuning/start/`: asks, suggests, and files the suggestion as a proposal."""
    system = access.system(request, slug, "propose a policy")
    form = StartForm(request.POST if request.method == "POST" else None)
    suggested, refusal = None, None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        suggested = suggestion(
            wrong_release=float(sent["wrong_release"]), review=float(sent["review"]), per_day=sent["per_day"]
        )
        if request.POST.get("do") == "propose":
            try:
                return _propose(request, system, sent, suggested)
            except Refused as refused:
                refusal = refused
    status = refusal.status if refusal else 422 if form.is_bound and not form.is_valid() else 200
    shown = {"system": system, "form": form, "suggested": suggested, "refusal": refusal}
    return render(request, "tuning_start.html", shown, status=status)


def _propose(request: HttpRequest, system: System, sent: dict[str, Any], suggested: dict[str, Any]) -> HttpResponse:
    before = json.loads(system.in_force.document) if system.in_force else {}
    newest = ContractVersion.objects.filter(system=system).order_by("-id").first()
    contract = system.in_force.contract if system.in_force else newest
    if contract is None:
        raise Conflict(f"{system.name} has no contract yet: apply a system file first.")
    money = f.money(float(sent["wrong_release"]), sent["currency"])
    filed = lifecycle.propose(
        system, document(before, sent=sent, suggested=suggested), by=access.actor(request, system), contract=contract,
        because=f"A start: a wrong answer costs {money}; everything is reviewed until the first certificate.",
    )  # fmt: skip
    messages.success(request, f"Policy {filed.version.number} is proposed. Somebody else signs it.")
    return redirect("proposal", slug=system.slug, number=filed.version.number)
