"""Counting what the tables know: one pass over the outputs that a threshold decided, per slice of confidence.

What is final is read from kept counts where there are any (`governance.tuning.kept`); the result is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from governance.tuning import kept
from governance.tuning.certify import MILLION, Band
from governance.tuning.kept import Kept
from governance.tuning.scope import (
    FIT,
    GRID,
    OPENS,
    OVERDUE,
    TERMS,
    WINDOW,
    Scope,
    parameters,
    rule_of,
    scope,
)

__all__ = [
    "GRID", "MOST_UNJUDGED", "OVERDUE", "WINDOW", "Sample", "Scope", "parameters", "rule_of", "sample", "scope",
]  # fmt: skip

MOST_UNJUDGED: Final = 0.02  # of the audits; beyond it the sample is no longer a random one


@dataclass(frozen=True)
class Sample:
    """The counts of one window; `bands` run from the highest confidence down and hold the whole population.

    `closes` is when the first output arrived that is still undecided (now when there is none): nothing younger is in
    the bands. `undecided` and `left_out` are the outputs after it, those that await a verdict and all. `unjudged` of
    the `audits` drawn, and `lost` of the reviews, ended without a person's verdict and count as wrong. `thinned` audits
    were set aside because part of the window was audited at a higher rate than `audit_rate` (millionths). `same_case`
    outputs are not in the bands because another output of their case stands for it.
    """

    bands: tuple[Band, ...]
    opens: datetime | None
    closes: datetime
    outputs: int = 0
    audits: int = 0
    unjudged: int = 0
    lost: int = 0
    thinned: int = 0
    undecided: int = 0
    left_out: int = 0
    audit_rate: int | None = None
    same_case: int = 0

    @property
    def labels(self) -> int:
        return sum(band.audited + band.reviewed for band in self.bands)


# Beside what is kept: what came since, every output of a case, and the audits of a richer part, which is thinned.
_SINCE: Final = "o.received_at >= %(since)s"
_CASES: Final = "o.case_key IS NOT NULL"
_RICHER: Final = "o.is_audit AND o.propensity > %(above)s"


def _statement(beside: Sequence[str], *, is_kept: bool) -> str:
    held = f"beyond AS ({kept.BEYOND}), held AS ({kept.HOLDS})," if is_kept else "held AS (SELECT true AS holds),"
    counted = f"({_SINCE} OR {_CASES})" if is_kept else "true"
    return f"""
WITH terms AS ({TERMS}), {held} fit AS MATERIALIZED (
    SELECT o.*, {counted} AS counted FROM ({FIT} AND o.received_at >= {OPENS} AND ({" OR ".join(beside)})) o
), cut AS (
    SELECT coalesce(min(received_at) FILTER (WHERE settled IS NOT TRUE), statement_timestamp()) AS closes FROM fit
), known AS (
    SELECT cut.closes, min(received_at) FILTER (WHERE received_at < cut.closes) AS opens,
        least(min(propensity) FILTER (WHERE lane = 'release' AND received_at < cut.closes), %(rate)s::int) AS rate,
        count(id) FILTER (WHERE settled IS NOT TRUE) AS undecided,
        count(*) FILTER (WHERE received_at >= cut.closes) AS left_out,
        count(*) FILTER (WHERE received_at < cut.closes AND counted) AS fitting
    FROM cut LEFT JOIN fit ON true GROUP BY cut.closes
), counted AS (
    -- One output stands for its case, whatever became of it: drawn by a hash of its id.
    SELECT DISTINCT ON (case_key) id FROM fit, known WHERE case_key IS NOT NULL AND received_at < known.closes
    ORDER BY case_key, hashtextextended(id::text, 0)
), chosen AS (
    SELECT fit.*, is_audit AND (propensity = known.rate OR coalesce((
        SELECT mod(('x' || (convert_from(e.leaf, 'UTF8')::jsonb #>> '{{gate,draw}}'))::bit(64)::bigint::numeric
                   + 18446744073709551616, 18446744073709551616) * 1000000 < known.rate::numeric * 18446744073709551616
        FROM governance_entry e WHERE e.subject = fit.id AND e.rev = 1), false)) AS sampled
    FROM fit, known
    WHERE fit.received_at < known.closes AND (fit.case_key IS NULL OR fit.id IN (SELECT id FROM counted))
), slices AS (
    SELECT width_bucket(confidence, %(grid)s::int[]) AS slice,
        count(*) FILTER (WHERE lane = 'release' AND counted) AS released,
        count(*) FILTER (WHERE sampled) AS audited,
        count(*) FILTER (WHERE sampled AND wrong) AS audited_wrong,
        count(*) FILTER (WHERE lane = 'review' AND counted) AS reviewed,
        count(*) FILTER (WHERE lane = 'review' AND wrong AND counted) AS reviewed_wrong,
        count(*) FILTER (WHERE sampled AND unjudged) AS unjudged,
        count(*) FILTER (WHERE lane = 'review' AND unjudged AND counted) AS lost,
        count(*) FILTER (WHERE is_audit AND NOT sampled) AS thinned
    FROM chosen GROUP BY 1
)
SELECT held.holds, known.closes, known.opens, known.rate, known.undecided, known.left_out, known.fitting, slices.*
FROM held CROSS JOIN known LEFT JOIN slices ON true"""  # noqa: S608  only constants


def sample(of: Scope, *, in_force: int | None, asked: dict[str, Any] | None = None) -> Sample:
    """The counts of today and the 90 days before. `in_force` (millionths) becomes an edge of the grid; `asked` are the
    scope's parameters where the caller has them."""
    asked = _asked(asked or parameters(of), in_force)
    have = kept.kept(asked, in_force=in_force)
    return (_beside(have, asked) if have else None) or _all(asked)


def count(of: Scope, *, in_force: int | None) -> Sample:
    """The same by one statement over all of it, whatever is kept."""
    return _all(_asked(parameters(of), in_force))


def _asked(asked: dict[str, Any], in_force: int | None) -> dict[str, Any]:
    grid = sorted({*GRID, *([] if in_force is None else [in_force])})
    return asked | {"grid": grid, "rate": None}


def _all(asked: dict[str, Any]) -> Sample:
    return _counted(_fetch(_statement(["true"], is_kept=False), asked), asked["grid"])


def _beside(have: Kept, asked: dict[str, Any]) -> Sample | None:
    """What is kept, with all that came since; None where what is kept does not hold any more."""
    rates = have.audited_at
    above = rates[0] if len(rates) > 1 else None
    asked = asked | {
        "rate": rates[0] if rates else None, "since": have.counted_to, "tally": have.tally, "revision": have.revision,
        "position": have.position, "most": kept.MOST_BEYOND, "first_day": have.first_day,
    }  # fmt: skip
    while True:
        parts = [_SINCE, *([_CASES] if have.has_cases else []), *([] if above is None else [_RICHER])]
        rows = _fetch(_statement(parts, is_kept=True), asked | ({} if above is None else {"above": above}))
        if not rows[0][0]:
            return None
        rate = rows[0][3]
        if above == rate or not rates or rates == [rate]:
            return _counted(rows, asked["grid"], have)
        above = rate  # what came since was audited at a smaller rate than all that is kept


def _counted(rows: Sequence[tuple[Any, ...]], grid: list[int], have: Kept | None = None) -> Sample:
    closes, opens, rate, undecided, left_out, fitting = rows[0][1:7]
    counts = {row[7]: row[8:] for row in rows if row[7] is not None}
    columns = [[counts.get(slot, (0,) * 8)[i] for slot in range(1, len(grid) + 1)] for i in range(8)]
    released, audited, audited_wrong, reviewed, reviewed_wrong, unjudged, lost, thinned = columns
    if have:
        table = have.by_slice(grid, rate=rate)
        fitting += int(table[0].sum())
        opens = min(filter(None, (opens, have.opens)), default=None)
        for column, more in zip(columns, table[1:], strict=False):
            column[:] = [a + b for a, b in zip(column, more[1:].tolist(), strict=True)]
    bands = [
        Band(edge / MILLION, *each)
        for edge, *each in zip(grid, released, audited, audited_wrong, reviewed, reviewed_wrong, strict=True)
    ]
    outputs = sum(released) + sum(reviewed)
    return Sample(
        tuple(reversed(bands)), opens, closes, outputs, sum(audited), sum(unjudged), sum(lost), sum(thinned),
        undecided, left_out, rate, fitting - outputs,
    )  # fmt: skip


def _fetch(statement: str, asked: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
