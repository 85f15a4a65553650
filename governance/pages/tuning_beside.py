"""What stands beside and below the figure of the lab: segments, reliability, confidence over time, audits, reviewers,
cost, history, the planner. Each is a list of plain values, so that its table and its CSV say what its figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest

from governance.models import System
from governance.pages import tuning_charts as charts
from governance.pages import tuning_next as told
from governance.pages.tuning_consequences import Setting
from governance.policies.policy import Policy
from governance.refusals import Refused
from governance.tuning import calibration, looks, samples, sensitivity
from governance.tuning.background import Background, background
from governance.tuning.bounds import correct_for_sensitivity, spent_at_look
from governance.tuning.calibration import Bin
from governance.tuning.certify import MILLION
from governance.tuning.reading import Reading, Row

LEVEL: Final = 0.025
MOST_SEGMENTS: Final = 12


def reliability_of(read: Reading) -> tuple[Bin, ...]:
    return calibration.reliability(read.bands, delta=LEVEL)


def beside(
    request: HttpRequest, system: System, segment: str, policy: Policy, setting: Setting, every: Sequence[Row]
) -> dict[str, Any]:
    """The context of everything below the figure."""
    scope, read = samples.scope(system, segment), setting.reading
    bins = reliability_of(read)
    back = background(scope) if scope else None
    return {
        "bins": bins, "dots": charts.reliability_dots(bins), "calibration_error": calibration.calibration_error(bins),
        "back": back, "periods": _periods(back) if back else (),
        "cost_curve": charts.cost_curve(every, setting), "multiples": multiples(system, policy, setting.goal),
        "spent": looks.spent(system, segment), "enough": sensitivity.ENOUGH,
        "planned": _planned(request, system, segment, policy, setting),
        "plan_asked": {name: request.GET.get(name, "") for name in ("expected", "flow", "rate", "aim")},
        "why_not": told.why_not(read, setting.goal),
    }  # fmt: skip


def _periods(back: Background) -> list[dict[str, Any]]:
    return [{"period": period, "bars": charts.bars(period.shares)} for period in back.periods]


def multiples(system: System, policy: Policy, goal: float) -> list[charts.Multiple]:
    """A small figure for each segment that has evidence, on common scales; the one with the highest bound is marked."""
    found = []
    most = 2 * goal
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
        found.append(
            charts.multiple(part.id, read, threshold=part.threshold, goal=goal, most=max(most, 0.01), state=state)
        )
    known = [each for each in found if each.bound is not None]
    if not known:
        return found
    worst = max(known, key=lambda each: each.bound or 0.0)
    return [replace(each, is_worst=each is worst) for each in found]


def _planned(request: HttpRequest, system: System, segment: str, policy: Policy, setting: Setting) -> told.Planned:
    """The planner at what the query asks, else at what is: the estimate where the tests failed, the flow, the rate."""
    read = setting.reading
    step = read.failing or read.passing
    goal = _share(request, "aim", setting.goal)
    number = looks.spent(system, segment).looks + 1
    delta = spent_at_look(1 - policy.risk.confidence / MILLION, number)
    known = sensitivity.measured(system)
    used, level = goal, delta
    if known.is_enough:
        corrected = correct_for_sensitivity(goal, delta, found=known.found, seeded=known.seeded)
        used, level = max(corrected.target, 1e-9), corrected.delta
    is_all_reviewed = step is None or not step.n_total[1]  # then each verdict is a label, whatever the audit rate
    rate = 1.0 if is_all_reviewed else policy.audit.rate / MILLION
    estimate = step.estimate if step is not None and step.estimate is not None else goal / 2
    flow = setting.volume * (step.share if step else 1.0) if setting.is_daily else 0.0
    return told.planned(
        goal=goal, used_target=used, delta=level, expected=_share(request, "expected", max(estimate, goal / 4)),
        per_day=_amount(request, "flow", flow), rate=_share(request, "rate", rate),
        have=step.n_labelled[0 if is_all_reviewed else 1] if step else 0,
    )  # fmt: skip


def _share(request: HttpRequest, name: str, otherwise: float) -> float:
    """A share that the query gives in per cent."""
    given = _amount(request, name, -1.0)
    return given / 100 if 0 <= given < 100 and request.GET.get(name) else otherwise


def _amount(request: HttpRequest, name: str, otherwise: float) -> float:
    try:
        given = float(request.GET.get(name, "").replace(",", "."))
    except ValueError:
        return otherwise
    return given if 0 <= given <= 1e9 else otherwise
