"""Logging: one event a line, with the request and trace it belongs to, and never the text of a payload."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars
from structlog.typing import EventDict, Processor

from governance.project import traces

# Under these names travels what producers and reviewers wrote, and what opens doors.
_PAYLOADS = frozenset(
    "alternatives attributes authorization body comment content cookie corrected data email explanation input inputs "
    "key lines output outputs params password payload query_string secret text token value values".split()
)
DROPPED = "[not logged]"
# No request line a second from whoever asks whether we are well.
_QUIET_PATHS = ("/healthz", "/metrics", "/static/")

_requests = structlog.get_logger("countersign.web")


def without_payloads(_: object, __: str, event: EventDict) -> EventDict:
    """The event with every value under a payload's name replaced, at any depth."""
    return {key: DROPPED if key.lower() in _PAYLOADS else _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: DROPPED if str(key).lower() in _PAYLOADS else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _without_exception_text(_: object, __: str, event: EventDict) -> EventDict:
    """Exceptions as their type and the places they passed: their text may quote a payload (a failing row)."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if not info or info[0] is None:
        return event
    places, trace = [], info[2]
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {**event, "exception": info[0].__name__, "where": places[-12:]}


def configure(form: str, level: str) -> None:
    """Send all logging, the libraries' too, to standard error: `json` for machines, `console` for a person."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Somebody who asks for DEBUG is developing, and needs to read what went wrong.
        *([structlog.processors.format_exc_info] if level.upper() == "DEBUG" else [_without_exception_text]),
        without_payloads,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    lines = logging.StreamHandler()
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(handlers=[lines], level=level.upper(), force=True)
    noisy = ("celery.app.trace", "celery.beat", "celery.worker.strategy", "django.db.backends", "httpx", "httpcore")
    for name in noisy:
        logging.getLogger(name).setLevel(logging.WARNING)
    # One line for a request is ours; Django's own repeats the path of every 4xx.
    logging.getLogger("django.request").setLevel(logging.ERROR)


class RequestLog:
    """Middleware: gives each request its id and trace, answers with the id, and logs one line about it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = traces.request_id(request.headers.get("X-Request-Id"))
        request.request_id = request_id  # type: ignore[attr-defined]
        request.traceparent = traces.traceparent(request.headers.get("traceparent"))  # type: ignore[attr-defined]
        clear_contextvars()
        bind_contextvars(request_id=request_id, traceparent=traces.child_of(request.traceparent))  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            if not request.path.startswith(_QUIET_PATHS):
                self._tell(request, response, began)
        finally:
            clear_contextvars()
        return response

    def _tell(self, request: HttpRequest, response: HttpResponseBase, began: float) -> None:
        route = request.resolver_match.route if request.resolver_match else None
        ms = round((time.perf_counter() - began) * 1000, 1)
        level = logging.ERROR if response.status_code >= 500 else logging.INFO
        _requests.log(level, "request", method=request.method, route=route, status=response.status_code, ms=ms)


def send_context(headers: dict[str, Any] | None = None, **_: object) -> None:
    """For Celery's `before_task_publish`: put the request id and trace into the headers of the task."""
    if headers is not None:
        headers["countersign"] = traces.carried(get_contextvars())


def receive_context(task: Any = None, **_: object) -> None:
    """For Celery's `task_prerun`: bind the id and trace that the task came with."""
    clear_contextvars()
    came = getattr(task.request, "countersign", None) or {}
    bind_contextvars(task=task.name, **{key: came[key] for key in traces.CARRIED if key in came})


def drop_context(**_: object) -> None:
    """For Celery's `task_postrun`: the next task starts with nothing bound."""
    clear_contextvars()


def configured(**_: object) -> None:
    """For Celery's `setup_logging`: being connected is enough to keep Celery from setting up its own."""
