"""What a list of outputs can be asked for. A filter that cannot be understood is refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from governance.models import Output, is_final
from governance.models.outputs import STATUSES
from governance.policies.operators import instant
from governance.refusals import Invalid, Problem

_PAGING: Final = ("cursor", "limit", "format")
_PLAIN: Final = {
    "system": "system__slug",
    "rule": "rule",
    "model_version": "model_version",
    "external_id": "external_id",
}
KNOWN: Final = (*_PLAIN, "status", "from", "to")


def apply(outputs: QuerySet[Output], asked: Mapping[str, str]) -> QuerySet[Output]:
    """The outputs that were asked for, with `is_final`. Raises Invalid for filters and values that mean nothing."""
    for name in asked:
        if name not in (*KNOWN, *_PAGING):
            raise _wrong(name, f"This filter is not known. Known are {', '.join(KNOWN)}.")
    final = ExpressionWrapper(is_final(), output_field=BooleanField())
    found = outputs.select_related("system").annotate(is_final=final)
    for name, column in _PLAIN.items():
        if name in asked:
            if "\0" in asked[name]:
                raise _wrong(name, "This holds a NUL character.")
            found = found.filter(**{column: asked[name]})
    if "from" in asked:
        found = found.filter(received_at__gte=_moment("from", asked["from"]))
    if "to" in asked:
        found = found.filter(received_at__lt=_moment("to", asked["to"]))
    return _with_status(found, asked["status"]) if "status" in asked else found


def seconds(asked: Mapping[str, str]) -> int | None:
    """`?wait=` in seconds; None when it is not asked for. Raises Invalid for what is no number of seconds."""
    text = asked.get("wait")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _wrong("wait", "This is a number of seconds, at most 55.")
    return int(text)


def _with_status(outputs: QuerySet[Output], status: str) -> QuerySet[Output]:
    """By the status that a producer is told: what can still be undone is in review."""
    if status not in STATUSES:
        raise _wrong("status", f"This is one of {', '.join(STATUSES)}.")
    if status == "in_review":
        return outputs.filter(Q(final_at=None) | ~Q(is_final=True))
    return outputs.filter(is_final(), status=status)


def _moment(name: str, text: str) -> datetime:
    moment = instant(text.replace(" ", "+"))
    if moment is None:
        raise _wrong(name, "This is a time such as 2026-03-01T00:00:00Z.")
    return moment


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(f"{name}: {detail}", errors=[Problem(f"?{name}", "invalid", detail)])
