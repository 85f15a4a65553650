"""`/evidence/`: the log as it stands: its length, what of it waits for the seal, its newest entries, and each one."""

from __future__ import annotations

import json
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from governance import clock
from governance.api import paging
from governance.evidence import log, sight
from governance.evidence.types import TYPES
from governance.models import Entry, LogKey, Payload, PendingEntry, System
from governance.pages import access
from governance.people import roles
from governance.refusals import Invalid, NotFound

VERB: Final = "see evidence"
ROWS: Final = 25
COUNTED: Final = 10_000


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The newest entries. How many there are is counted up to ten thousand, beyond that it is PostgreSQL's estimate."""
    systems, person = access.systems(request, VERB), access.person(request)
    types = [type for type in request.GET.getlist("type") if type in TYPES]
    seen = sight.seen(systems, person)
    seen = seen.filter(type__in=types) if types else seen
    try:
        page = paging.page(seen, cursor=request.GET.get("cursor", ""), size=ROWS)
    except Invalid as refusal:
        raise NotFound("There is no such page of the log.") from refusal
    shown = [entry.pk for entry in page.rows]
    places = log.places(shown)
    systems_shown = {entry.system for entry in page.rows if entry.system}
    names: dict[UUID | None, str] = dict(System.objects.filter(pk__in=systems_shown).values_list("pk", "slug"))
    total = _length()
    rows = [
        {"entry": e, "system": names.get(e.system), "is_sealed": e.pk in places, "index": places.get(e.pk)}
        for e in page.rows
    ]
    unsealed = PendingEntry.objects.all()[: COUNTED + 1].count()
    context = {
        "checkpoint": log.latest_checkpoint(), "origin": settings.EVIDENCE_ORIGIN,
        "keys_of_log": [
            text.split("+")[1] for text in LogKey.objects.filter(retired_at=None).values_list("text", flat=True)
        ],
        "rows": rows, "total": total, "is_estimate": total > COUNTED, "unsealed": min(unsealed, COUNTED),
        "has_more_unsealed": unsealed > COUNTED, "now": clock.now(), "newest": page.rows[0] if page.rows else None,
        "newer_url": page.previous and f"?{urlencode({'type': types, 'cursor': page.previous}, doseq=True)}",
        "older_url": page.next and f"?{urlencode({'type': types, 'cursor': page.next}, doseq=True)}", "types": types,
        "may_take": roles.may(person, "take evidence away"),
        "keys": [{"key": "J K", "word": "next, previous entry"}, {"key": "Enter", "word": "read it"}],
    }  # fmt: skip
    return render(request, "evidence.html", context)


@login_required
@require_safe
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """`/evidence/{entry}/`: one entry: its leaf as text, its hash, what came before it and what it commits to."""
    systems, person = access.systems(request, VERB), access.person(request)
    entry = sight.seen(systems, person).filter(pk=id).first()
    if entry is None:
        raise NotFound("There is nothing here.")
    leaf = json.loads(bytes(entry.leaf))
    chain = Entry.objects.filter(subject=entry.subject)
    beside = chain.filter(rev__in=(entry.rev - 1, entry.rev + 1)).only("pk", "rev", "type").order_by("rev")
    is_output = entry.subject_kind == "output"
    index = log.places([entry.pk]).get(entry.pk)
    kept = set(Payload.objects.filter(entry=entry).values_list("name", flat=True))
    context = {
        "entry": entry, "text": json.dumps(leaf, indent=2, ensure_ascii=True), "hash": bytes(entry.leaf_hash).hex(),
        "index": index, "is_sealed": index is not None, "bytes": len(bytes(entry.leaf)),
        "beside": [{"entry": other, "is_before": other.rev < entry.rev} for other in beside],
        "commitments": [{**each, "is_here": each["name"] in kept} for each in leaf.get("commitments", ())],
        "system": System.objects.filter(pk=entry.system).first() if entry.system else None,
        "output": entry.subject if is_output and roles.may(person, "see outputs", entry.system) else None,
    }  # fmt: skip
    return render(request, "entry.html", context)


def _length() -> int:
    """How many entries the log has: exact up to ten thousand, beyond that the planner's estimate."""
    counted = Entry.objects.order_by()[: COUNTED + 1].count()
    if counted <= COUNTED:
        return counted
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'governance_entry'::regclass")
        return max(int(cursor.fetchone()[0]), COUNTED + 1)
