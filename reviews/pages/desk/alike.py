"""Cases like this one: the newest decisions about the same answer of the same system, once everybody has decided."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef
from django.db.models.functions import Length

from governance.contracts.schema import Contract
from governance.models import OutputContent
from reviews.models import Decision, Item
from reviews.pages.showing import thumb
from reviews.pages.showing.scan import Scan

# A rare answer must not read a million rows: cases are looked for among the newest decisions only.
_LOOKED_AT: Final = 2000
_SHOWN: Final = 4
_LARGEST_THUMB: Final = 20_000
_ALIKE: Final = """
SELECT d.id, d.output_id, d.verdict, d.ai_said, d.person_said, d.decided_at, p.is_simulated
FROM (
    SELECT id, item_id, output_id, person_id, verdict, ai_said, person_said, decided_at, final_at
    FROM reviews_decision WHERE system_id = %s AND undone_at IS NULL AND purpose <> 'known_answer'
    ORDER BY id DESC LIMIT %s
) d
JOIN reviews_item i ON i.id = d.item_id
JOIN governance_person p ON p.id = d.person_id
WHERE d.ai_said = %s AND d.output_id <> %s
  AND d.output_id NOT IN (SELECT k.original_id FROM governance_knownanswer k WHERE k.output_id = %s)
  AND i.state = 'closed' AND d.final_at <= clock_timestamp()
  AND NOT EXISTS (SELECT FROM reviews_decision x WHERE x.supersedes_id = d.id)
  AND NOT EXISTS (SELECT FROM reviews_item o WHERE o.output_id = d.output_id AND o.state <> 'closed')
ORDER BY d.id DESC
"""


@dataclass(frozen=True, slots=True)
class Precedent:
    """One decided case. `said` is what the person put in the AI's place, "" when she did not."""

    verdict: str
    said: str
    at: datetime
    is_simulated: bool
    thumb: Scan | None


@dataclass(frozen=True, slots=True)
class Alike:
    """The newest cases, and how all those found were decided: (verdict, what it was overridden to, how many)."""

    newest: tuple[Precedent, ...] = ()
    counts: tuple[tuple[str, str, int], ...] = ()
    total: int = 0


def alike(system: UUID, *, ai_said: str, besides: UUID, contract: Contract | None) -> Alike:
    """What was decided before about the same answer. Names are not told: an expert weighs cases, not colleagues."""
    if not ai_said:
        return Alike()
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, [system, _LOOKED_AT, ai_said, besides, besides])
        rows = cursor.fetchall()
    thumbs = thumbs_of({row[1]: contract for row in rows[:_SHOWN]})
    newest = tuple(
        Precedent(verdict, said if verdict == "override" else "", at, is_simulated, thumbs.get(output))
        for _, output, verdict, _, said, at, is_simulated in rows[:_SHOWN]
    )
    tally = Counter((row[2], row[4] if row[2] == "override" else "") for row in rows)
    return Alike(newest, tuple((verdict, said, count) for (verdict, said), count in tally.most_common(4)), len(rows))


def thumbs_of(outputs: dict[UUID, Contract | None]) -> dict[UUID, Scan]:
    """A small picture for each output whose contract says that it has one."""
    asked = [output for output, contract in outputs.items() if _has_scan(contract)]
    if not asked:
        return {}
    inputs = (
        OutputContent.objects.filter(pk__in=asked).annotate(size=Length("input")).filter(size__lt=_LARGEST_THUMB)
        .values_list("pk", "input")
    )  # fmt: skip
    found = {}
    for output, sent in inputs:
        contract = outputs[output]
        drawn = thumb(contract.input_schema, json.loads(sent)) if contract else None
        if drawn is not None:
            found[output] = drawn
    return found


def standing_decisions(person: UUID, limit: int) -> list[Decision]:
    """The newest decisions of a person that stand: neither taken back nor superseded; newest first."""
    open_round = Item.objects.filter(pk=OuterRef("item_id")).exclude(state="closed")
    return list(
        Decision.objects.filter(person=person).standing()
        .annotate(is_open=Exists(open_round)).select_related("system").defer("search").newest_first()[:limit]
    )  # fmt: skip


def _has_scan(contract: Contract | None) -> bool:
    schema: Any = contract.input_schema if contract else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    parts: Iterable[Any] = properties.values() if isinstance(properties, dict) else ()
    return any(isinstance(part, dict) and part.get("x-view") == "scan" for part in parts)
