"""A lead's queue: who is on, what waits, what flows, and what she does about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance import clock
from governance.models import Person
from governance.pages import access
from governance.people import presence, roles
from governance.people.actors import Actor
from governance.policies.calendarwords import calendar_words
from governance.refusals import Conflict, Invalid, NotFound, Refused
from reviews.decisions import export
from reviews.models import Item, Queue
from reviews.queue.standing import standing
from reviews.routing import flow, leading
from reviews.routing.sharing import WHY_NOT

VERB: Final = leading.VERB
MAY: Final = "may"
_NOTHING: Final = "There is nothing here."
_COLUMNS: Final = ("at", "item", "queue", "rule", "person", "name", "has", "why_not", "words")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, id: UUID) -> HttpResponse:
    """One queue as its lead sees it; a POST moves, pauses, closes, or says how much somebody takes."""
    queue = _queue(request, id)
    refusal: Refused | None = None
    if request.method == "POST":
        step = _STEPS.get(request.POST.get("do", ""))
        try:
            if step is None:
                raise Invalid("A queue can be paused, closed, or its items moved.")
            messages.success(request, step(request, queue, access.actor(request, queue.system)))
        except (Conflict, Invalid) as refused:
            refusal = refused
        else:
            return redirect("queue-lead", queue.pk)
    return render(request, "queue_lead.html", _told(queue, refusal), status=refusal.status if refusal else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def who(request: HttpRequest, id: UUID) -> HttpResponse:
    """Who may take one item, and why not the others; a POST gives it to somebody."""
    item = Item.objects.select_related("queue__system", "output").filter(pk=id).first()
    if item is None or item.queue is None:
        raise NotFound(_NOTHING)
    _may(request, item.queue)
    actor = access.actor(request, item.queue.system)
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            person = _person(request)
            leading.give_to(item, person, by=actor)
        except Refused as refused:
            refusal = refused
        else:
            messages.success(request, f"{person} has it now.")
            return redirect("queue-lead", item.queue.pk)
    everybody = [
        {"person": p, "her": her, "against": against and WHY_NOT[against], "key": against or MAY}
        for p, her, against in leading.who_may(item, by=actor)
    ]
    chosen = request.GET.get("why", "")
    rows = [row for row in everybody if chosen in ("", row["key"])]
    if request.GET.get("format") == "csv":
        return _sheet(item, rows)
    counts = Counter(str(row["key"]) for row in everybody)
    words = {MAY: "may take it", **WHY_NOT}
    reasons = [{"key": key, "words": words[key], "count": count} for key, count in counts.items()]
    context = {"item": item, "queue": item.queue, "rows": rows, "refusal": refusal, "may": counts[MAY],
               "chosen": chosen, "reasons": reasons}  # fmt: skip
    return render(request, "queue_who.html", context, status=refusal.status if refusal else 200)


def _sheet(item: Item, rows: list[dict[str, Any]]) -> HttpResponse:
    """The same as a table for a spreadsheet: who may take the item at this moment, and why not the others."""
    now, queue = clock.now().isoformat(), item.queue.slug if item.queue else ""
    about = (now, str(item.pk), queue, str(item.route.get("rule", "")))
    told = [
        (*about, str(row["person"].pk), str(row["person"]), str(row["her"].load), row["key"],
         row["against"] or "may take it")
        for row in rows
    ]  # fmt: skip
    cells = [[export.harmless(text) for text in each] for each in told]
    answer = HttpResponse(export.lines([_COLUMNS, *cells]), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="who-may-{item.pk}.csv"'
    return answer


def _told(queue: Queue, refusal: Refused | None) -> dict[str, Any]:
    now, items, people, counts = standing(queue)
    hours = flow.hourly(queue.pk)
    flow.forget()
    pace = flow.pace(queue.system_id, queue.slug)
    others = Queue.objects.filter(system=queue.system_id, moves_to=None).exclude(pk=queue.pk).order_by("slug")
    return {
        "queue": queue, "now": now, "items": items, "people": people, "counts": counts, "hours": hours, "pace": pace,
        "empties": flow.empty_in(pace, hours) if pace else None, "wait": pace.wait(pace.waiting) if pace else None,
        "calendar": calendar_words(pace.calendar) if pace and pace.calendar else "", "others": others,
        "came": [hour.came for hour in hours], "went": [hour.went for hour in hours], "refusal": refusal,
    }  # fmt: skip


def _queue(request: HttpRequest, id: UUID) -> Queue:
    queue = Queue.objects.select_related("system", "moves_to").filter(pk=id).first()
    if queue is None:
        raise NotFound(_NOTHING)
    _may(request, queue)
    return queue


def _may(request: HttpRequest, queue: Queue) -> None:
    access.systems(request, "see the queue")
    roles.require(access.person(request), VERB, queue.system)


def _other(request: HttpRequest, queue: Queue) -> Queue:
    slug = request.POST.get("to", "")
    found = Queue.objects.select_related("system").filter(system=queue.system_id, slug=slug).first()
    if found is None:
        raise Invalid("Choose a queue of the same system.")
    return found


def _move(request: HttpRequest, queue: Queue, by: Actor) -> str:
    named = request.POST.getlist("item")
    if not named and request.POST.get("all") != "yes":
        raise Invalid("Choose the items to move.")
    try:
        items = [UUID(each) for each in named]
    except ValueError as error:
        raise Invalid("Choose the items to move.") from error
    to = _other(request, queue)
    moved = leading.move(queue, to, by=by, items=items or None)
    return f"{moved} item{'' if moved == 1 else 's'} moved to {to.slug}."


def _pause(request: HttpRequest, queue: Queue, by: Actor) -> str:
    leading.pause(queue, by=by)
    return "The queue is paused: nobody is given anything of it."


def _resume(request: HttpRequest, queue: Queue, by: Actor) -> str:
    leading.resume(queue, by=by)
    return "The queue goes on."


def _close(request: HttpRequest, queue: Queue, by: Actor) -> str:
    to = _other(request, queue)
    moved = leading.close(queue, to, by=by)
    return f"The queue is closed. {moved} item{'' if moved == 1 else 's'} went to {to.slug}, and what comes follows."


def _reopen(request: HttpRequest, queue: Queue, by: Actor) -> str:
    leading.reopen(queue, by=by)
    return "The queue is open again."


def _person(request: HttpRequest) -> Person:
    found = next((p for p in Person.objects.filter(is_active=True) if str(p.pk) == request.POST.get("person")), None)
    if found is None:
        raise Conflict("That person has no access any more.")
    return found


def _capacity(request: HttpRequest, queue: Queue, by: Actor) -> str:
    person, said = _person(request), request.POST.get("most", "").strip()
    if said and not (said.isascii() and said.isdigit() and len(said) <= 4):
        raise Invalid("A capacity is a whole number; empty is as many as everybody.")
    leading.set_capacity(queue, person, int(said) if said else None, by=by)
    return f"{person} takes {said or 'as many as everybody'} at a time."


def _send_off(request: HttpRequest, queue: Queue, by: Actor) -> str:
    person = _person(request)
    presence.pause(person, by=by)
    return f"{person} is given nothing new."


def _call_back(request: HttpRequest, queue: Queue, by: Actor) -> str:
    person = _person(request)
    presence.resume(person, by=by)
    return f"{person} is given items again."


_STEPS: Final[dict[str, Callable[[HttpRequest, Queue, Actor], str]]] = {
    "move": _move, "pause": _pause, "resume": _resume, "close": _close, "reopen": _reopen, "capacity": _capacity,
    "pause-person": _send_off, "resume-person": _call_back,
}  # fmt: skip
