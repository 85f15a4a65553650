"""How many entries of each type there are and which is the newest, without ever counting a log that has grown large.

Up to `EXACT` entries everything is counted. Beyond that the rare types are, by their own index; of those that every
output brings along PostgreSQL's statistics tell about how many there are, or the newest `WINDOW` at least how many.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Count, Max, QuerySet
from django.db.models.functions import Cast

from governance.evidence import sight
from governance.models import Entry, Person
from governance.models.evidence import FREQUENT

EXACT: Final = 50_000
MOST: Final = 100_000
WINDOW: Final = 20_000
_SHARES: Final = """
SELECT v.type, v.share * (SELECT reltuples FROM pg_class WHERE oid = 'governance_entry'::regclass)
FROM pg_stats s, unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS v(type, share)
WHERE s.tablename = 'governance_entry' AND s.attname = 'type' AND s.schemaname = current_schema()
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """So many entries: `how` is "" when counted, "about" or "at least" otherwise. `newest` is an entry."""

    count: int
    how: str
    newest: UUID | None

    def __add__(self, other: Tally) -> Tally:
        newest = max((one for one in (self.newest, other.newest) if one), default=None)
        how = "at least" if "at least" in (self.how, other.how) else self.how or other.how
        return Tally(self.count + other.count, how, newest)


NONE: Final = Tally(0, "", None)


def by_type(systems: set[UUID] | None, person: Person, types: Collection[str]) -> dict[str, Tally]:
    """The tally of each of these types, among the entries that this person may see."""
    seen = sight.seen(systems, person)
    if Entry.objects.order_by()[: EXACT + 1].count() <= EXACT:
        return _counted(seen)
    rare = sorted(set(types) - set(FREQUENT))
    return _counted(seen.filter(type__in=rare), most=MOST) | _frequent(seen, is_all=sight.sees_all(systems, person))


def _counted(entries: QuerySet[Entry], *, most: int | None = None) -> dict[str, Tally]:
    counted = (
        entries.order_by() if most is None else Entry.objects.filter(pk__in=entries.order_by()[:most].values("pk"))
    )
    rows = counted.order_by().values("type").annotate(n=Count("pk"), newest=Max(Cast("pk", CharField())))
    found = {row["type"]: Tally(row["n"], "", UUID(row["newest"])) for row in rows}
    is_full = most is not None and sum(tally.count for tally in found.values()) >= most
    return {type: Tally(t.count, "at least", t.newest) for type, t in found.items()} if is_full else found


def _frequent(seen: QuerySet[Entry], *, is_all: bool) -> dict[str, Tally]:
    newest = _counted(Entry.objects.filter(pk__in=seen.order_by("-pk")[:WINDOW].values("pk")))
    least = {type: Tally(t.count, "at least", t.newest) for type, t in newest.items() if type in FREQUENT}
    if not is_all:
        return least
    with connection.cursor() as cursor:
        cursor.execute(_SHARES)
        about = {type: round(count) for type, count in cursor.fetchall()}
    return {
        type: Tally(max(about.get(type, 0), t.count), "about" if type in about else "at least", t.newest)
        for type, t in least.items()
    }


def in_log(size: int) -> dict[str, tuple[int, int]]:
    """Of each type how many of the first `size` sealed entries it has, and the place of the newest. Reads them all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.type, count(*), max(s.index) FROM governance_sealed s"
            " JOIN governance_entry e ON e.id = s.entry_id WHERE s.index < %s GROUP BY e.type",
            [size],
        )
        return {type: (count, newest) for type, count, newest in cursor.fetchall()}
