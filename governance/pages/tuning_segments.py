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
from governance.tuning import current, looks
from governance.tuning.certify import MILLION

MOST_DRAWN: Final = 12


@login_required
@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/tuning/segments/`"""
    system = access.system(request, slug, "see tuning")
    policy = looks.policy_of(system) if system.in_force_id else None
    every = multiples(system, policy) if policy else []
    # Of many those are drawn that need an eye: the ones with the highest bound, in the order of the policy.
    worst = sorted(every, key=lambda each: -1.0 if each.bound is None else each.bound, reverse=True)[:MOST_DRAWN]
    shown = {
        "system": system, "every": every, "drawn": [each for each in every if each in worst],
        "csv": reverse("tuning-table", args=[slug]) + "?as=csv", "left_out": len(every) - len(worst),
    }  # fmt: skip
    return render(request, "tuning_segments.html", shown)


def multiples(system: System, policy: Policy) -> list[charts.Multiple]:
    """A small figure for each segment that has evidence, on common scales; the one with the highest bound is marked."""
    seen, goal = [], policy.risk.target / MILLION
    everything = current.currents(system, [part.id for part in policy.threshold.segments])
    for part in policy.threshold.segments:
        known = everything[part.id]
        last = known.past.latest
        standing = looks.standing(last, known=known) if last else None
        explored = None if standing else looks.exploration(system, part.id, current=known)
        read = standing.reading if standing else explored.reading if explored else None
        if read is None:
            continue
        state = standing.state if standing else "exploration"
        seen.append(charts.segment(part.id, read, threshold=part.threshold, goal=goal, state=state))
    found = charts.multiples(seen, goal=goal)
    bounds = [each.bound for each in found if each.bound is not None]
    if not bounds:
        return found
    worst = next(each for each in found if each.bound == max(bounds))
    return [replace(each, is_worst=each is worst) for each in found]
