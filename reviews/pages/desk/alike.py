"""Cases like this one: in like words, else with the same answer; of the same system, once everybody has decided."""

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
from governance.contracts.values import MISSING
from governance.models import OutputContent
from reviews.models import Decision, Item
from reviews.pages.showing import thumb
from reviews.pages.showing.scan import Scan
from reviews.precedents.nearness import FAR, place_of
from reviews.precedents.vectors import has_vectors
from reviews.precedents.wording import case_text, system_word, telling_words

# A rare answer must not read a million rows: cases are looked for among the newest decisions only.
_LOOKED_AT: Final = 2000
_SHOWN: Final = 4
_NEAR: Final = 40
_NEAREST_SHOWN: Final = 12
_FEWEST_WORDS: Final = 3
_LARGEST_THUMB: Final = 20_000
# What may be told of a decided case, so that nobody learns what she may still have to judge.
_TOLD: Final = """
    d.output_id <> %(besides)s
    AND d.output_id NOT IN (SELECT k.original_id FROM governance_knownanswer k WHERE k.output_id = %(besides)s)
    AND i.state = 'closed' AND d.final_at <= clock_timestamp()
    AND NOT EXISTS (SELECT FROM reviews_decision x WHERE x.supersedes_id = d.id)
    AND NOT EXISTS (
        SELECT FROM (SELECT o.state FROM reviews_item o WHERE o.output_id = d.output_id OFFSET 0) o
        WHERE o.state <> 'closed')
"""
# By its key alone (OFFSET 0 keeps the state out of it): while statistics are old, PostgreSQL would rather walk the
# index of all closed items, once for each decision.
_ITEM: Final = "JOIN LATERAL (SELECT m.state FROM reviews_item m WHERE m.id = d.item_id OFFSET 0) i ON true"
_SAME: Final = f"""
SELECT d.id, d.output_id, d.verdict, d.ai_said, d.person_said, d.decided_at, p.is_simulated, '' AS excerpt
FROM (
    SELECT id, item_id, output_id, person_id, verdict, ai_said, person_said, decided_at, final_at
    FROM reviews_decision WHERE system_id = %(system)s AND undone_at IS NULL AND purpose <> 'known_answer'
    ORDER BY id DESC LIMIT %(looked_at)s
) d
{_ITEM}
JOIN governance_person p ON p.id = d.person_id
WHERE d.ai_said = %(ai_said)s AND {_TOLD}
"""  # noqa: S608  only constants
# The cases that share most words, of those the newest 2,000 of the system; where none does, those with the same answer.
_WORDED: Final = f"""
WITH near AS MATERIALIZED (
    SELECT p.output_id, p.excerpt, ts_rank(p.words, to_tsquery('simple', %(query)s), 1) AS rank
    FROM reviews_precedent p WHERE p.words @@ to_tsquery('simple', %(query)s)
    ORDER BY rank DESC, p.decision_id DESC LIMIT %(near)s
), shared AS MATERIALIZED (
    SELECT n.output_id, n.excerpt,
           (SELECT count(*) FROM unnest(%(words)s::text[]) w WHERE p.words @@ plainto_tsquery('simple', w)) AS words
    FROM near n JOIN reviews_precedent p ON p.output_id = n.output_id
), worded AS MATERIALIZED (
    SELECT DISTINCT ON (d.output_id) d.id, d.output_id, d.verdict, d.ai_said, d.person_said, d.decided_at,
           p.is_simulated, s.excerpt, s.words
    FROM shared s
    JOIN reviews_decision d ON d.output_id = s.output_id AND d.undone_at IS NULL AND d.purpose <> 'known_answer'
    {_ITEM}
    JOIN governance_person p ON p.id = d.person_id
    WHERE s.words >= %(needed)s AND {_TOLD}
    ORDER BY d.output_id, d.id DESC
)
(SELECT id, output_id, verdict, ai_said, person_said, decided_at, is_simulated, excerpt
 FROM worded ORDER BY words DESC, id DESC)
UNION ALL
(SELECT * FROM ({_SAME}) same WHERE NOT EXISTS (SELECT FROM worded) ORDER BY id DESC)
"""  # noqa: S608  only constants
# The cases whose numbers lie nearest: every case of the system is compared, which 2,000 of them are few enough for.
_NEAREST: Final = f"""
WITH near AS MATERIALIZED (
    SELECT p.output_id, p.excerpt, p.place::vector <-> %(place)s::double precision[]::vector AS far
    FROM reviews_precedent p
    WHERE p.system_id = %(system)s AND cardinality(p.place) = cardinality(%(place)s::double precision[])
), standing AS MATERIALIZED (
    SELECT DISTINCT ON (d.output_id) d.id, d.output_id, d.verdict, d.ai_said, d.person_said, d.decided_at,
           p.is_simulated, n.far
    FROM (SELECT * FROM near WHERE far < %(limit)s ORDER BY far LIMIT %(near)s) n
    JOIN reviews_decision d ON d.output_id = n.output_id AND d.undone_at IS NULL AND d.purpose <> 'known_answer'
    {_ITEM}
    JOIN governance_person p ON p.id = d.person_id
    WHERE {_TOLD}
    ORDER BY d.output_id, d.id DESC
)
(SELECT id, output_id, verdict, ai_said, person_said, decided_at, is_simulated, NULL
 FROM standing ORDER BY far, id DESC LIMIT %(shown)s)
UNION ALL
(SELECT * FROM ({_SAME}) same WHERE NOT EXISTS (SELECT FROM standing) ORDER BY id DESC)
"""  # noqa: S608  only constants


@dataclass(frozen=True, slots=True)
class Precedent:
    """One decided case. `said` is what the person put in the AI's place, "" when she did not; `excerpt` is how the
    case begins, "" for one that was found by its answer."""

    verdict: str
    ai_said: str
    said: str
    excerpt: str
    at: datetime
    is_simulated: bool
    thumb: Scan | None


@dataclass(frozen=True, slots=True)
class Alike:
    """The first few cases, and how all those found were decided: (verdict, what it was overridden to, how many).
    `is_near` when their numbers lie nearest, `is_worded` when they share most words, else they had the same answer."""

    newest: tuple[Precedent, ...] = ()
    counts: tuple[tuple[str, str, int], ...] = ()
    total: int = 0
    is_worded: bool = False
    is_near: bool = False


def alike(
    system: UUID, *, given: Any, ai_said: str, besides: UUID, contract: Contract | None
) -> Alike:  # fmt: skip
    """What was decided before about cases whose input has most words in common with this one, at least a third of the
    longer ones, or whose scan or measurements lie nearest, where the database has pgvector; where there are none, about
    the same answer. Names are not told: an expert weighs cases, not colleagues."""
    is_known = contract is not None and given is not MISSING
    words = telling_words(case_text(contract, given)) if contract is not None and is_known else ()
    is_worded = len(words) >= _FEWEST_WORDS
    place = place_of(contract, given) if contract is not None and is_known and not is_worded and has_vectors() else None
    if not ai_said and not words and place is None:
        return Alike()
    asked: dict[str, Any] = {
        "system": system, "looked_at": _LOOKED_AT, "ai_said": ai_said, "besides": besides, "words": list(words),
        "query": f"{system_word(system)} & ({' | '.join(words)})", "near": _NEAR,
        "needed": max(_FEWEST_WORDS, -(-len(words) // 3)), "place": place, "limit": FAR, "shown": _NEAREST_SHOWN,
    }  # fmt: skip
    how = _WORDED if is_worded else f"{_SAME} ORDER BY d.id DESC" if place is None else _NEAREST
    with connection.cursor() as cursor:
        cursor.execute(how, asked)
        rows = cursor.fetchall()
    thumbs = thumbs_of({row[1]: contract for row in rows[:_SHOWN]})
    newest = tuple(
        Precedent(
            verdict, ai, said if verdict == "override" else "", excerpt or "", at, is_simulated, thumbs.get(output)
        )
        for _, output, verdict, ai, said, at, is_simulated, excerpt in rows[:_SHOWN]
    )
    tally = Counter((row[2], row[4] if row[2] == "override" else "") for row in rows)
    return Alike(
        newest,
        tuple((verdict, said, count) for (verdict, said), count in tally.most_common(4)),
        len(rows),
        bool(rows and rows[0][7]),
        bool(rows and rows[0][7] is None),
    )


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
