"""The limit that single intake is measured against: a bare Django view with one INSERT, served by the same server."""

import json
from uuid import UUID

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from uuid_utils.compat import uuid7

from governance.project import settings as ours

TABLE = "bench_bare_output"
_INSERT = f"INSERT INTO {TABLE} (id, system_id, external_id, body) VALUES (%s, %s, %s, %s)"
_SYSTEM = UUID(int=1)


def insert(request: HttpRequest) -> HttpResponse:
    """One row in, one short answer out."""
    body = json.loads(request.body)
    id = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [id, _SYSTEM, body["external_id"], request.body.decode()])
    return HttpResponse(json.dumps({"id": str(id)}), status=201, content_type="application/json")


def make_table() -> None:
    """An empty table with a primary key and a unique one."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        cursor.execute(
            f"CREATE TABLE {TABLE} (id uuid PRIMARY KEY, system_id uuid, external_id text, body text, "
            "received_at timestamptz DEFAULT now(), UNIQUE (system_id, external_id))"
        )


urlpatterns = [path("insert/", insert)]

if not settings.configured:
    settings.configure(
        DATABASES=ours.DATABASES, SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="benchmarks.bare", USE_TZ=True
    )
    application = get_wsgi_application()
