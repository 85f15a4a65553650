"""Each segment of a policy by itself: a part of the lab that comes by a request of its own, since each has its own look
or counts."""

from dataclasses import replace
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance.models import System
from governance.pages import access
from governance.pages import tuning_charts as charts
from governance.policies.policy import Policy
from governance.refusals import Refused
from governance.tuning import looks
from governance.tuning.certify import MILLION

MOST_SEGMENTS: Final = 12


@login_required
@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/tuning/segments/`"""
    system = access.system(request, slug, "see tuning")
    policy = looks.policy_of(system) if system.in_force_id else None
    shown = {
        "system": system, "multiples": multiples(system, policy) if policy else (),
        "csv": reverse("tuning-table", args=[slug]) + "?as=csv",
        "left_out": max(0, len(policy.threshold.segments) - MOST_SEGMENTS) if policy else 0,
    }  # fmt: skip
    return render(request, "tuning_segments.html", shown)


def multiples(system: System, policy: Policy) -> list[charts.Multiple]:
    """A small figure for each segment that has evidence, on common scales; the one with the highest bound is marked."""
    found, goal = [], policy.risk.target / MILLION
    for part in policy.threshold.segments[:MOST_SEGMENTS]:
        try:
            last = looks.latest(system, part.id)
            standing = looks.standing(last) if last else None
            explored = None if standing else looks.exploration(system, part.id)
        except Refused:
            continue
        read = standing.reading if standing else explored.reading if explored else None
        if read is None:
            continue
        state = standing.state if standing else "exploration"
        most = max(2 * goal, 0.01)
        found.append(charts.multiple(part.id, read, threshold=part.threshold, goal=goal, most=most, state=state))
    known = [each for each in found if each.bound is not None]
    if not known:
        return found
    worst = max(known, key=lambda each: each.bound or 0.0)
    return [replace(each, is_worst=each is worst) for each in found]
