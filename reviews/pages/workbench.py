"""`/review/{id}/`: the workbench. A GET only shows; a POST claims, decides, undoes or puts off."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance.pages import access
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound, Refused
from reviews import decisions, queue
from reviews.decisions.cases import read_case
from reviews.pages.desk import form, holding, keys
from reviews.pages.desk.cards import Card, card
from reviews.pages.desk.form import Typed
from reviews.pages.desk.reading import given, took
from reviews.pages.desk.session import session
from reviews.pages.desk.standing import standing
from reviews.pages.queue import REVIEW, to_next
from reviews.queue.claims import Claim
from reviews.queue.reviewers import reviewer

posts = require_http_methods(["GET", "HEAD", "POST"])


@login_required
@require_safe
def page(request: HttpRequest, id: UUID) -> HttpResponse:
    """The card of what she has in hand; of anything else, how it stands and whether she can take it."""
    actor = _actor(request)
    claim = queue.claim_held(actor, id)
    if claim is None or claim.is_soft:
        return render(request, "workbench_closed.html", {"standing": standing(actor, id)})
    return _page(request, actor, card(claim, access.person(request)))


@login_required
@posts
def take(request: HttpRequest, id: UUID) -> HttpResponse:
    """Claims this item, were it skipped or held. Text that was kept from a lost claim comes back with it."""
    actor = _actor(request)
    if request.method != "POST":
        return redirect("review", id)
    claim = queue.claim_item(actor, id)
    if _is_desk(request):
        return _back(request, actor, claim)
    typed = form.typed_in(request.POST)
    if typed == Typed():
        return redirect("review", id)
    return _page(request, actor, card(claim, access.person(request), typed=typed))


@login_required
@posts
def decide(request: HttpRequest, id: UUID) -> HttpResponse:
    """Takes the decision on the item that the form was shown for, and goes to the next one."""
    actor = _actor(request)
    if request.method != "POST":
        return redirect("review", id)
    token, person = _token(request), access.person(request)
    try:
        case = read_case(reviewer(actor), id, token)
        said = given(request.POST, case, person)
        decisions.decide(actor, item=id, token=token, case=case, took_ms=took(request.POST, case.now), **said)
    except Invalid as refused:
        return _again(request, actor, id, refused)
    except (Conflict, NotAllowed, NotFound) as refused:
        return _lost(request, id, refused)
    return HttpResponse(status=204) if _is_desk(request) else to_next(request)


@login_required
@posts
def ahead(request: HttpRequest) -> HttpResponse:
    """The next card, kept ready, and the rail. The card now on the screen (`shown`) is in her hand from here on."""
    actor = _actor(request)
    if request.method != "POST":
        return redirect("queue")
    now = None
    if request.POST.get("shown"):
        now = queue.renew(actor, _uuid(request.POST["shown"]), _token(request))
    person, coming = access.person(request), queue.claim_next(actor, ahead=True)
    context = {
        "session": session(actor), "now": now and card(now, person, with_cases=False),
        "ahead": coming and card(coming, person), "keys": keys.bound(person),
    }  # fmt: skip
    return render(request, "_ahead.html", context)


@login_required
@posts
def undo(request: HttpRequest, decision: UUID) -> HttpResponse:
    """Takes a decision back: its item is in her hands again."""
    actor = _actor(request)
    if request.method != "POST":
        return redirect("queue")
    claim = decisions.undo(actor, decision)
    if not _is_desk(request):
        messages.success(request, "Your decision was taken back. The item is in your hands again.")
        return redirect("review", claim.item)
    return _back(request, actor, claim)


@login_required
@posts
def renew(request: HttpRequest, id: UUID) -> HttpResponse:
    """A whole lease ahead again, in seconds: the desk asks while somebody is looking at it."""
    actor = _actor(request)
    if request.method != "POST":
        return redirect("review", id)
    claim = queue.renew(actor, id, _token(request))
    seconds = (claim.expires_at - claim.now).total_seconds()
    return JsonResponse({"seconds": int(seconds)}) if _is_desk(request) else redirect("review", id)


@login_required
@posts
def put_off(request: HttpRequest, id: UUID, how: str) -> HttpResponse:
    """Skips, holds, escalates or releases the item, with the comment as the reason, and goes to the next one."""
    actor = _actor(request)
    if request.method != "POST":
        return redirect("review", id)
    token, reason = _token(request), request.POST.get("comment", "")
    try:
        if how == "release":
            queue.release(actor, id, token)
        elif how == "hold":
            queue.hold(actor, id, token, until=holding.until(request.POST), reason=reason)
        else:
            {"skip": queue.skip, "escalate": queue.escalate}[how](actor, id, token, reason)
    except (Conflict, Invalid) as refused:
        return _lost(request, id, refused)
    if _is_desk(request):
        return HttpResponse(status=204)
    return redirect("queue") if how == "release" else to_next(request)


def _page(request: HttpRequest, actor: Actor, shown: Card, status: int = 200) -> HttpResponse:
    context = {"card": shown, "session": session(actor), "keys": keys.sheet(shown.keys), "can_bind": True}
    return render(request, "workbench.html", context, status=status)


def _back(request: HttpRequest, actor: Actor, claim: Claim) -> HttpResponse:
    """The card that comes back to the desk: of a decision that was taken back, or of what was skipped or held."""
    back = card(claim, access.person(request))
    context = {"session": session(actor), "now": back, "back": back, "ahead": None, "keys": back.keys}
    return render(request, "_ahead.html", context)


def _again(request: HttpRequest, actor: Actor, id: UUID, refused: Refused) -> HttpResponse:
    """The same card with what was typed and what is wrong with it."""
    claim = queue.claim_held(actor, id)
    if claim is None:
        return _lost(request, id, refused)
    was = form.typed_in(request.POST)
    typed = Typed(was.verdict, was.fields, was.reasons, was.comment, refused.sentence, refused.errors)
    shown = card(claim, access.person(request), typed=typed)
    if _is_desk(request):
        return render(request, "_card.html", {"card": shown}, status=refused.status)
    return _page(request, actor, shown, refused.status)


def _lost(request: HttpRequest, id: UUID, refused: Refused) -> HttpResponse:
    """What happened to the claim, and the text that was kept."""
    context = {"item_id": id, "sentence": refused.sentence, "typed": form.typed_in(request.POST)}
    part = "_lost.html" if _is_desk(request) else "workbench_lost.html"
    return render(request, part, context, status=refused.status)


def _actor(request: HttpRequest) -> Actor:
    access.systems(request, REVIEW)
    return access.actor(request)


def _is_desk(request: HttpRequest) -> bool:
    return "X-Desk" in request.headers


def _token(request: HttpRequest) -> UUID:
    return _uuid(request.POST.get("token", ""))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Conflict("This form is incomplete, so nothing was done. Open the item again.") from None
