"""The numbers behind every figure of the lab, as tables for CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from governance.models import System
from governance.pages import tuning_beside, tuning_segments
from governance.pages.tuning_charts import cost_of
from governance.pages.tuning_consequences import Setting
from governance.policies.policy import Policy
from governance.tuning import current, samples
from governance.tuning.background import periods, reigns
from governance.tuning.certify import MILLION
from governance.tuning.reading import Reading, rows
from governance.tuning.ruled import ruled

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


def thresholds(read: Reading, kind: str, *, goal: float) -> Table:
    head = "threshold released share labels wrong estimate lower_bound upper_bound p test evidence".split()
    return head, (
        (row.threshold / MILLION, row.released, row.share, row.labels, row.wrong, row.estimate, row.lower, row.bound,
         row.p, row.verdict, kind)
        for row in rows(read, goal=goal)
    )  # fmt: skip


def reliability(read: Reading) -> Table:
    head = "confidence_from confidence_below outputs judged stated right lower_bound upper_bound".split()
    return head, (
        (each.low, each.high, each.outputs, each.labels, each.stated, each.right, each.lower, each.upper)
        for each in tuning_beside.reliability_of(read)
    )


def confidence(system: System, segment: str) -> Table:
    scope = samples.scope(system, segment)
    found = periods(scope) if scope else ()
    tenths = [f"from_{slot / 10:.1f}" for slot in range(10)]
    return ["begins", "outputs", "moved", *tenths], (
        (period.begins.isoformat(), period.outputs, period.moved, *period.shares) for period in found
    )


def history(system: System, segment: str) -> Table:
    head = "policy threshold from to expected expected_bound audits wrong found lower_bound upper_bound due".split()
    found = reigns(segment, current.past(system, segment).certificates, ruled(system, segment))
    return head, (
        (reign.number, reign.threshold / MILLION, reign.begins.isoformat(), reign.ends and reign.ends.isoformat(),
         reign.expected, reign.expected_bound, reign.audits, reign.wrong, reign.found, reign.lower, reign.upper,
         reign.due)
        for reign in found
    )  # fmt: skip


def cost(read: Reading, setting: Setting) -> Table:
    if setting.costs is None:
        return ["threshold", "share", "cost", "cost_at_bound"], ()
    return ["threshold", "share", "cost", "cost_at_bound", "unit"], (
        (row.threshold / MILLION, row.share, None if row.estimate is None else cost_of(row, setting, row.estimate),
         cost_of(row, setting, row.bound), f"{setting.costs.currency} {setting.unit}")
        for row in rows(read, goal=setting.goal)
    )  # fmt: skip


def segments(system: System, policy: Policy) -> Table:
    head = "segment threshold share judged estimate upper_bound state worst".split()
    return head, (
        (each.name, each.threshold / MILLION, each.share, each.judged, each.estimate, each.bound, each.state,
         each.is_worst)
        for each in tuning_segments.multiples(system, policy)
    )  # fmt: skip
