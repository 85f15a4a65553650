"""A transaction in few round trips: statements go out without waiting for the answers to those before them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def few_trips() -> Iterator[None]:
    """`transaction.atomic()` in PostgreSQL's pipeline mode. An answer is waited for when it is fetched, and at the end.

    What a statement raises is raised at the next fetch or at the end of the block, so nothing in the block may depend
    on a statement having succeeded that was not fetched.
    """
    connection.ensure_connection()
    with connection.connection.pipeline(), transaction.atomic():
        yield
