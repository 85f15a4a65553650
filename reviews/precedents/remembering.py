"""Remembering what decided cases were about: a batch at a time, beside the decisions and never in their way."""

from __future__ import annotations

import json
from typing import Final

from django.db import connection

from governance.models import System
from reviews.precedents.nearness import place_of
from reviews.precedents.wording import case_text, excerpt, system_word
from reviews.routing.rulebook import rulebook

BATCH: Final = 200
# Of each system the newest cases are kept: what a case is compared with never grows with the years.
KEPT: Final = 2_000
# A decision is committed a moment after its id was made, so the search begins a little before the last one remembered.
_DUE: Final = """
SELECT DISTINCT ON (d.output_id) d.output_id, d.system_id, d.id, o.policy_id, c.input
FROM reviews_decision d
JOIN governance_output o ON o.id = d.output_id
JOIN governance_outputcontent c ON c.output_id = d.output_id
WHERE d.id IN (
    SELECT n.id FROM reviews_decision n
    WHERE n.id >= coalesce(
        (SELECT p.decision_id FROM reviews_precedent p ORDER BY p.decision_id DESC OFFSET 500 LIMIT 1),
        (SELECT x.id FROM reviews_decision x ORDER BY x.id DESC OFFSET %(kept)s LIMIT 1),
        '00000000-0000-0000-0000-000000000000')
      AND n.purpose <> 'known_answer'
      AND NOT EXISTS (SELECT FROM reviews_precedent p WHERE p.output_id = n.output_id)
    ORDER BY n.id LIMIT %(batch)s)
ORDER BY d.output_id, d.id
"""
_KEEP: Final = """
INSERT INTO reviews_precedent (output_id, system_id, decision_id, excerpt, words, place)
VALUES (%(output)s, %(system)s, %(decision)s, %(excerpt)s,
        to_tsvector('simple', %(text)s) || to_tsvector('simple', %(word)s), %(place)s::double precision[])
ON CONFLICT DO NOTHING
"""
_FORGET: Final = """
DELETE FROM reviews_precedent WHERE system_id = %(system)s AND decision_id < (
    SELECT p.decision_id FROM reviews_precedent p WHERE p.system_id = %(system)s
    ORDER BY p.decision_id DESC OFFSET %(kept)s LIMIT 1)
"""


def remember() -> int:
    """Remembers decided cases that are not yet, at most 200, and forgets the oldest beyond 2,000 of a system; how many.

    Running it twice, or at once with another, does no harm. Erasing a content erases what was remembered of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"batch": BATCH, "kept": KEPT})
        rows = cursor.fetchall()
        for output, system, decision, policy, given in rows:
            contract, sent = rulebook(policy).contract, json.loads(given)
            text = case_text(contract, sent) if contract else ""
            asked = {"output": output, "system": system, "decision": decision, "excerpt": excerpt(text)}
            asked |= {"text": text, "word": system_word(system)}
            asked["place"] = place_of(contract, sent) if contract else None
            cursor.execute(_KEEP, asked)
    return len(rows)


def forget() -> None:
    """Forgets the cases of each system beyond the newest 2,000."""
    with connection.cursor() as cursor:
        for system in System.objects.values_list("pk", flat=True):
            cursor.execute(_FORGET, {"system": system, "kept": KEPT})
