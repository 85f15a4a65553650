"""`/history/`: what people decided, with filters and columns of one's choice, searches kept under a name, and the sums
over what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from governance import clock
from governance.api import paging
from governance.models import Example, Person, System
from governance.pages import access
from governance.pages.templatetags import words
from governance.people import roles
from governance.refusals import Invalid
from reviews import history, searches
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
    "person_said": "Person said", "took_from": "Took at least", "took_to": "Took at most",
}  # fmt: skip
# The columns of the ledger beside the time; those up to `evidence` are there unless others are asked for.
COLUMNS: Final = {
    "system": "System", "ai": "AI said", "verdict": "Verdict", "person": "Person said", "sure": "Sure",
    "because": "Because of", "who": "Who", "took": "Took", "evidence": "Evidence", "reasons": "Reasons",
    "model": "Model", "policy": "Policy",
}  # fmt: skip
_USUAL: Final = tuple(COLUMNS)[:9]


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
    columns = _columns(request.GET)
    context = _form(request, systems, asked, columns)
    try:
        found = history.asked_for(history.seen_by(actor), asked, reader=actor)
        found = found.select_related("policy").defer("policy__document") if "policy" in columns else found
        page = paging.page(found.narrow().and_whether_superseded(), cursor=request.GET.get("cursor", ""), size=ROWS)
    except Invalid as refusal:
        return render(request, "history.html", {**context, "refusal": refusal}, status=refusal.status)
    context |= {
        "rows": _rows(page.rows, context["systems"], access.person(request)), "sums_url": _url(asked, "history-sums"),
        "newer_url": page.previous and _url({**kept(asked, columns), "cursor": page.previous}),
        "older_url": page.next and _url({**kept(asked, columns), "cursor": page.next}),
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
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """`/history/searches/`: keeps the filters and columns of `query` under a name, or forgets one; then shows it."""
    access.systems(request, VERB)
    person = access.person(request)
    if request.POST.get("forget", "").isdecimal():
        searches.forget(person, int(request.POST["forget"][:18]))
        messages.success(request, "The search is forgotten.")
        return redirect("history")
    query = QueryDict(request.POST.get("query", "")[: searches.LONGEST])
    asked, actor = asked_in(query), access.actor(request)
    history.asked_for(history.seen_by(actor), asked, reader=actor)
    saved = searches.save(person, request.POST.get("name", ""), kept(asked, _columns(query)))
    messages.success(request, f"Kept as “{saved.name}”: the address of this page is its link.")
    return redirect(f"{reverse('history')}?{saved.query}")


def _columns(query: QueryDict) -> tuple[str, ...]:
    """The columns that were asked for, in their order; the usual ones when none was."""
    asked = {name for text in query.getlist("show") for name in text.split(".")}
    return tuple(name for name in COLUMNS if name in asked) or _USUAL


def kept(asked: Mapping[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    """The filters and, where they are others than usual, the columns: what an address of this search says."""
    return {**asked, **({} if columns == _USUAL else {"show": ".".join(columns)})}


def _asked(request: HttpRequest) -> dict[str, str]:
    return asked_in(request.GET)


def asked_in(query: QueryDict) -> dict[str, str]:
    """The filters that were filled in: a form sends its empty fields too."""
    sent = query.dict()
    return {n: str(text).strip() for n, text in sent.items() if n not in ("cursor", "show") and str(text).strip()}


def _form(
    request: HttpRequest, systems: set[UUID] | None, asked: Mapping[str, str], columns: tuple[str, ...]
) -> dict[str, Any]:
    person = access.person(request)
    is_own, here = _is_own(person), kept(asked, columns)
    people = [] if is_own else list(history.deciders(roles.systems_for(person, EVERYBODYS)))
    names = {str(each.pk): each.get_full_name() for each in people}
    chips = [
        Chip(WORDS.get(name, name), _said(name, text, names), _url({k: t for k, t in here.items() if k != name}))
        for name, text in asked.items()
    ]
    return {
        "asked": {name: asked.get(name, "") for name in history.FILTERS}, "chips": chips, "is_own": is_own,
        "systems": list(System.objects.among(systems).order_by("slug")), "people": people,
        "verdicts": Decision.VERDICTS,
        "has_more": any(name not in _IN_SIGHT for name in asked),
        "take_url": f"{reverse('history-take')}?{urlencode(asked)}", "now": clock.now(), "query": urlencode(here),
        "shifts_url": f"{reverse('history-shifts')}?{urlencode(asked)}", "shown": columns,
        "columns": [{"name": name, "word": word, "on": name in columns} for name, word in COLUMNS.items()],
        "searches": searches.of(person), "width": len(columns) + 1,
        "keys": [{"key": "J K", "word": "next, previous decision"}, {"key": "Enter", "word": "why"}],
    }  # fmt: skip


def _is_own(person: Person) -> bool:
    """Whether she sees nobody's decisions but her own."""
    everybodys = roles.systems_for(person, EVERYBODYS)
    return everybodys is not None and not everybodys


def _said(name: str, text: str, names: Mapping[str, str]) -> str:
    if name == "reviewer":
        return names.get(text, text)
    unit = " %" if name.startswith("confidence") else " s" if name.startswith("took") else ""
    return f"{text}{unit}"


def _url(asked: Mapping[str, Any], room: str = "history") -> str:
    return f"{reverse(room)}?{urlencode(asked)}" if asked else reverse(room)


def _rows(decisions: list[Decision], systems: Sequence[System], reader: Person) -> list[Row]:
    waiting, now = history.pending(decision.entry_id for decision in decisions), clock.now()
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
