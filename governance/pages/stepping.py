"""A step on a page of a system: proven where it has to be, carried out, and told on the same page."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from governance.models import System
from governance.pages import access
from governance.refusals import Refused


def stepped(
    request: HttpRequest, system: System, room: str, *, step: Callable[[HttpRequest, System], str],
    page: Callable[..., HttpResponse], is_proven: bool,
) -> HttpResponse:  # fmt: skip
    """The answer to a posted step: a fresh sign-in first where `is_proven` asks for it, then the room with what `step`
    says of itself, or its page with the refusal."""
    if is_proven and (asked := access.afresh(request)):
        return asked
    try:
        done = step(request, system)
    except Refused as refusal:
        return page(request, access.system(request, system.slug), refusal=refusal)
    messages.success(request, done)
    return redirect(room, slug=system.slug)
