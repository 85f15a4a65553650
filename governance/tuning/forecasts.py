"""Forecast against actual: what the replay that was signed said, and what came of it after a day, a week, a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from governance.models import PolicyVersion
from governance.policies.candidate import MILLION
from governance.policies.recorded import Outcome
from governance.policies.registry import compiled
from governance.policies.replay import Group
from governance.tuning import replaying

SPANS: Final = (("a day", timedelta(days=1)), ("a week", timedelta(days=7)), ("a month", timedelta(days=30)))
_RELEASED: Final = Outcome("release", "")
_COUNTS: Final = """
SELECT o.lane, o.propensity, count(*), count(o.label), count(*) FILTER (WHERE NOT o.label)
FROM governance_output o
WHERE o.policy_id = %(version)s AND o.received_at >= %(from)s AND o.received_at < %(to)s AND NOT o.is_known_answer
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Share:
    """Of 1,000 outputs: how many go out alone, how many reviews they bring, how many of them go out wrong (estimated;
    None where nobody knows) and at most."""

    released: float
    reviews: float
    wrong: float | None
    at_most: float


@dataclass(frozen=True, slots=True)
class Actual:
    """What came of a version within `span` of its activation; `is_over` says whether that time has passed."""

    span: str
    is_over: bool
    outputs: int
    share: Share | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast and the actual figures; `forecast` is None where nobody had replayed the version."""

    forecast: Share | None
    actual: tuple[Actual, ...]


def forecast(version: PolicyVersion) -> Forecast:
    """How right the replay of a version was, so far. Empty for one that was never in force."""
    expected = _expected(replaying.told(version.replay)) if version.replay else None
    if version.in_force_from is None:
        return Forecast(expected, ())
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(%s, statement_timestamp())", [version.retired_at])
        (ended,) = cursor.fetchone()
    told = []
    for name, span in SPANS:
        until = version.in_force_from + span
        is_over = until <= ended
        told.append(_actual(version, name, min(until, ended), is_over=is_over))
        if not is_over:
            break
    return Forecast(expected, tuple(told))


def _expected(result: dict[str, Any]) -> Share | None:
    outputs, side = result["outputs"], result["candidate"]
    if not outputs:
        return None
    scale, wrong = 1000 / outputs, side["escaped"]
    estimate = None if wrong["estimate"] is None else wrong["estimate"] * scale
    return Share(side["lanes"]["release"] * scale, side["reviews"] * scale, estimate, wrong["at_most"] * scale)


def _actual(version: PolicyVersion, span: str, until: Any, *, is_over: bool) -> Actual:
    policy = compiled(version.pk)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"version": version.pk, "from": version.in_force_from, "to": until})
        rows = cursor.fetchall()
    outputs = sum(row[2] for row in rows)
    if not outputs:
        return Actual(span, is_over, 0, None)
    released = [row for row in rows if row[0] == "release"]
    groups = [Group(0, 0, 0, 0, 0, propensity, total, known, wrong) for _, propensity, total, known, wrong in released]
    escaped = replaying.escaped(groups, [_RELEASED], "candidate", delta=1 - policy.risk.confidence / MILLION)
    reviews = sum(
        row[2] * (1 if row[0] == "review" else row[1] / MILLION if row[0] == "release" else 0) for row in rows
    )
    scale = 1000 / outputs
    wrong = None if escaped.estimate is None else escaped.estimate * scale
    return Actual(
        span, is_over, outputs, Share(escaped.released * scale, reviews * scale, wrong, escaped.bound * scale)
    )
