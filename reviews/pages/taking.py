"""`/history/export/`: taking decisions away: in which form, which columns, and how far the download is."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from governance.evidence import handing, sight
from governance.pages import access
from governance.people import roles
from governance.refusals import Conflict, NotFound
from reviews import history, proofs
from reviews.decisions import export, taking
from reviews.decisions.parquet import COLUMNS
from reviews.pages.history import VERB, WORDS, asked_in

BUNDLE_VERB: Final = "take evidence away"
COUNTED: Final = 10_000
MOST_OUTPUTS: Final = 5_000
FORMATS: Final = {
    "csv": ("CSV", "for a spreadsheet; what it would run as a formula gets an apostrophe"),
    "jsonl": ("JSON lines", "one decision a line, nothing flattened"),
    "parquet": ("Parquet", "for DuckDB, pandas, Spark; typed columns, compressed"),
}
_OWN: Final = ("column", "token")


@login_required
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The choice. How many decisions it would be is counted up to ten thousand."""
    access.systems(request, VERB)
    if again := access.afresh(request):
        return again
    actor, asked = access.actor(request), {n: t for n, t in asked_in(request.GET).items() if n not in _OWN}
    found = history.asked_for(history.seen_by(actor), asked, reader=actor)
    shown = {
        "asked": asked, "count": found.order_by()[: COUNTED + 1].count(), "most": COUNTED, "columns": COLUMNS,
        "formats": [(name, *said) for name, said in FORMATS.items()], "token": taking.fresh_token(),
        "may_bundle": roles.may(access.person(request), BUNDLE_VERB), "most_outputs": MOST_OUTPUTS,
        "back_url": f"{reverse('history')}?{urlencode(asked)}",
        "said": [(WORDS.get(name, name), text) for name, text in asked.items()],
    }  # fmt: skip
    return render(request, "history_take.html", shown)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bundle(request: HttpRequest) -> HttpResponse:
    """`/history/export/bundle/`: asks for the evidence of the outputs that the filters find, and shows it being
    written. Decisions in systems whose evidence she may not take are left out, and the page said so."""
    access.systems(request, BUNDLE_VERB)
    if request.method != "POST":
        return redirect("history-take")
    if again := access.afresh(request):
        return again
    person, actor = access.person(request), access.actor(request)
    asked = {name: text for name, text in asked_in(request.POST).items() if name in history.FILTERS}
    found = history.asked_for(history.seen_by(actor), asked, reader=actor)
    if (takes := sight.takes_from(person)) is not None:
        found = found.filter(system_id__in=takes)
    rows = list(found.order_by().values_list("output_id", "system_id").distinct()[: MOST_OUTPUTS + 1])
    if not rows:
        raise Conflict("No decision whose evidence you may take away answers this search.")
    if len(rows) > MOST_OUTPUTS:
        raise Conflict(f"That is more than {MOST_OUTPUTS:,} outputs. Narrow the search, or take a system by its days.")
    words = [f"{WORDS.get(name, name)} {text}" for name, text in asked.items()]
    made = handing.ask(
        person, proofs.about([output for output, _ in rows]), payloads=request.POST.get("payloads", ""), by=actor,
        about=f"{len(rows):,} output{'s' * (len(rows) != 1)} of the history: {' · '.join(words) or 'all decisions'}",
        systems={system for _, system in rows},
    )  # fmt: skip
    return redirect("bundle", id=made.pk)


@login_required
@require_safe
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """How far the download under this token is; who knows the token asked for it."""
    access.systems(request, VERB)
    return render(request, "history_progress.html", {"token": token, "progress": taking.progress(token)})


@login_required
@require_safe
def stream(request: HttpRequest, format: str) -> HttpResponseBase:
    """`/history/export.csv`, `.jsonl`, `.parquet`: all that the filters select, under the permission of the page."""
    access.systems(request, VERB)
    if format not in export.FORMATS:
        raise NotFound("There is nothing here.")
    if again := access.afresh(request):
        return again
    actor, sent = access.actor(request), asked_in(request.GET)
    asked = {name: text for name, text in sent.items() if name not in _OWN}
    found = history.asked_for(history.seen_by(actor), asked, reader=actor)
    content = taking.stream(
        found, format=format, asked=asked, columns=taking.columns_of(request.GET.getlist("column")), by=actor,
        system=_only(roles.systems_for(access.person(request), VERB)), token=sent.get("token", "")[:40],
    )  # fmt: skip
    answer = StreamingHttpResponse(content, content_type=export.MEDIA_TYPES[format])
    answer["Content-Disposition"] = f'attachment; filename="decisions.{format}"'
    answer["X-Accel-Buffering"] = "no"
    return answer


def _only(systems: set[UUID] | None) -> UUID | None:
    """The system, when the person has no other: then its auditors see the entry too."""
    return next(iter(systems)) if systems is not None and len(systems) == 1 else None
