"""`/review/{id}/like/`: items like the one in hand, decided at once after a look at them all; and the way back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance import clock
from governance.pages import access
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound, Refused
from reviews import queue
from reviews.decisions import bulk
from reviews.pages.desk import cards
from reviews.pages.desk.reading import given
from reviews.pages.queue import REVIEW


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, id: UUID) -> HttpResponse:
    """The preview: what is alike, what the decision will be; a POST takes it on those chosen."""
    access.systems(request, REVIEW)
    actor, person = access.actor(request), access.person(request)
    like = bulk.alike(actor, id)
    claim = queue.claim_held(actor, id)
    if claim is None:
        return redirect("review", id)
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            said = given(request.POST, claim, person)
            made = bulk.decide_many(actor, like=id, items=_items(request), id=_id(request), **said)
        except (Conflict, Invalid, NotAllowed) as refused:
            refusal = refused
        else:
            left = f" {made.left} were in other hands." if made.left else ""
            messages.success(
                request, f"{made.decided} decided at once, {made.rechecked} of them to be re-checked.{left}"
            )
            return redirect("queue")
    chosen = set(request.POST.getlist("item")) if request.method == "POST" else None
    context = {
        "card": cards.card(claim, person), "refusal": refusal, "share": round(bulk.RECHECKED * 100),
        "like": [{"like": each, "chosen": chosen is None or str(each.item) in chosen} for each in like],
        "most": bulk.MOST, "id": clock.new_id(), "minutes": int(bulk.UNDO.total_seconds() // 60),
    }  # fmt: skip
    return render(request, "bulk.html", context, status=refusal.status if refusal else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, id: UUID) -> HttpResponse:
    """Takes back all of what was decided at once."""
    access.systems(request, REVIEW)
    if request.method == "POST":
        taken = bulk.undo_many(access.actor(request), id)
        messages.success(request, f"All {taken} are back in the queue.")
    return redirect("queue")


def _id(request: HttpRequest) -> UUID | None:
    """What the form calls it, so that a second click decides nothing; a form that calls it nothing is taken once."""
    try:
        return UUID(request.POST.get("id", ""))
    except ValueError:
        return None


def _items(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(each) for each in request.POST.getlist("item")]
    except ValueError as error:
        raise NotFound("There is nothing here.") from error
