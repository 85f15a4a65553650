"""Taking the next seat as one statement of its own: the turn, the choice and the soft claim in one round trip.

A function and not a statement, because each of its statements sees what was committed while it waited for its turn, and
because its plan is kept: planning it anew would take ten times as long as carrying it out.
"""

from django.db import migrations

# Whether the seat `s` can be taken by `me`, whose queues, skills and rank are in the row `my`; `reviews.queue.statements`
# says the same for whoever counts what waits.
UNPASSED = """
    s.closed_at IS NULL
    AND (s.claim_expires_at IS NULL OR s.claim_expires_at <= statement_timestamp())
    AND s.skills <@ my.skills
    AND (my.is_lead OR NOT s.is_for_lead)
    AND NOT EXISTS (
        SELECT FROM reviews_seat o
        WHERE o.item_id = s.item_id AND o.id <> s.id
          AND (o.decided_by_id = me
               OR (o.claimed_by_id = me AND o.closed_at IS NULL AND o.claim_expires_at > statement_timestamp())))
    AND NOT (me = ANY(s.barred))
    AND (s.held_until IS NULL OR s.held_until <= statement_timestamp())
    AND NOT EXISTS (SELECT FROM reviews_skip k WHERE k.item_id = s.item_id AND k.person_id = me)
"""
TAKE = f"""
    WITH my AS MATERIALIZED (
        SELECT q.id, ARRAY(SELECT k.name FROM governance_skill k
                           WHERE k.person_id = me AND k.system_id = q.system_id
                             AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())) AS skills,
               (q.mode = 'pull' AND q.paused_at IS NULL) AS is_pull,
               (leads IS NULL OR q.system_id = ANY(leads)) AS is_lead,
               coalesce(m.at, '-infinity') AS from_at,
               coalesce(m.seat, '00000000-0000-0000-0000-000000000000') AS from_id
        FROM reviews_queue q
        LEFT JOIN unnest(mark_queues, mark_times, mark_seats) AS m (queue, at, seat) ON m.queue = q.id
        WHERE (systems IS NULL OR q.system_id = ANY(systems)) AND (named IS NULL OR q.slug = named)
        ORDER BY q.id
    ), held AS MATERIALIZED (
        SELECT s.id, s.is_soft FROM reviews_seat s
        WHERE s.claimed_by_id = me AND s.closed_at IS NULL AND s.claim_expires_at > statement_timestamp()
          AND s.queue_id IN (SELECT id FROM my)
    ), given AS (
        SELECT s.id, s.urgent_at FROM reviews_seat s JOIN my ON my.id = s.queue_id
        WHERE s.assigned_to_id = me AND {UNPASSED} AND NOT EXISTS (SELECT FROM held WHERE is_soft OR NOT ahead)
        ORDER BY s.urgent_at, s.id LIMIT 1 FOR UPDATE OF s <LOCKED>
    ), fresh AS (
        SELECT f.id, f.urgent_at FROM my CROSS JOIN LATERAL (
            SELECT s.id, s.urgent_at FROM reviews_seat s
            WHERE s.queue_id = my.id AND (s.urgent_at, s.id) >= (my.from_at, my.from_id)
              AND my.is_pull AND s.assigned_to_id IS NULL AND {UNPASSED}
            ORDER BY s.urgent_at, s.id LIMIT 1 FOR UPDATE <LOCKED>
        ) f
        WHERE NOT EXISTS (SELECT FROM held WHERE is_soft OR NOT ahead)
        ORDER BY f.urgent_at, f.id LIMIT 1
    ), chosen AS (
        SELECT id FROM (TABLE given UNION ALL TABLE fresh) n ORDER BY urgent_at, id LIMIT 1
    ), taken (claimed) AS (
        UPDATE reviews_seat s
        SET claimed_by_id = me, claim_token = gen_random_uuid(), is_soft = true, shown_at = NULL, held_until = NULL,
            held_by_id = NULL, claim_expires_at = clock_timestamp() + make_interval(secs => seconds)
        WHERE s.id = (SELECT id FROM chosen)
        RETURNING s
    )
    SELECT claimed, true FROM taken
    UNION ALL
    (SELECT s, false FROM reviews_seat s
     WHERE s.id = (SELECT h.id FROM held h WHERE h.is_soft OR NOT ahead ORDER BY h.is_soft LIMIT 1)
       AND NOT EXISTS (SELECT FROM chosen))
"""  # noqa: S608  only constants
# `waits`: a row that another locks may yet stay free, and nobody is told that nothing is left before they are done.
# `alone`: when this is all there is to commit, nobody waits for the disk. A soft claim that a crash forgets is free.
NEXT = f"""
CREATE FUNCTION countersign_next(
    me uuid, systems uuid[], leads uuid[], named text, ahead boolean, seconds double precision,
    mark_queues uuid[], mark_times timestamptz[], mark_seats uuid[], waits boolean, alone boolean
) RETURNS TABLE (seat reviews_seat, is_new boolean)
LANGUAGE plpgsql ROWS 1 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    -- One person's claims are made one after the other, so that two tabs do not end with two items in hand.
    PERFORM pg_advisory_xact_lock(hashtextextended(me::text, 7214));
    IF waits THEN
        RETURN QUERY {TAKE.replace("<LOCKED>", "")};
    ELSE
        RETURN QUERY {TAKE.replace("<LOCKED>", "SKIP LOCKED")};
    END IF;
    IF alone THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0004_precedents")]
    operations = [
        migrations.RunSQL(NEXT, migrations.RunSQL.noop),
    ]
