"""`/queue/`: what waits for me, what is in my hand, what I decided last, and the way to the next item."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance import clock
from governance.pages import access
from governance.people import roles
from reviews import queue
from reviews.decisions.bulk import undoable
from reviews.pages.desk.alike import standing_decisions
from reviews.pages.desk.session import LAST, last_made
from reviews.pages.desk.summary import sat_lately, summary
from reviews.queue.handing import written_to
from reviews.queue.waiting import all_waiting, in_hand, put_off, reminded, reminded_leads, what_waits

VERB = "see the queue"
REVIEW = "review items"
NOTHING_LEFT = "Nothing more waits for you."


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The queues she reviews in. An owner, who may look but not decide, sees them without the button."""
    systems = access.systems(request, VERB)
    person, actor = access.person(request), access.actor(request)
    can_review = roles.may(person, REVIEW)
    waiting = what_waits(actor) if can_review else all_waiting(systems)
    held = in_hand(actor) if can_review else []
    now = waiting[0].now if waiting else clock.now()
    decisions = standing_decisions(person.pk, LAST) if can_review else []
    context = {
        "waiting": waiting, "held": [each for each in held if not each.is_soft],
        "put_off": put_off(actor) if can_review else [], "now": now, "can_review": can_review,
        "at_once": undoable(actor) if can_review else None, "notes": written_to(actor) if can_review else [],
        "reminded": reminded(actor) if can_review else [], "late_queues": reminded_leads(actor) if can_review else [],
        "total": sum(each.count for each in waiting), "is_capped": any(each.is_capped for each in waiting),
        "leads": roles.may(person, "lead the queue"),
        "late": [each for each in waiting if each.is_late], "last": last_made(decisions, now),
        "keys": [{"key": "Enter", "word": "review the next one"}],
    }  # fmt: skip
    return render(request, "queue.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def take_next(request: HttpRequest) -> HttpResponse:
    """Claims the most urgent item she may take, and goes there; of one queue, when it is named."""
    access.systems(request, REVIEW)
    if request.method != "POST":
        return redirect("queue")
    return to_next(request, slug=request.POST.get("queue") or None)


@login_required
@require_safe
def show_summary(request: HttpRequest) -> HttpResponse:
    """What her last sitting came to."""
    access.systems(request, REVIEW)
    person = access.person(request)
    waiting = what_waits(access.actor(request))
    context = {"summary": summary(person), "left": sum(each.count for each in waiting), "me": person.pk}
    return render(request, "summary.html", context)


def to_next(request: HttpRequest, *, slug: str | None = None) -> HttpResponse:
    """The way to the next item; when there is none, to what the sitting came to, or back to the queue."""
    claim = queue.claim_next(access.actor(request), queue=slug)
    if claim is None:
        messages.info(request, NOTHING_LEFT)
        return redirect("queue-summary" if sat_lately(access.person(request)) else "queue")
    return redirect("review", claim.item)
