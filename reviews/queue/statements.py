"""The statements that claim: each takes one seat or none, whoever else asks at the same moment."""

from __future__ import annotations

import re
from typing import Final

from reviews.queue.claims import COLUMNS

# PostgreSQL would plan these statements anew each time, which takes ten times as long as carrying them out.
GENERIC: Final = "set_config('plan_cache_mode', 'force_generic_plan', true)"


def compact(statement: str) -> str:
    """The statement without its indentation: the driver remembers how to read statements of up to 4,096 characters."""
    return re.sub(r"\s+", " ", statement).strip()


# Whether seat `s` may be taken by the person `me`, whose queues, skills and rank are in the row `my`.
_CLAIMABLE: Final = """
    s.closed_at IS NULL
    AND (s.claim_expires_at IS NULL OR s.claim_expires_at <= statement_timestamp())
    AND s.skills <@ my.skills
    AND (my.is_lead OR NOT s.is_for_lead)
    AND NOT EXISTS (
        SELECT FROM reviews_seat o
        WHERE o.item_id = s.item_id AND o.id <> s.id
          AND (o.decided_by_id = %(me)s
               OR (o.claimed_by_id = %(me)s AND o.closed_at IS NULL AND o.claim_expires_at > statement_timestamp())))
    AND NOT (%(me)s = ANY(s.barred))
"""
# The function `countersign_next` (the migration `next`) says all of this again: change both.
_FOR_ME: Final = "(s.assigned_to_id = %(me)s OR (my.is_pull AND s.assigned_to_id IS NULL))"
_UNPASSED: Final = f"""{_CLAIMABLE}
    AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())
    AND NOT EXISTS (SELECT FROM reviews_skip k WHERE k.item_id = s.item_id AND k.person_id = %(me)s)
"""
# What counts as waiting for her.
_OFFERED: Final = f"{_UNPASSED} AND {_FOR_ME}"
_MY: Final = """
    SELECT q.id,
           ARRAY(SELECT k.name FROM governance_skill k
                 WHERE k.person_id = %(me)s AND k.system_id = q.system_id
                   AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())) AS skills,
           (q.mode = 'pull' AND q.paused_at IS NULL) AS is_pull,
           (%(leads)s::uuid[] IS NULL OR q.system_id = ANY(%(leads)s::uuid[])) AS is_lead
    FROM reviews_queue q
    WHERE (%(systems)s::uuid[] IS NULL OR q.system_id = ANY(%(systems)s::uuid[]))
"""
_TAKE: Final = """
    UPDATE reviews_seat s
    SET claimed_by_id = %(me)s,
        claim_token = CASE WHEN s.is_soft AND s.claimed_by_id = %(me)s AND s.claim_expires_at > statement_timestamp()
                           THEN s.claim_token ELSE gen_random_uuid() END,
        claim_expires_at = clock_timestamp() + make_interval(secs => %(seconds)s),
        is_soft = %(ahead)s,
        shown_at = CASE WHEN %(ahead)s THEN NULL ELSE clock_timestamp() END,
        held_until = NULL,
        held_by_id = NULL,
        entry_id = CASE WHEN %(ahead)s THEN s.entry_id ELSE %(entry)s END
    WHERE s.id = (SELECT id FROM chosen)
    RETURNING s.*
"""

# The first seat that is free for somebody, from the queue's mark on, for the queues that are due to be looked at. The
# seat that this very statement takes may be it.
_FIRST: Final = """
LEFT JOIN LATERAL (
    SELECT f.urgent_at, f.id FROM reviews_seat f
    WHERE t.queue_id = ANY(%(due)s::uuid[]) AND f.queue_id = t.queue_id AND f.closed_at IS NULL
      AND (f.urgent_at, f.id) >= (
          coalesce((%(mark_times)s::timestamptz[])[array_position(%(mark_queues)s::uuid[], t.queue_id)], '-infinity'),
          coalesce((%(mark_seats)s::uuid[])[array_position(%(mark_queues)s::uuid[], t.queue_id)], %(lowest)s::uuid))
      AND (f.claim_expires_at IS NULL OR f.claim_expires_at <= statement_timestamp())
      AND (f.held_until IS NULL OR f.held_until <= statement_timestamp())
    ORDER BY f.urgent_at, f.id LIMIT 1
) g ON true
"""
# The function of the migration `next` takes its turn, chooses, and claims softly.
NEXT: Final = compact(f"""
WITH shown AS (
    SELECT (n.seat).*, n.is_new FROM countersign_next(
        %(me)s, %(systems)s, %(leads)s, %(slug)s, %(ahead)s, %(seconds)s,
        %(mark_queues)s, %(mark_times)s, %(mark_seats)s, %(waits)s, %(alone)s
    ) n
)
{COLUMNS.replace("e.leaf_hash", "e.leaf_hash, g.urgent_at, g.id", 1)}
{_FIRST}
""")  # noqa: S608  only constants

# A soft claim becomes the one in hand, with its evidence. What she had in hand becomes the card she comes back to; the
# card that waited before it goes back to the queue. Moving an expiry is no transition: a lease that has run out is free
# without anybody's doing.
SHOW: Final = """
WITH shown AS (
    UPDATE reviews_seat
    SET claim_expires_at = %(until)s, is_soft = false, shown_at = clock_timestamp(), entry_id = %(entry)s
    WHERE id = %(seat)s AND claim_token = %(token)s AND claimed_by_id = %(me)s AND closed_at IS NULL AND is_soft
      AND claim_expires_at > clock_timestamp()
    RETURNING id, queue_id
), aside AS (
    UPDATE reviews_seat s
    SET claim_expires_at = CASE WHEN s.is_soft THEN statement_timestamp() ELSE s.claim_expires_at END, is_soft = true
    FROM shown
    WHERE s.queue_id = shown.queue_id AND s.id <> shown.id AND s.claimed_by_id = %(me)s AND s.closed_at IS NULL
      AND s.claim_expires_at > statement_timestamp()
), logged AS (
    INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf)
    SELECT %(entry)s, %(at)s, %(type)s, %(kind)s, id, %(rev)s, %(system)s, %(leaf)s FROM shown
)
SELECT id FROM shown
"""

# A given item: the seat she has already, else the first that is free. Skips and holds are hers to overrule.
GIVEN: Final = compact(f"""
WITH my AS MATERIALIZED ({_MY}), held AS MATERIALIZED (
    SELECT s.id, s.is_soft FROM reviews_seat s
    WHERE s.item_id = %(item)s AND s.claimed_by_id = %(me)s AND s.closed_at IS NULL
      AND s.claim_expires_at > statement_timestamp()
    LIMIT 1
), fresh AS (
    SELECT s.id FROM reviews_seat s JOIN my ON my.id = s.queue_id
    WHERE s.item_id = %(item)s AND NOT EXISTS (SELECT FROM held) AND {_CLAIMABLE} AND (my.is_lead OR {_FOR_ME})
    ORDER BY s.number LIMIT 1 FOR UPDATE OF s SKIP LOCKED
), chosen AS (
    (SELECT id FROM held WHERE is_soft) UNION ALL (SELECT id FROM fresh) LIMIT 1
), taken AS ({_TAKE}), shown AS (
    SELECT t.*, true AS is_new FROM taken t
    UNION ALL
    SELECT s.*, false FROM reviews_seat s WHERE s.id = (SELECT h.id FROM held h WHERE NOT h.is_soft)
)
{COLUMNS}
""")  # noqa: S608  only constants

# A claim that exists, whatever made it.
HELD: Final = f"""
WITH shown AS (
    SELECT s.*, false AS is_new FROM reviews_seat s
    WHERE s.item_id = %(item)s AND s.claimed_by_id = %(me)s AND s.closed_at IS NULL
      AND s.claim_expires_at > statement_timestamp()
)
{COLUMNS}
"""  # noqa: S608  only constants

# What she had in hand becomes the card she comes back to; the card that waited before it goes back to the queue. Moving
# an expiry is no transition: a lease that has run out is free without anybody's doing.
ASIDE: Final = """
UPDATE reviews_seat s
SET claim_expires_at = CASE WHEN s.is_soft THEN statement_timestamp() ELSE s.claim_expires_at END, is_soft = true
FROM reviews_seat kept
WHERE kept.id = %(kept)s AND s.queue_id = kept.queue_id AND s.id <> kept.id AND s.claimed_by_id = %(me)s
  AND s.closed_at IS NULL AND s.claim_expires_at > statement_timestamp()
"""

# One person's claims are made one after the other, so that two tabs do not end with two items in hand.
IN_TURN: Final = f"SELECT pg_advisory_xact_lock(hashtextextended(%s, 7214)), {GENERIC}"
