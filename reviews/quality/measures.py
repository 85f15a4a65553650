"""How a reviewer judges, in figures that she sees first: agreement, errors found, what others changed, her time.

Each figure has its number of cases and a 95 % interval: of a share the score interval (Wilson 1927), of the median time
the one between two order statistics (Thompson 1936). There is no ranking: nobody is set beside anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.models import Person
from reviews.quality.intervals import interval, median_ranks

WINDOW: Final = timedelta(days=90)
FEWEST: Final = 10  # under so many cases a share says nothing
MOST: Final = 10_000
# Whatever took less than a quarter of the median time of the system's people was too fast to have been read.
TOO_FAST: Final = 4
# Nobody shall tell a known answer apart by the figure that moved after it, nor had anybody a day to object before.
LATER: Final = timedelta(days=1)
_YARDSTICK: Final = 2_000
_MILLION: Final = 1_000_000

# Of a round only what was said when it closed; an answer in another's place counts when it says something else.
_COUNTS: Final = """
WITH mine AS MATERIALIZED (
    SELECT d.id, d.item_id, d.output_id, d.system_id, d.seat, d.purpose, d.verdict, d.is_correct, d.person_said,
           d.took_ms, d.bulk, d.final_at <= %(until)s - %(later)s AS is_settled,
           i.state = 'closed' AND i.closed_at <= %(until)s AS is_closed
    FROM reviews_decision d JOIN reviews_item i ON i.id = d.item_id
    WHERE d.person_id = %(me)s AND d.id >= %(since)s AND d.final_at <= %(until)s AND d.undone_at IS NULL
      AND d.supersedes_id IS NULL AND (%(systems)s::uuid[] IS NULL OR d.system_id = ANY(%(systems)s::uuid[]))
    ORDER BY d.id DESC LIMIT %(most)s
), told AS (
    SELECT m.*, EXISTS (
        SELECT FROM reviews_decision x WHERE x.item_id = m.item_id AND x.seat = 3 - m.seat AND x.undone_at IS NULL
        AND x.supersedes_id IS NULL
    ) AND m.seat < 3 AND m.is_closed AS is_paired, EXISTS (
        SELECT FROM reviews_decision x WHERE x.item_id = m.item_id AND x.seat = 3 AND x.undone_at IS NULL
    ) AS is_split, EXISTS (
        SELECT FROM reviews_decision x WHERE x.item_id = m.item_id AND x.seat = 3 AND m.seat < 3 AND m.is_closed
        AND x.undone_at IS NULL
        AND (x.verdict <> m.verdict OR x.verdict = 'override' AND x.person_said <> m.person_said)
    ) OR EXISTS (
        SELECT FROM reviews_decision y JOIN reviews_decision x ON x.supersedes_id = y.id
        WHERE y.item_id = m.item_id AND (y.id = m.id OR y.seat < 3 AND m.seat < 3) AND x.person_id <> %(me)s
        AND x.undone_at IS NULL AND x.final_at <= %(until)s
        AND (x.verdict <> m.verdict OR x.verdict = 'override' AND x.person_said <> m.person_said)
    ) AS is_overturned, r.is_correct AS recheck
    FROM mine m LEFT JOIN LATERAL (
        SELECT x.is_correct FROM reviews_item i JOIN reviews_decision x ON x.item_id = i.id
        WHERE m.bulk IS NOT NULL AND i.output_id = m.output_id AND i.purpose = 'recheck' AND i.state = 'closed'
          AND x.undone_at IS NULL AND x.final_at <= %(until)s ORDER BY x.seat DESC LIMIT 1
    ) r ON true
), paces AS (
    SELECT s.system_id, count(*) AS cases, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.took_ms) AS median
    FROM (SELECT DISTINCT system_id FROM mine) s CROSS JOIN LATERAL (
        SELECT n.took_ms FROM (
            SELECT took_ms, person_id, undone_at FROM reviews_decision WHERE system_id = s.system_id
            AND final_at <= %(until)s ORDER BY id DESC LIMIT %(yardstick)s
        ) n JOIN governance_person p ON p.id = n.person_id
        WHERE n.took_ms IS NOT NULL AND n.undone_at IS NULL AND NOT p.is_simulated
    ) t GROUP BY s.system_id
)
SELECT count(*),
       count(*) FILTER (WHERE is_paired), count(*) FILTER (WHERE is_paired AND NOT is_split),
       count(recheck), count(*) FILTER (WHERE recheck = is_correct),
       count(*) FILTER (WHERE purpose = 'known_answer' AND is_settled),
       count(*) FILTER (WHERE purpose = 'known_answer' AND is_settled AND NOT is_correct),
       count(*) FILTER (WHERE purpose <> 'known_answer' AND is_settled),
       count(*) FILTER (WHERE purpose <> 'known_answer' AND is_settled AND is_overturned),
       coalesce(array_agg(took_ms ORDER BY took_ms) FILTER (WHERE took_ms IS NOT NULL), '{}'),
       count(*) FILTER (WHERE took_ms IS NOT NULL AND p.cases >= %(fewest)s),
       count(*) FILTER (WHERE took_ms * %(too_fast)s < p.median AND p.cases >= %(fewest)s)
FROM told LEFT JOIN paces p USING (system_id)
"""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `cases`, with the ends of its interval in millionths."""

    hits: int
    cases: int

    @property
    def is_enough(self) -> bool:
        return self.cases >= FEWEST

    @property
    def value(self) -> int | None:
        """In millionths; None where there are too few cases."""
        return self.hits * _MILLION // self.cases if self.is_enough else None

    @property
    def ends(self) -> tuple[int, int]:
        return interval(self.hits, self.cases)


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds that half of `cases` decisions took at most, with the ends of its interval; None under `FEWEST`."""

    cases: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def is_enough(self) -> bool:
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Measures:
    """One person's figures of the 90 days before `until`. `time` and `too_fast` are None for a simulated person."""

    person: Person
    since: datetime
    until: datetime
    decided: int
    is_capped: bool
    agreed: Share
    held: Share
    found: Share
    overturned: Share
    time: Time | None
    too_fast: Share | None


def measured(person: Person, *, until: datetime, systems: Collection[UUID] | None = None) -> Measures:
    """The figures of this person up to that moment, in these systems (None: in all). One query."""
    since = until - WINDOW
    asked: dict[str, Any] = {
        "me": person.pk, "since": UUID(int=int(since.timestamp() * 1000) << 80), "until": until, "later": LATER,
        "systems": None if systems is None else list(systems), "most": MOST, "yardstick": _YARDSTICK,
        "fewest": FEWEST, "too_fast": TOO_FAST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, asked)
        row: tuple[Any, ...] = cursor.fetchone()
    decided, paired, agreed, rechecked, held, known, found, judged, overturned, took, timed, fast = row
    is_real = not person.is_simulated
    return Measures(
        person, since, until, decided, decided == MOST, Share(agreed, paired), Share(held, rechecked),
        Share(found, known), Share(overturned, judged), _time(took) if is_real else None,
        Share(fast, timed) if is_real else None,
    )  # fmt: skip


def _time(took: list[int]) -> Time:
    """`took` are milliseconds, sorted."""
    ranks = median_ranks(len(took)) if len(took) >= FEWEST else None
    if ranks is None:
        return Time(len(took), None, None, None)
    low, high = (took[rank - 1] / 1000 for rank in ranks)
    return Time(len(took), median(took) / 1000, low, high)
