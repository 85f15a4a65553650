"""Counts that are kept, and whether they still hold: days that are final are read from blocks, the rest is counted.

An output may be in a block once it is settled, and it can change all the same: a lead corrects a decision, a verdict
comes late, a slow transaction commits. Whatever changes an output writes an entry about it in the same transaction, so
the log tells. An entry has a place in the sealed log or waits for one; both are seen with the commit, and places are
given after it. So nothing that was committed can be passed over: either the tally has taken in the entry's place, or
the entry lies beyond, and then a count that it touches is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from governance.tuning import scope
from governance.tuning.populations import DECIDED_CODE

COLUMNS: Final = (
    "fitting", "released", "audited", "audited_wrong", "reviewed", "reviewed_wrong", "unjudged", "lost",
)  # fmt: skip
# With more entries beyond it than this, looking through them takes longer than counting.
MOST_BEYOND: Final = 50_000
STORED: Final = np.dtype("<u4")

Table = NDArray[np.int64]

# What lies beyond the place that a tally has taken in.
BEYOND: Final = """
    SELECT entry_id FROM governance_sealed WHERE index >= %(position)s
    UNION ALL SELECT entry_id FROM governance_pendingentry LIMIT %(most)s
"""


def untouched(which: str, since: str) -> str:
    """The condition that nothing beyond is about an output of a population that came before a time."""
    return f"""(SELECT count(*) FROM beyond) < %(most)s AND NOT EXISTS (
        SELECT FROM beyond b JOIN governance_entry e ON e.id = b.entry_id JOIN governance_output o ON o.id = e.subject
        WHERE e.subject_kind = 'output' AND o.received_at < {since} AND {which}
    )"""  # noqa: S608  only constants


# The counts hold while the day and the revision are the same and nothing beyond is about an output that is counted.
HOLDS: Final = f"""
    SELECT ({scope.FIRST_DAY})::date = %(first_day)s
        AND EXISTS (SELECT FROM governance_tally WHERE id = %(tally)s AND revision = %(revision)s)
        AND {untouched(scope.OURS, "%(since)s")} AS holds
"""  # noqa: S608  only constants
_KEPT: Final = f"""
SELECT id, revision, counted_to, position, edges, policies, has_cases, opens, rates, counts,
    first_day, ({scope.FIRST_DAY})::date
FROM governance_tally
WHERE system_id = %(system)s AND rule = %(rule)s AND model = %(model)s AND model_version = %(model_version)s
    AND prompt_version IS NOT DISTINCT FROM %(prompt_version)s::varchar
    AND code = '{DECIDED_CODE}' AND unsettled = '{{}}' AND first_day IS NOT NULL
"""  # noqa: S608  only constants
# For the moment after midnight, until the days are put together anew.
_BLOCKS: Final = """
SELECT min(opens), array_agg(rate ORDER BY id), string_agg(counts, '' ORDER BY id) FROM governance_tallyblock
WHERE tally_id = %s AND day >= %s
"""


@dataclass(frozen=True)
class Kept:
    """The blocks of one window. `tables` has shape (blocks, columns, slices + 1)."""

    tally: UUID
    revision: int
    counted_to: datetime
    position: int
    edges: tuple[int, ...]
    has_cases: bool
    first_day: date
    opens: datetime | None
    rates: tuple[int, ...]
    tables: Table

    @property
    def audited_at(self) -> list[int]:
        """The propensities with which what is counted went out, the smallest first."""
        out = self.tables[:, COLUMNS.index("released")].sum(axis=1)
        return sorted({rate for rate, count in zip(self.rates, out, strict=True) if count})

    def by_slice(self, grid: list[int], *, rate: int | None) -> Table:
        """The counts by the slices of a coarser grid, of shape (columns, grid + 1), the first without a confidence.
        Audits of what went out with another propensity than `rate` are left out."""
        fitting = self.tables.copy()
        audits = [COLUMNS.index(name) for name in ("audited", "audited_wrong", "unjudged")]
        richer = [i for i, each in enumerate(self.rates) if each and each != rate]
        for column in audits:
            fitting[richer, column] = 0
        everything = fitting.sum(axis=0)
        slots = np.concatenate([[0], np.searchsorted(grid, self.edges, side="right")])
        found = np.zeros((len(COLUMNS), len(grid) + 1), dtype=np.int64)
        for row, column in zip(found, everything, strict=True):
            np.add.at(row, slots, column)
        return found


def kept(asked: dict[str, Any], *, in_force: int | None) -> Kept | None:
    """What is kept of this window; None where nothing is, or not by the slices and policies that are asked for."""
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, asked)
        row = cursor.fetchone()
    if row is None:
        return None
    id, revision, counted_to, position, edges, policies, has_cases, opens, rates, counts, first_day, today = row
    if (in_force is not None and in_force not in edges) or set(policies) != set(asked["policies"]):
        return None
    if first_day != today:
        opens, rates, counts = blocks(id, today)
    tables = unpacked(counts or b"", len(rates or ()), len(edges))
    return Kept(id, revision, counted_to, position, tuple(edges), has_cases, today, opens, tuple(rates or ()), tables)


def blocks(tally: UUID, first_day: date) -> tuple[datetime | None, list[int] | None, bytes | None]:
    """The first arrival, the propensities and the counts of all blocks from a day on."""
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, [tally, first_day])
        row: tuple[datetime | None, list[int] | None, bytes | None] = cursor.fetchone()
    return row


def unpacked(counts: bytes, blocks: int, edges: int) -> Table:
    """Blocks as they are stored, one after the other, as an array of shape (blocks, columns, edges + 1)."""
    return np.frombuffer(counts, dtype=STORED).reshape(blocks, len(COLUMNS), edges + 1).astype(np.int64)


def packed(table: Table) -> bytes:
    return table.astype(STORED).tobytes()
