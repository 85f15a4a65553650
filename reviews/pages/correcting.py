"""`/decisions/{id}/correct/`: a decision that is final gets another in its place; both stay in the history."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from governance.pages import access
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid
from reviews import decisions
from reviews.models import Decision
from reviews.pages.desk import form, keys
from reviews.pages.desk.correction import Correction, correction
from reviews.pages.desk.form import Typed
from reviews.pages.desk.reading import given
from reviews.pages.desk.session import session
from reviews.pages.queue import REVIEW
from reviews.queue.waiting import in_hand

CORRECTED = "Corrected. The new decision stands, and the old one stays in the history."
SECOND = "Your correction is kept. Somebody else answers too before it stands."
KEYS = ("approve", "override", "reject", "undo")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, id: UUID) -> HttpResponse:
    """The form of a superseding decision; what it is sent with takes the old one's place."""
    access.systems(request, REVIEW)
    actor, person = access.actor(request), access.person(request)
    try:
        of = correction(actor, id, person)
    except Conflict as refused:
        return _closed(request, id, refused)
    if request.method != "POST":
        return _page(request, actor, of)
    try:
        said = given(of.without_what_was(request.POST), of.claim, person)
        made = decisions.supersede(actor, id, **said)
    except Invalid as refused:
        was = form.typed_in(request.POST)
        typed = Typed(was.verdict, was.fields, was.reasons, was.comment, refused.sentence, refused.errors)
        return _page(request, actor, of, typed, refused.status)
    except Conflict as refused:
        return _closed(request, id, refused)
    messages.success(request, CORRECTED if made.item_state == "closed" else SECOND)
    return redirect(_back(actor))


def _page(
    request: HttpRequest, actor: Actor, of: Correction, typed: Typed | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "correction": of, "card": of.card(access.person(request), typed), "session": session(actor),
        "back": _back(actor),
        "keys": keys.sheet(keys.bound(access.person(request)), only=KEYS), "can_bind": True,
    }  # fmt: skip
    return render(request, "correct.html", context, status=status)


def _closed(request: HttpRequest, id: UUID, refused: Conflict) -> HttpResponse:
    """Why there is nothing to correct, and where to go instead."""
    old = Decision.objects.select_related("system", "superseded_by").filter(pk=id).first()
    is_own = old is not None and old.person_id == access.person(request).pk
    context = {"old": old, "is_own": is_own, "sentence": refused.sentence, "newer": getattr(old, "superseded_by", None)}
    return render(request, "correct_closed.html", context, status=200 if request.method != "POST" else refused.status)


def _back(actor: Actor) -> str:
    """What she has in hand, else the queue."""
    held = next((each for each in in_hand(actor) if not each.is_soft), None)
    return reverse("review", args=[held.item]) if held else reverse("queue")
