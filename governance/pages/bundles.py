"""`/evidence/bundles/`: an auditor asks for a bundle of evidence, sees it being written, and takes it away."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance.evidence import handing, log, sight
from governance.evidence.bundle import Selection
from governance.models import Bundle, System
from governance.pages import access
from governance.people import sign_in
from governance.refusals import Invalid, NotAllowed, NotFound, Refused

VERB: Final = "take evidence away"
ROWS: Final = 10
DISCLOSED: Final = {
    "all": ("All contents", "what the AI was given and said, comments, corrections: personal data too"),
    "gate": ("What conditions read", "enough to run every policy again; no comments, no corrections"),
    "none": ("No contents", "entries and proofs alone"),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """What can be asked for, and what she asked for; a POST asks."""
    access.systems(request, VERB)
    person, refusal = access.person(request), None
    takes = sight.takes_from(person)
    if request.method == "POST":
        if again := access.afresh(request):
            return again
        try:
            return redirect("bundle", id=_asked(request, takes).pk)
        except Refused as refused:
            refusal = refused
    mine = Bundle.objects.filter(person=person).select_related("system").order_by("-asked_at")[:ROWS]
    shown = {
        "systems": System.objects.among(takes).order_by("slug"), "takes_all": takes is None, "refusal": refusal,
        "disclosed": [(name, *said) for name, said in DISCLOSED.items()], "sent": request.POST,
        "checkpoint": log.latest_checkpoint(), "mine": [(each, state(each)) for each in mine],
        "most": handing.MOST_ENTRIES, "is_fresh": sign_in.is_fresh(request),
    }  # fmt: skip
    return render(request, "bundles.html", shown, status=refusal.status if refusal else 200)


def _asked(request: HttpRequest, takes: set[UUID] | None) -> Bundle:
    slug = request.POST.get("system", "")
    system = System.objects.among(takes).filter(slug=slug).first() if slug else None
    if slug and system is None:
        raise Invalid("Choose one of the systems.")
    if system is None and takes is not None:
        raise NotAllowed("The log has the entries of every system, so only who may read them all takes it whole.")
    until = _day(request.POST.get("until", ""))
    chosen = Selection(
        _day(request.POST.get("since", "")), until + timedelta(days=1) if until else None, system.pk if system else None
    )
    return handing.ask(
        access.person(request), chosen, payloads=request.POST.get("payloads", ""),
        by=access.actor(request, system),
    )  # fmt: skip


def _day(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("A day is written like 2026-11-21.") from error
    if not 1970 <= day.year < 9999:
        raise Invalid("This day is not one of ours.")
    return datetime.combine(day, time(), UTC)


@login_required
@require_safe
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """How far a bundle is; the file, once it is there; and how to check it."""
    asked = _mine(request, id)
    shown = {
        "bundle": asked, "state": state(asked), "share": asked.done * 1_000_000 // max(asked.of, 1),
        "disclosed": DISCLOSED[asked.payloads][0], "until": (asked.ended_at or asked.asked_at) + handing.KEPT,
        "last_day": asked.until - timedelta(days=1) if asked.until else None, "name": _name(asked),
        "is_fresh": sign_in.is_fresh(request),
    }  # fmt: skip
    return render(request, "bundle.html", shown)


def _name(asked: Bundle) -> str:
    return f"evidence-{asked.pk.hex[-6:]}.zip"


def state(asked: Bundle) -> str:
    """`waiting`, `going`, `ready`, `refused`, `withdrawn` or `expired`."""
    if asked.ended_at is None:
        return "waiting" if asked.taken_at is None else "going"
    if asked.refused or asked.withdrawn_at:
        return "refused" if asked.refused else "withdrawn"
    return "ready" if handing.is_ready(asked) else "expired"


@login_required
@require_safe
def file(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """The zip file. Its length is told beforehand, so that whoever gets less knows."""
    asked = _mine(request, id)
    if again := access.afresh(request):
        return again
    content = handing.take(asked, by=access.actor(request, asked.system))
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{_name(asked)}"'
    answer["Content-Length"] = str(asked.size)
    answer["X-Accel-Buffering"] = "no"
    return answer


def _mine(request: HttpRequest, id: UUID) -> Bundle:
    """Her own request, as long as she may still take what it holds. Raises NotFound."""
    access.systems(request, VERB)
    person = access.person(request)
    asked = Bundle.objects.filter(person=person, pk=id).select_related("system").first()
    if asked is None or not _may_still(sight.takes_from(person), asked):
        raise NotFound("There is nothing here.")
    return asked


def _may_still(takes: set[UUID] | None, asked: Bundle) -> bool:
    needed: set[Any] = set(asked.systems)
    return takes is None or (bool(needed) and needed <= takes)
