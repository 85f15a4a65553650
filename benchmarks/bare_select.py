"""The limit for a page: a bare view that runs the page's own SELECT and writes its rows out, served by the same server.

The statements are lines of JSON in the file that BENCH_SELECTS names; `/N/` runs number N.
"""

import json
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from governance.project import settings as ours

STATEMENTS = [json.loads(line) for line in Path(os.environ.get("BENCH_SELECTS", os.devnull)).read_text().splitlines()]


def select(request: HttpRequest, number: int) -> HttpResponse:
    """All rows of one statement, as text."""
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS[number])
        return HttpResponse(json.dumps(cursor.fetchall(), default=str), content_type="application/json")


urlpatterns = [path("<int:number>/", select)]

if not settings.configured:
    settings.configure(
        DATABASES=ours.DATABASES, SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="benchmarks.bare_select",
        USE_TZ=True,
    )  # fmt: skip
    application = get_wsgi_application()
