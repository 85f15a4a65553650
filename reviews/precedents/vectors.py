"""Whether the database has the extension pgvector. Without it, like cases are found in other ways."""

from __future__ import annotations

import time
from typing import Final

from django.db import connection

ASK_AGAIN_SECONDS: Final = 600.0
_there = False
_asked_at: float | None = None


def has_vectors() -> bool:
    """Whether `vector` is a type here. A process that has seen it asks no more, one that has not every ten minutes."""
    global _there, _asked_at
    if _there or (_asked_at is not None and time.monotonic() - _asked_at < ASK_AGAIN_SECONDS):
        return _there
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regtype('vector') IS NOT NULL")
        _there, _asked_at = cursor.fetchone()[0], time.monotonic()
    return _there
