"""`/queue/keys/`: which key does what at the workbench, for the person who is signed in."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.pages import access
from governance.people import accounts
from governance.refusals import Invalid
from reviews.pages.desk import keys
from reviews.pages.queue import REVIEW


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The form with her keys; what it sends becomes them, or the usual ones again."""
    access.systems(request, REVIEW)
    person, actor = access.person(request), access.actor(request)
    if request.method != "POST":
        return _page(request, keys.bound(person), is_single=person.uses_single_keys)
    is_single = "single" in request.POST
    try:
        chosen = {} if "reset" in request.POST else keys.read(request.POST)
    except Invalid as refused:
        typed = {name: request.POST.get(name, "")[:8] for name in keys.USUAL}
        return _page(request, typed, is_single=is_single, refused=refused)
    accounts.set_keys(person, chosen, uses_single_keys=is_single or "reset" in request.POST, by=actor)
    messages.success(request, "Your keys are as usual again." if "reset" in request.POST else "Your keys are kept.")
    return redirect("queue-keys")


def _page(
    request: HttpRequest, shown: dict[str, str], *, is_single: bool, refused: Invalid | None = None
) -> HttpResponse:
    wrong = {problem.pointer[1:]: problem.detail for problem in refused.errors} if refused else {}
    rows: list[dict[str, Any]] = [
        {"name": name, "key": shown[name], "usual": usual, "word": word, "error": wrong.get(name, "")}
        for name, usual, word in keys.ACTIONS
    ]
    context = {"rows": rows, "is_single": is_single, "sentence": refused.sentence if refused else ""}
    return render(request, "bindings.html", context, status=refused.status if refused else 200)
