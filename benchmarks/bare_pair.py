"""The limit that claiming and deciding are measured against: two bare views, one raw statement each, same server."""

import json
from uuid import UUID, uuid4

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from governance.project import settings as ours

TABLE = "bench_bare_item"
CLAIM = f"""
UPDATE {TABLE} SET claimed_by = %s, token = %s, expires_at = now() + interval '10 minutes'
WHERE id = (SELECT id FROM {TABLE} WHERE closed_at IS NULL AND (expires_at IS NULL OR expires_at <= now())
            ORDER BY urgent_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, body
"""
DECIDE = f"UPDATE {TABLE} SET closed_at = now(), verdict = %s WHERE id = %s AND token = %s AND closed_at IS NULL"


def claim(request: HttpRequest) -> HttpResponse:
    """The next row, now in the caller's hands."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [json.loads(request.body)["person"], token])
        id, body = cursor.fetchone()
    return _answer({"item": {"id": str(id), "body": body}, "claim": {"token": str(token)}})


def decide(request: HttpRequest, id: UUID) -> HttpResponse:
    """The row closed, when the token is its own."""
    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(DECIDE, [body["verdict"], id, body["claim_token"]])
        return _answer({}, status=200 if cursor.rowcount else 409)


def _answer(told: dict[str, object], status: int = 200) -> HttpResponse:
    body = json.dumps(told).encode()
    return HttpResponse(body, status=status, headers={"Content-Length": str(len(body))})


def fill(rows: int) -> None:
    """A table of so many open rows, with the index that a queue needs."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        cursor.execute(
            f"CREATE TABLE {TABLE} (id uuid PRIMARY KEY, urgent_at timestamptz, claimed_by int, token uuid, "
            "expires_at timestamptz, closed_at timestamptz, verdict text, body text)"
        )
        cursor.execute(
            f"INSERT INTO {TABLE} (id, urgent_at, body) SELECT gen_random_uuid(), now() + g * interval '1 ms', %s "
            "FROM generate_series(1, %s::int) g",
            ["x" * 300, rows],
        )
        cursor.execute(f"CREATE INDEX ON {TABLE} (urgent_at, id) WHERE closed_at IS NULL")
        cursor.execute(f"ANALYZE {TABLE}")


urlpatterns = [path("next/", claim), path("<uuid:id>/decide/", decide)]

if not settings.configured:
    settings.configure(
        DATABASES=ours.DATABASES, SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="benchmarks.bare_pair",
        USE_TZ=True,
    )  # fmt: skip
    application = get_wsgi_application()
