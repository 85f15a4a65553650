"""Bringing kept counts up to date: what has become final since, and again the days in which something changed.

How far the counts reach is a time of arrival: all that came before is settled and has its entries in the sealed log. A
minute is kept free, so that transactions under way commit before they are counted; one that takes longer is found by
its entry, and its day is counted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any, Final

import numpy as np
from django.db import connection, transaction

from governance import clock
from governance.models import LogHead, Output, System, Tally, TallyBlock
from governance.policies.registry import compiled
from governance.tuning import kept, populations, scope
from governance.tuning.kept import COLUMNS, Table
from governance.tuning.populations import Population
from governance.tuning.scope import Scope

UNDER_WAY: Final = timedelta(minutes=1)
UNUSED: Final = timedelta(days=7)

_TOUCHED: Final = """
SELECT DISTINCT (o.received_at AT TIME ZONE 'UTC')::date
FROM governance_sealed s JOIN governance_entry e ON e.id = s.entry_id JOIN governance_output o ON o.id = e.subject
WHERE s.index >= %(position)s AND s.index < %(head)s AND e.subject_kind = 'output' AND o.received_at < %(counted_to)s
    AND """
# The first output of which an entry still waits for its place: it would change before the eyes of the next count.
_WAITING: Final = f"""
WITH beyond AS ({kept.BEYOND})
SELECT (SELECT count(*) FROM beyond) < %(most)s, statement_timestamp(), (
    SELECT min(o.received_at) FROM beyond b JOIN governance_entry e ON e.id = b.entry_id
        JOIN governance_output o ON o.id = e.subject
    WHERE e.subject_kind = 'output' AND o.received_at >= %(low)s AND """  # noqa: S608  only constants


@dataclass
class Day:
    """What counting found of one day: a table and the first arrival for each propensity, and whether it is final."""

    tables: dict[int, Table]
    opens: dict[int, datetime]
    unsettled: datetime | None = None
    has_cases: bool = False


def keep_all(*, seconds: float = 30.0) -> int:
    """Brings the counts of every threshold in force up to date, for so long at most; how many. What nobody used for a
    week is dropped."""
    found, began = 0, monotonic()
    for system in System.objects.filter(in_force__isnull=False):
        policy = compiled(system.in_force_id) if system.in_force_id else None
        models: dict[tuple[Any, ...], Scope] = {}
        for segment in ("", *(part.id for part in policy.threshold.segments)) if policy else ():
            of = scope.scope(system, segment) if monotonic() < began + seconds else None
            if of is not None:
                found += keep(of)
                models.setdefault((of.model, of.model_version, of.prompt_version), of)
        for of in models.values():
            keep_rules(of)
    Tally.objects.filter(kept_at__lt=clock.now() - UNUSED).delete()
    return found


def keep(of: Scope) -> bool:
    """Brings the counts of one threshold up to date; whether that could be done. Not while more waits for its place in
    the log than can be looked through: then everything is counted each time, as it would be without kept counts."""
    asked = scope.parameters(of)
    return _keep(of, asked, populations.decided(asked))


def keep_rules(of: Scope) -> bool:
    """The same for what rules released, of the same model and prompt."""
    asked = scope.parameters(of)
    population = populations.released(asked)
    return population is None or _keep(of, asked, population)


@transaction.atomic
def _keep(of: Scope, asked: dict[str, Any], population: Population) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {scope.OPENS}", asked)
        (opens,) = cursor.fetchone()
    # In this order: what the head holds was committed before the counting begins.
    head = LogHead.objects.values_list("size", flat=True).first() or 0
    tally = _held(of, asked, population, opens, head)
    if head - tally.position > kept.MOST_BEYOND:
        _begin(tally, opens, head)
    days = {day for day in (*_touched(tally, asked, population, head), *tally.unsettled) if day >= opens.date()}
    tally.position = head
    asked = asked | {"edges": tally.edges}
    is_free, until = _until(tally, asked, population)
    if not is_free:
        return False
    tally.unsettled = _again(tally, asked, population, days)
    _further(tally, asked, population, until)
    tally.blocks.filter(day__lt=opens.date()).delete()
    _together(tally, opens.date())
    tally.revision += 1
    tally.kept_at = clock.now()
    tally.save()
    return True


def _held(of: Scope, asked: dict[str, Any], population: Population, opens: datetime, head: int) -> Tally:
    """The tally, locked; emptied where it does not have the slots and policies of today."""
    code, edges = population.code, list(population.edges)
    tally, is_new = Tally.objects.select_for_update().get_or_create(
        system=of.system, rule=population.rule, model=of.model, model_version=of.model_version,
        prompt_version=of.prompt_version,
        defaults={"code": code, "edges": edges, "policies": asked["policies"], "counted_to": opens, "position": head,
                  "kept_at": clock.now()},
    )  # fmt: skip
    if is_new:
        return tally
    fresh = set(asked["policies"]) - set(tally.policies)
    # A version that was a canary has judged before it came into force, and only counts from then on.
    is_late = bool(fresh) and Output.objects.of(of.system).filter(
        policy__in=fresh, received_at__gte=opens, received_at__lt=tally.counted_to
    ).exists()  # fmt: skip
    if is_late or tally.code != code or not set(edges) <= set(tally.edges) or tally.counted_to < opens:
        tally.code, tally.edges = code, edges
        _begin(tally, opens, head)
    tally.policies = asked["policies"]
    return tally


def _begin(tally: Tally, opens: datetime, head: int) -> None:
    tally.blocks.all().delete()
    tally.counted_to, tally.position, tally.unsettled, tally.has_cases = opens, head, [], False


def _touched(tally: Tally, asked: dict[str, Any], population: Population, head: int) -> list[date]:
    asked = asked | {"position": tally.position, "head": head, "counted_to": tally.counted_to}
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED + population.which, asked)
        return [row[0] for row in cursor.fetchall()]


def _until(tally: Tally, asked: dict[str, Any], population: Population) -> tuple[bool, datetime]:
    asked = asked | {"position": tally.position, "most": kept.MOST_BEYOND, "low": tally.counted_to}
    with connection.cursor() as cursor:
        cursor.execute(f"{_WAITING}{population.which})", asked)
        is_free, now, waiting = cursor.fetchone()
    return is_free, min(now - UNDER_WAY, waiting or now)


def _again(tally: Tally, asked: dict[str, Any], population: Population, days: Iterable[date]) -> list[date]:
    """Counts these days anew; which of them are still not final."""
    left = []
    for day in sorted(days):
        low = datetime.combine(day, time.min, UTC)
        high = min(low + timedelta(days=1), tally.counted_to)
        found = _counted(asked, population, low, high, len(tally.edges)).get(day, Day({}, {}))
        tally.blocks.filter(day=day).delete()
        _write(tally, {day: found})
        if found.unsettled is not None:
            left.append(day)
    return left


def _further(tally: Tally, asked: dict[str, Any], population: Population, until: datetime) -> None:
    """Counts on to the first output that is not settled."""
    if until <= tally.counted_to:
        return
    found = _counted(asked, population, tally.counted_to, until, len(tally.edges))
    closes = min((day.unsettled for day in found.values() if day.unsettled), default=None)
    if closes is not None:
        low = max(tally.counted_to, datetime.combine(closes.date(), time.min, UTC))
        found = {day: each for day, each in found.items() if day < closes.date()}
        found |= _counted(asked, population, low, closes, len(tally.edges))
    _write(tally, found)
    tally.counted_to = closes or until


def _counted(
    asked: dict[str, Any], population: Population, low: datetime, high: datetime, edges: int
) -> dict[date, Day]:
    with connection.cursor() as cursor:
        cursor.execute(population.counting, asked | {"low": low, "high": high})
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    found: dict[date, Day] = {}
    for day, rate, slice_, opens, unsettled, has_cases, *counts in rows:
        each = found.setdefault(day, Day({}, {}))
        each.has_cases = each.has_cases or has_cases
        each.unsettled = min(filter(None, (each.unsettled, unsettled)), default=None)
        if opens is not None:
            table = each.tables.setdefault(rate, np.zeros((len(COLUMNS), edges + 1), dtype=np.int64))
            table[:, slice_] = counts
            each.opens[rate] = min(filter(None, (each.opens.get(rate), opens)))
    return found


def _write(tally: Tally, found: dict[date, Day]) -> None:
    """Adds to what the blocks of these days hold."""
    there = {(block.day, block.rate): block for block in tally.blocks.filter(day__in=found)}
    fresh = []
    for day, each in found.items():
        tally.has_cases = tally.has_cases or each.has_cases
        for rate, table in each.tables.items():
            block = there.get((day, rate))
            if block is None:
                fresh.append(
                    TallyBlock(tally=tally, day=day, rate=rate, opens=each.opens[rate], counts=kept.packed(table))
                )
                continue
            block.counts = kept.packed(kept.unpacked(bytes(block.counts), 1, len(tally.edges))[0] + table)
            block.opens = min(block.opens, each.opens[rate])
            block.save(update_fields=["counts", "opens"])
    TallyBlock.objects.bulk_create(fresh)


def _together(tally: Tally, first_day: date) -> None:
    """All blocks of the window as one, for each propensity."""
    tally.opens, rates, counts = kept.blocks(tally.pk, first_day)
    tables = kept.unpacked(counts or b"", len(rates or ()), len(tally.edges))
    tally.first_day, tally.rates = first_day, sorted(set(rates or ()))
    whole = [tables[[each == rate for each in rates or ()]].sum(axis=0) for rate in tally.rates]
    tally.counts = b"".join(kept.packed(table) for table in whole)
