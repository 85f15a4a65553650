"""Years of decisions in a minute: rows as deciding leaves them, made by statements instead of by people.

The entries have the right size and no meaning; nobody verifies this database.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from benchmarks.stage import Stage

DAYS = 365
CHUNK = 50_000
# Ids carry the time, so that rows which were decided earlier sort earlier, as they do in life.
_ROWS = """
CREATE TEMPORARY TABLE past AS
SELECT g, uuidv7(age) AS entry, uuidv7(age) AS output, uuidv7(age) AS item, uuidv7(age) AS decision,
       clock_timestamp() + age AS at,
       (ARRAY['approve', 'approve', 'approve', 'approve', 'override', 'reject'])[1 + g %% 6] AS verdict,
       (%(reviewers)s::uuid[])[1 + g %% cardinality(%(reviewers)s::uuid[])] AS person
FROM generate_series(%(first)s::int, %(last)s::int) AS g,
     LATERAL (SELECT (g::float8 / %(count)s - 1) * %(days)s * interval '1 day' - interval '1 minute' AS age) AS a
"""
_FILL = (
    "INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf) "
    "SELECT entry, at, 'decided', 'output', output, 2, %(system)s, convert_to(repeat('d', 1100) || entry, "
    "'UTF8') FROM past",
    "INSERT INTO governance_output (id, system_id, external_id, body_digest, received_at, policy_id, contract_version, "
    "model, model_version, confidence, lane, rule, threshold, propensity, is_audit, is_held, is_breached, status, "
    "resolved_by, final_at, decision, revision, label, labelled_at, entry_id) "
    "SELECT output, %(system)s, %(name)s || g, "
    "sha256(g::text::bytea), "
    "at, %(policy)s, '1.0.0', 'digits-lr', '3.' || floor((g - 1) * 4 / %(count)s), "
    "500000 + g %% 400000, 'review', "
    "'threshold:default', 900000, 1000000, false, false, false, 'approved', 'person', at, "
    "decision, 2, verdict = 'approve', at, "
    "entry FROM past",
    "INSERT INTO governance_outputcontent (output_id, salt_key, input, output_json, context, gate_inputs, verdict) "
    "SELECT output, '\\x00', '{\"pixels\":[1,2,3]}', '{\"digit\":7}', "
    '\'{"alternatives":[],"attributes":{},"callback_url":null,"explanation":null}\', \'{}\', '
    '\'{"because":"Confidence 0.62 is under 0.90."}\' FROM past',
    "INSERT INTO reviews_item (id, output_id, system_id, queue_id, purpose, round, reviewers, state, is_blind, "
    "priority, "
    "route, created_at, routed_at, due_at, closed_at, entry_id) SELECT item, output, %(system)s, %(queue)s, "
    "'review', 1, "
    "1, 'closed', false, 50, '{}', at, at, at + interval '4 hours', at, entry FROM past",
    "INSERT INTO reviews_decision (id, item_id, output_id, system_id, person_id, seat, round, purpose, verdict, "
    "reasons, "
    "is_correct, is_blind, decided_at, final_at, took_ms, confidence, rule, model_version, policy_id, ai_said, "
    "person_said, search, entry_id) SELECT decision, item, output, %(system)s, person, 1, 1, 'review', verdict, "
    "CASE WHEN verdict = 'approve' THEN '{}' ELSE ARRAY['wrong-label'] END, verdict = 'approve', false, at, at, "
    "2000 + g %% 5000, 500000 + g %% 400000, (ARRAY['threshold:default', 'fax', 'sevens'])[1 + g %% 3], "
    "'3.' || floor((g - 1) * 4 / %(count)s), %(policy)s, 'digit ' || g %% 10, "
    "CASE WHEN verdict = 'override' THEN 'digit 3' ELSE '' "
    "END, to_tsvector('simple', 'digit ' || g %% 10 || ' page ' || g %% 5000), entry FROM past",
)


def decide_for_years(scene: Stage, queue: Any, count: int, *, name: str) -> None:
    """So many decisions of the last year by the stage's reviewers, in a queue of that id. Each call needs a name."""
    asked: dict[str, Any] = {
        "system": scene.system.pk, "policy": scene.system.in_force_id, "queue": queue, "count": float(count),
        "days": float(DAYS), "name": f"{name}-", "reviewers": [person.pk for person in scene.reviewers],
    }  # fmt: skip
    with connection.cursor() as cursor:
        for first in range(1, count + 1, CHUNK):
            last = min(first + CHUNK - 1, count)
            cursor.execute(_ROWS, asked | {"first": first, "last": last})
            for statement in _FILL:
                used = {name: value for name, value in asked.items() if f"%({name})s" in statement}
                cursor.execute(statement.replace("%%", "%") if not used else statement, used or None)
            cursor.execute("DROP TABLE past")
        cursor.execute("VACUUM ANALYZE")
