"""Statements that go out together: none waits for the answer to the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def one_trip() -> Iterator[None]:
    """PostgreSQL's pipeline mode for a few raw statements of a transaction.

    An answer is there when it is fetched. Nothing of the ORM belongs inside: it reads row counts before they are known.
    """
    connection.ensure_connection()
    with connection.connection.pipeline():
        yield
