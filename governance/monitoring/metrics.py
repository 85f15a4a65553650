"""`/metrics` for Prometheus: what the tables say now, and what this machine's web processes have answered.

An app adds its own gauges with `register`; each is one cheap, bounded statement.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

MOST = 100_000  # counts stop here: a scrape never walks a table that grew
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_answered = Histogram(
    "countersign_request_seconds", "Time to answer a request, waiting for a decision left out.",
    ["method", "route", "status"], buckets=_SECONDS,
)  # fmt: skip


@dataclass(frozen=True)
class Gauge:
    """A number kept in the database. `sql` answers one row of one number; null counts as 0."""

    name: str
    about: str
    sql: str


def at_most(table: str, condition: str) -> str:
    """SQL that counts the rows of a table under a condition, up to MOST."""
    return f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {condition} LIMIT {MOST}) AS counted"  # noqa: S608


_gauges: dict[str, Gauge] = {}


def register(*gauges: Gauge) -> None:
    """Show these gauges too; called while the apps load."""
    _gauges.update({gauge.name: gauge for gauge in gauges})


class Tables(Collector):
    """The registered gauges, read when Prometheus asks. One that cannot be read is left out."""

    def collect(self) -> Iterator[Metric]:
        """One family a gauge."""
        for gauge in _gauges.values():
            try:
                with connection.cursor() as cursor:
                    cursor.execute(gauge.sql)
                    value = cursor.fetchone()[0]
            except DatabaseError:
                continue  # /healthz says that the database is gone; a made-up 0 here would hide it
            yield GaugeMetricFamily(gauge.name, gauge.about, value=float(value or 0))


class RequestMeter:
    """Middleware: counts and times every request by its route, never by its path."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        route = request.resolver_match.route if request.resolver_match else "unknown"
        method = request.method if request.method in _METHODS else "other"
        _answered.labels(method, route, response.status_code).observe(time.perf_counter() - began)
        return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(Tables())
    shared = CollectorRegistry()
    if _SHARED in os.environ:
        MultiProcessCollector(shared)
    else:
        shared = REGISTRY
    return HttpResponse(generate_latest(registry) + generate_latest(shared), content_type=CONTENT_TYPE_LATEST)


def directory() -> Path:
    """Where the web processes of this machine keep their counters while they run."""
    return Path(settings.HOME) / "run" / "metrics"


def forget_processes() -> None:
    """Empty the directory: the counters of processes that are gone. Called before the web processes start."""
    shutil.rmtree(directory(), ignore_errors=True)
    directory().mkdir(parents=True)


register(
    Gauge(
        "countersign_letters_pending",
        "E-mails not sent yet.",
        at_most("governance_letter", "next_attempt_at IS NOT NULL"),
    ),
    Gauge(
        "countersign_letters_dead",
        "E-mails of the last month that were given up.",
        at_most("governance_letter", "dead_at IS NOT NULL"),
    ),
    Gauge(
        "countersign_evidence_pending",
        "Evidence entries not sealed yet.",
        at_most("governance_pendingentry", "true"),
    ),
    Gauge(
        "countersign_evidence_pending_oldest_seconds",
        "Age of the oldest evidence entry not sealed yet.",
        "SELECT extract(epoch FROM now() - min(at)) FROM (SELECT at FROM governance_pendingentry AS pending "
        "JOIN governance_entry AS entry ON entry.id = pending.entry_id ORDER BY pending.entry_id LIMIT 1) AS oldest",
    ),
)
