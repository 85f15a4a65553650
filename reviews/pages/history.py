"""`/history/`: what people decided, with filters, the sums over what was asked for, and the way out as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from governance.api import paging
from governance.models import Example, Person, System
from governance.pages import access
from governance.pages.templatetags import words
from governance.people import roles
from governance.refusals import Invalid
from reviews import history
from reviews.decisions import export
from reviews.models import Decision

VERB: Final = "see history"
EVERYBODYS: Final = "see everybody's decisions"
ROWS: Final = 25
PERCENT: Final = "\u202f%"
_IN_SIGHT: Final = frozenset({"q", "system", "reviewer", "verdict", "from", "to"})
# What a filter is called on its chip, and on the form.
WORDS: Final = {
    "q": "Text", "system": "System", "reviewer": "Reviewer", "verdict": "Verdict", "rule": "Rule", "reason": "Reason",
    "model_version": "Model version", "policy": "Policy", "from": "From", "to": "Before", "confidence_from": "At least",
    "confidence_to": "At most", "blind": "Blind", "corrected": "Outcome changed", "ai_said": "AI said",
    "person_said": "Person said",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the address of the same search without it."""

    word: str
    said: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """One decision in the ledger. `state` says what became of it, "" if it stands and is final. `may_pin`: it changed
    the answer, and its output is no example of what policies must do yet."""

    decision: Decision
    starts_day: bool
    system: str
    state: str
    who: str
    is_sealed: bool
    may_pin: bool

    @property
    def seconds(self) -> float | None:
        """How long the person took."""
        return None if self.decision.took_ms is None else self.decision.took_ms / 1000


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The ledger. A filter that means nothing is refused in words, and the form keeps what was typed."""
    systems = access.systems(request, VERB)
    asked, actor = _asked(request), access.actor(request)
    context = _form(request, systems, asked)
    try:
        found = history.asked_for(history.seen_by(actor), asked, reader=actor)
        page = paging.page(found.narrow().and_whether_superseded(), cursor=request.GET.get("cursor", ""), size=ROWS)
    except Invalid as refusal:
        return render(request, "history.html", {**context, "refusal": refusal}, status=refusal.status)
    context |= {
        "rows": _rows(page.rows, context["systems"], access.person(request)), "sums_url": _url(asked, "history-sums"),
        "newer_url": page.previous and _url({**asked, "cursor": page.previous}),
        "older_url": page.next and _url({**asked, "cursor": page.next}),
    }  # fmt: skip
    return render(request, "history.html", context)


@login_required
@require_safe
def sums(request: HttpRequest) -> HttpResponse:
    """What the decisions say together. The ledger fetches it once it stands, so that no row waits for a sum."""
    systems = access.systems(request, VERB)
    asked, actor = _asked(request), access.actor(request)
    found = history.sums(history.asked_for(history.seen_by(actor), asked, reader=actor))
    rates = found.summary.rates[:8]
    context = {
        "asked": asked, "summary": found.summary, "rates": [_led(rate, asked) for rate in rates],
        "scale": max((rate.high for rate in rates), default=1), "latest": history.LATEST, "url": _url(asked),
        "overrides_url": _url({**asked, "verdict": "override"}), "is_own": _is_own(access.person(request)),
        "matrix": _matrix(found.matrix, asked) if "system" in asked else None,
        "systems": [] if "system" in asked else System.objects.among(systems).order_by("slug"),
    }  # fmt: skip
    return render(request, "history_sums.html", context)


@login_required
@require_safe
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """`/history/export.csv`: all that the filters select, streamed."""
    access.systems(request, VERB)
    actor = access.actor(request)
    found = history.asked_for(history.seen_by(actor), _asked(request), reader=actor)
    answer = StreamingHttpResponse(export.as_csv(found, actor), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="decisions.csv"'
    answer["X-Accel-Buffering"] = "no"
    return answer


def _asked(request: HttpRequest) -> dict[str, str]:
    """The filters that were filled in: a form sends its empty fields too."""
    sent = request.GET.dict()
    return {name: text.strip() for name, text in sent.items() if name != "cursor" and text.strip()}


def _form(request: HttpRequest, systems: set[UUID] | None, asked: Mapping[str, str]) -> dict[str, Any]:
    person = access.person(request)
    is_own = _is_own(person)
    people = [] if is_own else list(history.deciders(roles.systems_for(person, EVERYBODYS)))
    names = {str(each.pk): each.get_full_name() for each in people}
    chips = [
        Chip(WORDS.get(name, name), _said(name, text, names), _url({k: t for k, t in asked.items() if k != name}))
        for name, text in asked.items()
    ]
    return {
        "asked": {name: asked.get(name, "") for name in history.FILTERS}, "chips": chips, "is_own": is_own,
        "systems": list(System.objects.among(systems).order_by("slug")), "people": people,
        "verdicts": Decision.VERDICTS,
        "has_more": any(name not in _IN_SIGHT for name in asked),
        "csv_url": f"{reverse('history-export')}?{urlencode(asked)}", "now": timezone.now(),
        "keys": [{"key": "J K", "word": "next, previous decision"}, {"key": "Enter", "word": "why"}],
    }  # fmt: skip


def _is_own(person: Person) -> bool:
    """Whether she sees nobody's decisions but her own."""
    everybodys = roles.systems_for(person, EVERYBODYS)
    return everybodys is not None and not everybodys


def _said(name: str, text: str, names: Mapping[str, str]) -> str:
    if name == "reviewer":
        return names.get(text, text)
    return f"{text} %" if name.startswith("confidence") else text


def _url(asked: Mapping[str, Any], room: str = "history") -> str:
    return f"{reverse(room)}?{urlencode(asked)}" if asked else reverse(room)


def _rows(decisions: list[Decision], systems: Sequence[System], reader: Person) -> list[Row]:
    waiting, now = history.pending(decision.entry_id for decision in decisions), timezone.now()
    people = Person.objects.in_bulk({decision.person_id for decision in decisions})
    slugs, may_pin = {system.pk: system.slug for system in systems}, _pinnable(decisions, reader)
    days = [decision.decided_at.date() for decision in decisions]
    return [
        Row(
            decision, day != before, slugs[decision.system_id], _state(decision, now), _who(people[decision.person_id]),
            decision.entry_id not in waiting, decision.output_id in may_pin,
        )
        for decision, day, before in zip(decisions, days, [None, *days], strict=False)
    ]  # fmt: skip


def _pinnable(decisions: Sequence[Decision], reader: Person) -> set[UUID]:
    """The outputs whose answer was changed and that she may keep as an example."""
    where = roles.systems_for(reader, "pin an example")
    changed = {
        decision.output_id
        for decision in decisions
        if decision.verdict != "approve" and (where is None or decision.system_id in where)
    }
    kept = Example.objects.filter(output__in=changed, dropped_at=None).values_list("output", flat=True)
    return changed - set(kept) if changed else set()


def _state(decision: Decision, now: Any) -> str:
    if decision.undone_at is not None:
        return "taken back"
    if decision.is_superseded:  # type: ignore[attr-defined]
        return "superseded"
    return "not final yet" if decision.final_at > now else ""


def _who(person: Person) -> str:
    name = person.get_full_name()
    return name if not person.is_simulated or "simulated" in name.lower() else f"{name} (simulated)"


def _led(rate: history.Rate, asked: Mapping[str, str]) -> dict[str, Any]:
    """A rate with the address of the decisions behind it."""
    narrowed = {**asked, "rule": rate.rule, "blind": "yes" if rate.is_blind else "no"}
    low, high = words.percent_down(rate.low, 1), words.percent_up(rate.high, 1)
    interval = f"{low.removesuffix(PERCENT)}–{high.removesuffix(PERCENT)}"
    return {"rate": rate, "interval": interval, "url": _url({**narrowed, "verdict": "override"})}


def _matrix(matrix: history.Matrix, asked: Mapping[str, str]) -> dict[str, Any]:
    """The matrix with an address behind each count."""

    def led(cell: history.Cell) -> dict[str, Any]:
        return {"cell": cell, "url": _url({**asked, "ai_said": cell.ai, "person_said": cell.person})}

    rows = [(ai, [led(cell) for cell in cells]) for ai, cells in matrix.rows]
    return {"matrix": matrix, "rows": rows, "worst": matrix.worst and led(matrix.worst)}
