"""Lists by keyset: a page begins after the last row of the one before, and costs the same at any depth."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from governance.refusals import Invalid, Problem

ROWS = 50
MOST_ROWS = 200
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in the list's order, and the opaque cursors of the pages on either side (None where the list ends)."""

    rows: list[Row]
    next: str | None
    previous: str | None


def page(rows: QuerySet[Row], *, cursor: str = "", newest_first: bool = True, size: int = ROWS) -> Page[Row]:
    """One page of `rows`, ordered by id: one query of `size` + 1 rows. Raises Invalid for a cursor that is not ours."""
    backward, start = _read(cursor) if cursor else (False, None)
    descending = newest_first is not backward
    found = rows.order_by("-pk" if descending else "pk")
    if start is not None:
        found = found.filter(**{"pk__lt" if descending else "pk__gt": start})
    taken = list(found[: size + 1])
    more, taken = len(taken) > size, taken[:size]
    if backward:
        taken.reverse()
    has_next, has_previous = (start is not None, more) if backward else (more, start is not None)
    if not taken:
        return Page([], None, None)
    return Page(
        taken,
        _write("a", taken[-1].pk) if has_next else None,
        _write("b", taken[0].pk) if has_previous else None,
    )


def answer(
    rows: QuerySet[Row], request: Request, render: Callable[[Row], Any], *, newest_first: bool = True
) -> dict[str, Any]:
    """`{results, next, previous}` for an API list: `?cursor=` and `?limit=` (at most 200) are read from the request."""
    found = page(
        rows, cursor=request.query_params.get("cursor", ""), newest_first=newest_first,
        size=_limit(request.query_params.get("limit")),
    )  # fmt: skip
    return {
        "results": [render(row) for row in found.rows],
        "next": _link(request, found.next),
        "previous": _link(request, found.previous),
    }


def _link(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _limit(text: str | None) -> int:
    if text is None:
        return ROWS
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_ROWS):
        raise _wrong("limit", f"This is a number from 1 to {MOST_ROWS}.")
    return int(text)


def _write(side: str, key: UUID) -> str:
    return base64.urlsafe_b64encode(side.encode() + key.bytes).decode().rstrip("=")


def _read(cursor: str) -> tuple[bool, UUID]:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 17 or data[:1] not in (b"a", b"b"):
        raise _wrong("cursor", "This is no cursor of this list.")
    return data[:1] == b"b", UUID(bytes=data[1:])


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(f"{name}: {detail}", errors=[Problem(f"?{name}", "invalid", detail)])
