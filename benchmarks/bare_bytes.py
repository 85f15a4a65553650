"""The limit of an answer that the workbench waits for: a bare Django view that returns the same bytes.

The file named by BENCH_BYTES holds them.
"""

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

_BYTES = Path(os.environ["BENCH_BYTES"]).read_bytes()


def answer(request: HttpRequest) -> HttpResponse:
    """Always the same."""
    return HttpResponse(_BYTES)


urlpatterns = [path("", answer)]

if not settings.configured:
    settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="benchmarks.bare_bytes")
    application = get_wsgi_application()
