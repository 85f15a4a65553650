"""One dossier into the tables by one statement: one round trip, one commit, all of it or nothing."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection

from governance import clock
from reviews.intake.dossiers import Dossier, Setting

# `force` holds a row only while the policy that judged is still the one in force, nothing else has changed in how the
# system is steered (a halt!), and the verdict's time is PostgreSQL's, within half of what the verifier allows;
# everything hangs on it.
CURRENT: Final = """
SELECT s.id FROM governance_system s LEFT JOIN governance_policyversion p ON p.id = s.in_force_id
WHERE s.id = %(system)s::uuid AND s.in_force_id IS NOT DISTINCT FROM %(in_force)s::uuid
  AND p.is_approved IS NOT DISTINCT FROM %(approved)s::boolean AND s.risk_tier = %(risk_tier)s::text
  AND coalesce(s.entry_id = %(steering)s::uuid, %(steering)s::uuid IS NULL)
  AND abs(extract(epoch FROM %(at)s::timestamptz - clock_timestamp())) < 30
"""
_BEGIN: Final = f"""
WITH force AS ({CURRENT}),
fresh AS (
    INSERT INTO governance_output (
        id, system_id, external_id, body_digest, received_at, policy_id, contract_version, model, model_version,
        prompt_version, confidence, segment, lane, rule, threshold, propensity, is_audit, is_held, is_breached, status,
        resolved_by, final_at, revision, traceparent, key, case_key, entry_id)
    SELECT %(id)s::uuid, force.id, %(external_id)s::text, %(digest)s::bytea, %(at)s::timestamptz, %(policy)s::uuid,
        %(contract)s::text, %(model)s::text, %(model_version)s::text, %(prompt_version)s::text,
        %(confidence)s::integer, %(segment)s::text, %(lane)s::text,
        %(rule)s::text, %(threshold)s::integer, %(propensity)s::integer, %(is_audit)s::boolean, %(is_held)s::boolean,
        %(is_breached)s::boolean, %(status)s::text, %(resolved_by)s::text,
        CASE WHEN %(resolved_by)s::text IS NULL THEN NULL ELSE now() END, 1, %(traceparent)s::text, %(key)s::uuid,
        %(case)s::bigint, %(entry)s::uuid
    FROM force
    ON CONFLICT (system_id, external_id) DO NOTHING RETURNING id, now() AS at
), log AS (
    INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf)
    SELECT %(entry)s::uuid, %(at)s::timestamptz, 'judged', 'output', fresh.id, 1, %(system)s::uuid, %(leaf)s::bytea
    FROM fresh
), content AS (
    INSERT INTO governance_outputcontent (output_id, salt_key, input, output_json, context, gate_inputs, verdict)
    SELECT fresh.id, %(salt_key)s::bytea, %(input)s::text, %(output)s::text, %(context)s::text,
        %(gate_inputs)s::text, %(verdict)s::text FROM fresh
)"""  # noqa: S608  only constants
_ITEM: Final = """, item AS (
    INSERT INTO reviews_item (
        id, output_id, system_id, purpose, round, reviewers, state, is_blind, priority, route, created_at, entry_id)
    SELECT %(item)s::uuid, fresh.id, %(system)s::uuid, %(purpose)s::text, 1, 1, 'open', %(is_blind)s::boolean, 0, '{}',
        %(at)s::timestamptz, %(entry)s::uuid
    FROM fresh
)"""
_END: Final = " SELECT EXISTS (SELECT FROM force), (SELECT at FROM fresh), clock_timestamp()"
_WITHOUT_ITEM: Final = _BEGIN + _END
_WITH_ITEM: Final = _BEGIN + _ITEM + _END


def guard(setting: Setting) -> dict[str, Any]:
    """The arguments of `CURRENT`."""
    # A canary holds as long as the version beside which it was set.
    force = setting.force.beside or setting.force if setting.force else None
    return {
        "system": setting.system,
        "in_force": force.version_id if force else None,
        "approved": not force.is_unapproved if force else None,
        "risk_tier": force.risk_tier if force else setting.risk_tier,
        "steering": force.steering if force else None,
        "at": setting.at,
    }


def insert(dossier: Dossier, setting: Setting) -> tuple[bool, bool]:
    """Writes the rows of one dossier: whether its policy is still in force, and whether the output was new."""
    asked = clock.steady()
    with connection.cursor() as cursor:
        cursor.execute(_WITH_ITEM if dossier.item else _WITHOUT_ITEM, _values(dossier, setting))
        is_current, dossier.final_at, now = cursor.fetchone()
    clock.hear(now, asked=asked)
    return is_current, dossier.final_at is not None


def _values(d: Dossier, setting: Setting) -> dict[str, Any]:
    judged, arrival, verdict = d.judged, d.judged.arrival, d.judged.verdict
    body = arrival.body
    values = guard(setting)
    values |= {
        "id": str(d.id),
        "policy": setting.force.version_id if setting.force else None,
        "external_id": body.external_id,
        "digest": arrival.digest,
        "contract": setting.force.contract.version if setting.force else None,
        "model": body.model or "",
        "model_version": body.model_version or "",
        "prompt_version": body.prompt_version,
        "confidence": arrival.confidence,
        "segment": verdict.segment,
        "lane": verdict.lane,
        "rule": verdict.rule,
        "threshold": verdict.threshold,
        "propensity": verdict.propensity,
        "is_audit": verdict.is_audit,
        "is_held": verdict.is_held,
        "is_breached": verdict.is_breached,
        "status": judged.status,
        "resolved_by": judged.resolved_by,
        "traceparent": setting.traceparent,
        "key": setting.key,
        "case": judged.case,
        "entry": str(d.entry),
        "leaf": d.leaf,
        "salt_key": d.salt_key,
        "input": arrival.input.decode(),
        "output": arrival.output.decode(),
        "context": arrival.context.decode(),
        "gate_inputs": d.gate_inputs.decode(),
        "verdict": d.verdict.decode(),
    }
    if d.item:
        values |= {"item": str(d.item), "purpose": judged.purpose, "is_blind": judged.is_blind}
    return values
