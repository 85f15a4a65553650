"""What stands beside and below the figure of the lab: segments, reliability, confidence over time, audits, reviewers,
cost, history, the planner. Each is a list of plain values, so that its table and its CSV say what its figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest

from governance.pages import tuning_charts as charts
from governance.pages import tuning_next as told
from governance.pages.tuning_consequences import Setting
from governance.policies.policy import Policy
from governance.tuning import calibration, sensitivity
from governance.tuning.background import Background, background
from governance.tuning.bounds import correct_for_sensitivity, spent_at_look
from governance.tuning.calibration import Bin
from governance.tuning.certify import MILLION
from governance.tuning.current import Current, Past
from governance.tuning.looks import Spent
from governance.tuning.reading import Reading, Row
from governance.tuning.sensitivity import Sensitivity

LEVEL: Final = 0.025


def reliability_of(read: Reading) -> tuple[Bin, ...]:
    return calibration.reliability(read.bands, delta=LEVEL)


def beside(
    request: HttpRequest, current: Current, policy: Policy, setting: Setting, every: Sequence[Row], *, more: int | None
) -> dict[str, Any]:
    """The context of everything below the figure, but for the segments: they are a part of their own. `more` verdicts
    would let the first test pass that failed."""
    read, past = setting.reading, current.past
    bins = reliability_of(read)
    known, looks, versions = current.known, past.certificates, current.versions
    back = background(current.scope, looks=looks, known=known, versions=versions) if current.scope else None
    return {
        "bins": bins, "dots": charts.reliability_dots(bins), "calibration_error": calibration.calibration_error(bins),
        "back": back, "periods": _periods(back) if back else (),
        "tenths": [f"{slot}0–{slot + 1}0 %" for slot in range(10)],
        "cost_curve": charts.cost_curve(every, setting), "cost_rows": charts.cost_rows(every, setting),
        "cost_unit": f"{setting.costs.currency} {setting.unit}" if setting.costs else "", "enough": sensitivity.ENOUGH,
        "spent": Spent(past.looks, past.level, 1 - policy.risk.confidence / MILLION),
        "planned": _planned(request, past, current.known, policy, setting),
        "plan_asked": {name: request.GET.get(name, "") for name in ("expected", "flow", "rate", "aim")},
        "why_not": told.why_not(read, setting.goal, more=more),
    }  # fmt: skip


def _periods(back: Background) -> list[dict[str, Any]]:
    days = {period.begins.date() for period in back.periods}
    return [
        {"period": period, "bars": charts.bars(period.shares), "is_of_a_day": len(days) < len(back.periods)}
        for period in back.periods
    ]


def _planned(
    request: HttpRequest, past: Past, known: Sensitivity, policy: Policy, setting: Setting
) -> told.Planned:  # fmt: skip
    """The planner at what the query asks, else at what is: the estimate where the tests failed, the flow, the rate."""
    read = setting.reading
    step = read.failing or read.passing
    goal = _share(request, "aim", setting.goal)
    delta = spent_at_look(1 - policy.risk.confidence / MILLION, past.looks + 1)
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
