"""`/evidence/controls/`: what laws and standards ask, beside the entries in which something about it is recorded."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from governance import clock
from governance.evidence import counting
from governance.evidence.controls import DATES, NOTE, REQUIREMENTS, Requirement
from governance.evidence.counting import Tally
from governance.models import Entry
from governance.pages import access

VERB: Final = "see evidence"


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The map, with live counts of the entries that this person may see."""
    systems, person = access.systems(request, VERB), access.person(request)
    types = {type for each in REQUIREMENTS for type in each.types}
    tallies = counting.by_type(systems, person, types)
    newest = Entry.objects.only("pk", "type", "at").in_bulk([t.newest for t in tallies.values() if t.newest])
    rows = [_row(each, tallies, newest) for each in REQUIREMENTS]
    parts = groupby(rows, key=lambda row: row["requirement"].framework)
    shown = {
        "note": NOTE, "dates": DATES, "count": len(rows), "now": clock.now(),
        "frameworks": [(name, list(part)) for name, part in parts],
    }  # fmt: skip
    return render(request, "controls.html", shown)


def _row(requirement: Requirement, tallies: dict[str, Tally], newest: dict[Any, Entry]) -> dict[str, Any]:
    tally = sum((tallies.get(type, counting.NONE) for type in requirement.types), start=counting.NONE)
    url = f"{reverse('evidence')}?{urlencode({'type': requirement.types}, doseq=True)}"
    return {"requirement": requirement, "tally": tally, "newest": newest.get(tally.newest), "url": url}
