"""The demand for a second factor, where the installation makes it: nothing else opens before it is set up."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from governance.models import Person
from governance.people import roles
from governance.project.refusals import refused
from governance.refusals import NotAllowed


class Demand:
    """Middleware: who has a role that asks for a second factor, and none yet, gets to set one up and nowhere else.

    Keys of programs prove themselves otherwise.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Django's hook before a view; None lets the request through."""
        is_api = request.path.startswith("/api/")
        # Only the API reads this header, and then it reads no session: on a page it opens nothing.
        has_key = is_api and bool(request.headers.get("Authorization"))
        if not settings.SECOND_FACTOR or has_key or request.path.startswith("/account/"):
            return None
        person = request.user
        if not isinstance(person, Person) or person.second_factor_at or not roles.is_privileged(person):
            return None
        if is_api or getattr(request, "htmx", False):
            return refused(request, NotAllowed("Your role asks for a second factor: set one up under your name first."))
        return redirect("mfa_index")
