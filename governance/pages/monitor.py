"""`/systems/{slug}/monitor/`: how far a system has moved, beside what its contract tolerates."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.models import Incident, System
from governance.monitoring import drift, guards
from governance.monitoring.drift import Day, Drift, Window
from governance.pages import access
from governance.people import roles
from governance.policies import registry, sentences

WIDTH, HEIGHT, LEFT, TOP = 540.0, 96.0, 40.0, 12.0
MOST_SHOWN: Final = 12


@login_required
@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; a display, and nothing is decided by it."""
    system = access.system(request, slug)
    found = drift.measured(system)
    shown: dict[str, Any] = {"system": system, "drift": found, "window": drift.WINDOW, "fewest": drift.FEWEST}
    if found is not None and system.in_force is not None:
        policy = registry.compiled(system.in_force_id) if system.in_force_id else None
        limit = found.contract.drift.get("contract_breach_rate")
        moved = found.contract.drift.get("confidence_psi")
        shown |= {
            "alarms": Incident.objects.filter(system=system, kind="alarm").unclosed().count(),
            "bars": _bars(found), "answers": _answers(found) if _may_read(request, found, system) else [],
            "breach_plot": _plot(found.days, [day.rate for day in found.days], float(limit) if limit else None),
            "moved_plot": _plot(found.days, [day.moved or 0.0 for day in found.days], float(moved) if moved else None),
            "guards": sentences.guard_sentences(policy) if policy else (), "crossed": _crossed(system),
        }  # fmt: skip
    return render(request, "monitor.html", shown)


def _may_read(request: HttpRequest, found: Drift, system: System) -> bool:
    """Whether she may read answers at all, and this part of them, which may be personal."""
    person, contract = access.person(request), found.contract
    read = contract.correct_when[0] if contract.correct_when else ("output",)
    is_personal = any(read[: len(hidden)] == hidden or hidden[: len(read)] == read for hidden in contract.personal_data)
    verb = "see personal data" if is_personal else "see outputs"
    return roles.may(person, "see outputs", system) and roles.may(person, verb, system)


def _crossed(system: System) -> str:
    found = guards.crossed(system.in_force) if system.in_force else None
    return found.sentence if found else ""


def _plot(days: Sequence[Day], values: Sequence[float], limit: float | None) -> dict[str, Any]:
    """A bar a day and the limit as a line, in the figure's units."""
    top = max([*values, (limit or 0.0) * 1.25, 1e-9])
    step = (WIDTH - LEFT) / max(1, len(days))
    high = HEIGHT - TOP - 18

    def y(value: float) -> float:
        return round(TOP + high * (1 - value / top), 1)

    bars = [
        {"x": round(LEFT + step * place + 1, 1), "y": y(value), "height": round(TOP + high - y(value), 1)}
        for place, value in enumerate(values)
    ]
    return {
        "bars": bars, "width": round(max(1.0, step - 2), 1), "base": TOP + high, "top": top,
        "limit": y(limit) if limit else None, "limit_value": limit, "right": WIDTH,
        "first": days[0].day if days else None, "last": days[-1].day if days else None,
    }  # fmt: skip


def _bars(found: Drift) -> list[dict[str, Any]]:
    """The confidences of both windows, a row a tenth."""
    if found.before is None or found.now is None:
        return []
    before, now = found.before, found.now
    return [
        {"low": slot / 10, "high": (slot + 1) / 10, "before": before.share(slot), "now": now.share(slot),
         "before_count": before.slots[slot], "now_count": now.slots[slot]}
        for slot in range(drift.BINS)
    ]  # fmt: skip


def _answers(found: Drift) -> list[dict[str, Any]]:
    """The answers of both windows, the most frequent first."""
    if found.before is None or found.now is None:
        return []
    before, now = found.before, found.now

    def share(window: Window, name: str) -> float:
        return window.answers.get(name, 0) / max(1, sum(window.answers.values()))

    names = sorted(before.answers.keys() | now.answers.keys(), key=lambda name: (-share(now, name), name))
    return [
        {"name": name, "before": share(before, name), "now": share(now, name),
         "before_count": before.answers.get(name, 0), "now_count": now.answers.get(name, 0)}
        for name in names[:MOST_SHOWN]
    ]  # fmt: skip
