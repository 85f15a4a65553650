"""`/evidence/check/`: the log, a part of it, one entry or a bundle verified before the eyes of whoever asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance.evidence import checking, holders, log, ranges, sight, uploads
from governance.models import Check, Entry, LogKey, Sealed
from governance.pages import access
from governance.people import roles
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound

VERB: Final = "see evidence"
ROWS: Final = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """What can be checked; a POST begins it."""
    systems, person = access.systems(request, VERB), access.person(request)
    sees_all, refusal = sight.sees_all(systems, person), None
    if request.method == "POST":
        try:
            if request.POST.get("do") == "entry":
                return redirect("check-entry", id=_entry(sight.seen(systems, person), request.POST.get("entry", "")))
            return redirect("check", id=_begun(request, sees_all=sees_all).pk)
        except (Invalid, Conflict, NotAllowed) as error:
            refusal = error
    mine = Check.objects.filter(person=person).order_by("-asked_at")[:ROWS]
    shown = {
        **_heads(), "mine": mine, "sees_all": sees_all, "refusal": refusal, "sent": request.POST,
        "most": settings.MAX_BUNDLE_BYTES // 1024**2, "may_take": roles.may(person, "take evidence away"),
    }  # fmt: skip
    return render(request, "check_start.html", shown, status=refusal.status if refusal else 200)


def _begun(request: HttpRequest, *, sees_all: bool) -> Check:
    person = access.person(request)
    if request.POST.get("do") == "bundle":
        file = request.FILES.get("bundle")
        if not isinstance(file, UploadedFile):
            raise Invalid("Choose the file first.")
        return uploads.take(person, file.name or "", file.chunks(), keys=request.POST.get("keys", "").strip()[:4000])
    if not sees_all:
        raise NotAllowed("A range goes over the entries of every system, so only who may read them all can check one.")
    first, last = request.POST.get("first", "").strip(), request.POST.get("last", "").strip()
    return checking.ask(person, _place(first or "0"), _place(last) if last else None)


def _place(text: str) -> int:
    plain = re.sub(r"[\s,.\u202f]", "", text)
    if not (plain.isascii() and plain.isdigit() and len(plain) < 18):
        raise Invalid("A place in the log is a number.")
    return int(plain)


def _entry(seen: QuerySet[Entry], text: str) -> UUID:
    """The entry that is meant by an id, a leaf hash or a place. Raises Invalid when there is none to be seen."""
    text = text.strip().lower()
    found = seen.none()
    if re.fullmatch(r"[0-9a-f]{64}", text):
        key = Sealed.key_of(bytes.fromhex(text))
        found = seen.filter(pk__in=Sealed.objects.filter(key=key).values("entry_id"), leaf_hash=bytes.fromhex(text))
    elif re.fullmatch(r"[0-9a-f-]{32,36}", text):
        found = seen.filter(pk=UUID(text)) if len(text.replace("-", "")) == 32 else seen.none()
    elif text:
        found = seen.filter(pk__in=Sealed.objects.filter(index=_place(text)).values("entry_id"))
    entry = found.values_list("pk", flat=True).first()
    if entry is None:
        raise Invalid("No entry that you may see has this id, hash or place.")
    return entry


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """How far a check is and what it found. It goes on in the background; a POST goes on
    with a range for under a second, for whom the background is too slow."""
    access.systems(request, VERB)
    check = Check.objects.filter(person=access.person(request), pk=id).first()
    if check is None:
        raise NotFound("There is nothing here.")
    if request.method == "POST" and check.kind == "range":
        checking.go_on(check, by=access.actor(request))
    return render(request, "check.html", {**_heads(), **_told(check)})


def _told(check: Check) -> dict[str, Any]:
    findings = _findings(check.report.get("findings", ()))
    state = "going" if check.ended_at is None else "refused" if check.report.get("refused") else "good"
    return {
        "check": check, "findings": findings, "more": check.report.get("more", 0),
        "state": "broken" if findings and state == "good" else state, "counts": check.report.get("counts", {}).items(),
        "last": check.last - 1, "report": check.report, "share": check.done * 1_000_000 // max(check.of, 1),
    }  # fmt: skip


def _findings(found: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    return [{"rule": rule, "where": where, "says": says} for rule, where, says in found]


@login_required
@require_safe
def entry(request: HttpRequest, id: UUID) -> HttpResponse:
    """One entry checked at once: its bytes, what it cites, its way to the signed root."""
    found = _seen(request, id)
    index = log.places([found.pk]).get(found.pk)
    checkpoint = log.latest_checkpoint()
    if index is None or checkpoint is None:
        return render(request, "check_entry.html", {**_heads(), "entry": found, "index": None})
    content, head = bytes(found.leaf), log.head_of(checkpoint)
    parts = [
        ranges.examine_head(log.note_of(checkpoint)),
        ranges.examine(index, index + 1, origin=head.origin, size=head.size),
    ]
    said = json.loads(content)
    shown = {
        **_heads(), "entry": found, "index": index, "bytes": len(content), "path": ranges.path_of(index, content),
        "findings": _findings(each for part in parts for each in part.findings), "root": head.root.hex(),
        "counts": parts[1].counts, "gates": parts[1].counts.get("gates run again"), "causes": len(said["causes"]),
    }  # fmt: skip
    return render(request, "check_entry.html", shown)


@login_required
@require_safe
def proof(request: HttpRequest, id: UUID) -> HttpResponse:
    """`/evidence/{entry}/proof/`: the receipt of one entry, in the form of C2SP tlog-proof."""
    found = _seen(request, id)
    made = log.prove(found.pk)
    if made is None:
        raise Conflict("This entry waits for its seal; the proof is there in a few seconds.")
    answer = HttpResponse(made.as_text(), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.pk}.tlog-proof"'
    return answer


def _seen(request: HttpRequest, id: UUID) -> Entry:
    systems, person = access.systems(request, VERB), access.person(request)
    found = sight.seen(systems, person).filter(pk=id).first()
    if found is None:
        raise NotFound("There is nothing here.")
    return found


def _heads() -> dict[str, Any]:
    """The newest signed head, the keys that sign, and who else holds a head."""
    keys = LogKey.objects.filter(retired_at=None).values_list("text", flat=True)
    return {
        "checkpoint": log.latest_checkpoint(), "origin": settings.EVIDENCE_ORIGIN,
        "keys_of_log": [text.split("+")[1] for text in keys], "holders": holders.holders(settings.WITNESSES),
    }  # fmt: skip
