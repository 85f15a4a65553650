"""What every answer tells the browser about safety. The Content-Security-Policy is a constant, without a nonce."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
_UNUSED = "accelerometer camera display-capture fullscreen geolocation gyroscope microphone midi payment usb".split()
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
}


class SecurityHeaders:
    """Middleware: the headers above on every answer, and no copy of a page kept that somebody had to sign in for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response[name] = value
        if _is_personal(request) and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response


def _is_personal(request: HttpRequest) -> bool:
    # A session that nobody looked at belongs to no answer; touching it here would read it from the store.
    session = getattr(request, "session", None)
    return bool(request.headers.get("Authorization")) or bool(session is not None and session.accessed)
