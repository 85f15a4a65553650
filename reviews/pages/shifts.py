"""`/history/shifts/`: where people override the AI, by what, and where that moved; each number leads to its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from governance.models import Person
from governance.pages import access
from governance.pages.templatetags import words
from reviews import history, shifts
from reviews.pages.history import PERCENT, VERB, asked_in
from reviews.shifts import Line

MOST_LINES: Final = 12
MOST_SHIFTS: Final = 10
OF_WHAT: Final = {"reason": "of the decisions name it", "answer": "of the times the AI said it"}


@login_required
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The analysis of what the history's filters select."""
    access.systems(request, VERB)
    actor, asked = access.actor(request), asked_in(request.GET)
    found = shifts.analysis(history.asked_for(history.seen_by(actor), asked, reader=actor))
    people = [UUID(line.word) for kind, lines in found.groups if kind == "reviewer" for line in lines]
    names = {str(id): name for id, name in Person.objects.filter(pk__in=people).values_list("pk", "name")}
    groups = [
        (kind, [_led(line, asked, names) for line in lines[:MOST_LINES]], max(len(lines) - MOST_LINES, 0))
        for kind, lines in found.groups
    ]
    rates = [line for _, lines in found.groups for line in lines[:MOST_LINES]]
    scale = max((line.high for line in rates if line.of >= 20), default=1_000_000)
    shown = {
        "asked": asked, "found": found, "groups": groups, "scale": scale,
        "shifts": [_led(line, asked, names) for line in found.shifts[:MOST_SHIFTS]], "latest": shifts.LATEST,
        "by_chance": round(found.compared / 20), "back_url": f"{reverse('history')}?{urlencode(asked)}",
        "periods": [_dated(period, asked) for period in found.periods],
        "top": max((period.high for period in found.periods), default=1_000_000),
        "said": [f"{name.replace('_', ' ')} {text}" for name, text in asked.items()],
        "matrix_url": f"{reverse('history-sums')}?{urlencode(asked)}",
    }  # fmt: skip
    return render(request, "history_shifts.html", shown)


def _led(line: Line, asked: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    """A line with the addresses of its decisions and its change in words."""
    narrowed = whole = {**asked, **dict(line.filters)}
    hits = narrowed if line.kind in ("reason", "answer") else {**narrowed, "verdict": "override"}
    if line.kind == "reason":
        whole = dict(asked)
    if line.kind == "answer":
        whole = {name: text for name, text in narrowed.items() if name != "person_said"}
    before, after = (_share(*side) for side in (line.before, line.after))
    return {
        "line": line, "word": names.get(line.word, line.word), "interval": _span(line.low, line.high),
        "url": f"{reverse('history')}?{urlencode(whole)}", "hits_url": f"{reverse('history')}?{urlencode(hits)}",
        "before": before, "after": after, "of_what": OF_WHAT.get(line.kind, "overridden"),
        "change": _points(line),
    }  # fmt: skip


def _share(hits: int, of: int) -> str:
    return words.percent(hits * 1_000_000 // of, 1) if of else "none"


def _span(low: int, high: int) -> str:
    return f"{words.percent_down(low, 1).removesuffix(PERCENT)}–{words.percent_up(high, 1).removesuffix(PERCENT)}"


def _points(line: Line) -> str:
    """The change in percentage points with its interval; "" where one half has nothing."""
    change = line.change
    if change.value is None:
        return ""
    value, low, high = (
        f"{100 * part:+.1f}".replace("-", "\u2212") for part in (change.value, change.lower, change.upper)
    )
    return f"{value} points, {low} to {high}"


def _dated(period: shifts.Period, asked: Mapping[str, str]) -> dict[str, Any]:
    return {"of": period, "interval": _span(period.low, period.high), "url": _between(period, asked)}


def _between(period: shifts.Period, asked: Mapping[str, str]) -> str:
    ends = {"from": period.begins.isoformat(), "to": period.ends.isoformat()}
    return f"{reverse('history')}?{urlencode({**asked, **ends, 'verdict': 'override'})}"
