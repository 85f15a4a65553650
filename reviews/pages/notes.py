"""`/review/{id}/notes/`: what was written about an item; asking a colleague, answering, handing it over."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Person
from governance.pages import access
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound, Refused
from reviews import queue
from reviews.models import Item
from reviews.pages.showing.foreign import text
from reviews.queue import handing

REVIEW: Final = "review items"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, id: UUID) -> HttpResponse:
    """The notes of an item; a POST adds one."""
    access.systems(request, REVIEW)
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            return _step(request, id)
        except (Conflict, Invalid, NotAllowed) as refused:
            refusal = refused
    actor = access.actor(request)
    notes = handing.notes_of(actor, id)
    item = Item.objects.select_related("output", "system", "queue").get(pk=id)
    claim = queue.claim_held(actor, id)
    context = {
        "item": item, "claim": claim, "refusal": refusal, "typed": request.POST.get("text", ""),
        "notes": [{"note": each.note, "text": text(each.text or "")} for each in notes],
        "colleagues": handing.colleagues_of(actor, id), "me": access.person(request).pk,
        "can_ask": item.state != "closed" and not item.is_blind,
    }  # fmt: skip
    return render(request, "notes.html", context, status=refusal.status if refusal else 200)


def _step(request: HttpRequest, id: UUID) -> HttpResponse:
    actor, said = access.actor(request), request.POST.get("text", "")
    step = request.POST.get("do")
    if step == "answer":
        handing.answer(actor, _uuid(request.POST.get("question", "")), text=said)
        messages.success(request, "Your answer is there to be read.")
        return redirect("review-notes", id)
    to = next((p for p in Person.objects.filter(is_active=True) if str(p.pk) == request.POST.get("to")), None)
    if to is None:
        raise Invalid("Choose a colleague.")
    if step == "ask":
        handing.ask(actor, id, to=to, text=said)
        messages.success(request, f"{to} finds your question under Queue. You can go on meanwhile.")
        return redirect("review-notes", id)
    if step == "hand":
        handing.hand_over(actor, id, _uuid(request.POST.get("token", "")), to=to, note=said)
        messages.success(request, f"{to} has the item now.")
        return redirect("queue")
    raise Invalid("An item can be handed over, a colleague asked, a question answered.")


def _uuid(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError as error:
        raise NotFound("There is nothing here.") from error
