"""Everything that goes wrong in the API, as RFC 9457 says it: one shape, a stable code, no inside shown."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import connections
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from structlog.contextvars import get_contextvars

from governance.api.rendering import JSONRenderer
from governance.refusals import Problem, Refused

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("django.request")


class Malformed(Refused):
    """The body is no JSON at all."""

    code = "malformed"
    status = 400


class TooLarge(Refused):
    """The body is longer than this door takes."""

    code = "too_large"
    status = 413


def problem(
    status: int, code: str, detail: str | None = None, *, errors: Sequence[Problem] = (), instance: str | None = None
) -> dict[str, Any]:
    """The members of a problem. `instance` defaults to the id of the request, which the log carries too."""
    body: dict[str, Any] = {
        "type": f"urn:countersign:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
    }
    if detail:
        body["detail"] = detail
    instance = instance or get_contextvars().get("request_id")
    if instance:
        body["instance"] = f"urn:countersign:request:{instance}"
    if errors:
        body["errors"] = [error.as_dict() for error in errors]
    return body


def of(refused: Refused) -> dict[str, Any]:
    """The problem that a refusal is."""
    return problem(refused.status, refused.code, refused.sentence, errors=refused.errors)


def problem_response(exc: Exception, context: dict[str, Any]) -> Response:
    """What the API answers to an exception: a refusal's own words, the framework's, or a bare 500."""
    if isinstance(exc, ReauthenticationRequired):
        raise exc  # whoever followed a link is sent to sign in afresh, by a middleware
    body, headers = _told(exc)
    if body["status"] >= 500:
        request = context["request"]._request if context.get("request") is not None else None
        _log.error("The API failed.", exc_info=exc, extra={"status_code": body["status"]})
        got_request_exception.send(sender=None, request=request)
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
    if context.get("request") is not None:
        # A view that answers CSV or NDJSON fails in JSON all the same.
        context["request"].accepted_renderer = JSONRenderer()
        context["request"].accepted_media_type = JSONRenderer.media_type
    return Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def _told(exc: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    if isinstance(exc, Refused):
        return of(exc), {}
    if isinstance(exc, exceptions.APIException):
        return _of_framework(exc)
    if isinstance(exc, Http404):
        return problem(404, "not_found", "There is nothing here."), {}
    if isinstance(exc, PermissionDenied):
        return problem(403, "not_allowed", "This is not allowed."), {}
    if isinstance(exc, RequestDataTooBig):
        return problem(413, "too_large", "The body is longer than this door takes."), {}
    if isinstance(exc, SuspiciousOperation):
        return problem(400, "malformed", "The request cannot be understood."), {}
    return problem(500, "failed", "Something failed on our side. It was logged under this request's id."), {}


_CODES = {
    "not_authenticated": "not_authenticated",
    "authentication_failed": "not_authenticated",
    "permission_denied": "not_allowed",
    "parse_error": "malformed",
}


def _of_framework(exc: exceptions.APIException) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else "invalid"
    if isinstance(exc, exceptions.ValidationError):
        return problem(422, "invalid", "What was sent is not valid.", errors=_errors(exc.detail)), headers
    detail = str(exc.detail) if not isinstance(exc.detail, (list, dict)) else None
    return problem(exc.status_code, _CODES.get(code, code), detail), headers


def _errors(detail: Any, at: str = "") -> list[Problem]:
    if isinstance(detail, dict):
        return [error for key, inner in detail.items() for error in _errors(inner, f"{at}/{key}")]
    if isinstance(detail, list):
        return [error for inner in detail for error in _errors(inner, at)]
    return [Problem(at, getattr(detail, "code", "invalid"), str(detail))]
