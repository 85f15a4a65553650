"""Where a no becomes an answer: a page for a person, its refused part for htmx, a problem for a program."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render

from governance.api import problems
from governance.api.rendering import encode
from governance.refusals import Invalid, Refused, SignedOut

_PAGES = {400: "400.html", 403: "403.html", 404: "404.html", 500: "500.html"}


class RefusalPages:
    """Middleware: a `Refused` raised in a page becomes that page's answer, with the refusal's status and sentence.

    What no page can keep, since PostgreSQL's text cannot hold it, is refused here for all of them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        is_sent_away = answer.status_code == 302 and answer.get("Location", "").startswith(settings.LOGIN_URL)
        if is_sent_away and request.method == "POST" and getattr(request, "htmx", False):
            # The sign-in page would take the place of a form, and of all that was typed into it.
            return refused(request, SignedOut("You are signed out. What you typed is still here."))
        return answer

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Django's hook before a view. The API reads its own bodies, and a page what its address asks for."""
        if _is_api(request) or not _has_null(request.POST):
            return None
        return refused(request, Invalid("The text has a null character (U+0000), which cannot be kept. Take it out."))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's hook for what a view raised; None leaves everything else to Django."""
        return refused(request, exception) if isinstance(exception, Refused) else None


def _has_null(data: QueryDict) -> bool:
    return any("\0" in text for _, texts in data.lists() for text in texts)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The answer to a refusal: for htmx the part alone, to stand above what the page shows."""
    if _is_api(request):
        return _problem(problems.of(refusal))
    words = {"sentence": refusal.sentence, "errors": refusal.errors, "request_id": _id(request)}
    if isinstance(refusal, SignedOut):
        words["sign_in_url"] = settings.LOGIN_URL
    if getattr(request, "htmx", False):
        answer = render(request, "_refused.html", words, status=refusal.status)
        answer["HX-Retarget"], answer["HX-Reswap"], answer["HX-Reselect"] = "#main", "afterbegin", "#refused"
        return answer
    return render(request, _PAGES.get(refusal.status, "refused.html"), words, status=refusal.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig) and not _is_api(request):
        most = settings.MAX_BUNDLE_BYTES // 1024**2
        sentence = f"This is too large: a form takes files of at most {most} MiB, and other fields much less."
        return render(request, "refused.html", {"sentence": sentence, "request_id": _id(request)}, status=413)
    return _framework(request, 400, "malformed", "The request cannot be understood.")


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _framework(request, 403, "not_allowed", "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _framework(request, 404, "not_found", "There is nothing here.")


def failed(request: HttpRequest) -> HttpResponse:
    return _framework(request, 500, "failed", "Something failed on our side. It was logged under this request's id.")


def _framework(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if _is_api(request):
        return _problem(problems.problem(status, code, detail))
    return render(request, _PAGES[status], {"request_id": _id(request)}, status=status)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _id(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")


def _problem(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(encode(body), status=body["status"], content_type=problems.MEDIA_TYPE)
