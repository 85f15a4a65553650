"""Where a no becomes an answer: a page for a person, its refused part for htmx, a problem for a program."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from governance.api import problems
from governance.api.rendering import encode
from governance.refusals import Refused

_PAGES = {400: "400.html", 403: "403.html", 404: "404.html", 500: "500.html"}


class RefusalPages:
    """Middleware: a `Refused` raised in a page becomes that page's answer, with the refusal's status and sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's hook for what a view raised; None leaves everything else to Django."""
        return refused(request, exception) if isinstance(exception, Refused) else None


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The answer to a refusal: for htmx the part alone, to stand above what the page shows."""
    if _is_api(request):
        return _problem(problems.of(refusal))
    words = {"sentence": refusal.sentence, "errors": refusal.errors, "request_id": _id(request)}
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
