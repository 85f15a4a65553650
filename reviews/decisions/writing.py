"""One decision into the tables: a single statement whose every part hangs on the guarded UPDATE of the seat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance import clock
from governance.contracts.values import MISSING
from governance.evidence.record import Draft, write
from governance.models import Payload
from governance.policies.canonical import canonical_bytes
from reviews.decisions.answers import Answer, short_reading
from reviews.decisions.cases import Case
from reviews.decisions.ends import End, as_it_is
from reviews.decisions.rounds import Step
from reviews.delivery import outbox
from reviews.models import Queue, Seat
from reviews.routing import queues

_LOG: Final = """
    INSERT INTO governance_entry (id, at, type, subject_kind, subject, rev, system, leaf)
    SELECT %(entry)s, %(now)s, %(entry_type)s, 'output', %(output)s, %(entry_rev)s, %(system)s, %(entry_leaf)s
    WHERE EXISTS (SELECT FROM closed)
"""
SAY: Final = """
    INSERT INTO reviews_decision (id, item_id, output_id, system_id, person_id, seat, round, purpose, verdict, reasons,
        is_correct, is_blind, decided_at, final_at, supersedes_id, took_ms, confidence, rule, model_version, policy_id,
        ai_said, person_said, search, open_search, entry_id)
    SELECT %(decision)s, %(item)s, %(output)s, %(system)s, %(me)s, %(number)s, %(round)s, %(purpose)s, %(verdict)s,
        %(reasons)s::varchar[], %(is_correct)s, %(is_blind)s, %(now)s, %(final_at)s, %(supersedes)s::uuid,
        %(took_ms)s::int, %(confidence)s::int, %(rule)s, %(model_version)s, %(policy)s::uuid, %(ai_said)s,
        %(person_said)s, to_tsvector('simple', %(words)s), to_tsvector('simple', %(open_words)s::text), %(entry)s
    WHERE EXISTS (SELECT FROM closed)
"""
RESOLVE: Final = """
    UPDATE governance_output
    SET status = %(status)s, resolved_by = %(resolved_by)s, final_at = %(resolved_final_at)s::timestamptz,
        decision = %(resolved_decision)s::uuid, correction = %(correction)s::uuid, revision = %(revision)s,
        label = %(label)s::boolean, labelled_at = %(labelled_at)s::timestamptz, entry_id = %(last_entry)s
    WHERE id = %(output)s AND %(ends)s AND EXISTS (SELECT FROM closed)
"""
_KEEP: Final = """
    INSERT INTO governance_payload (entry_id, name, salt, content)
    SELECT %(entry)s, p.name, p.salt, p.content
    FROM unnest(%(kept_names)s::text[], %(kept_salts)s::bytea[], %(kept)s::bytea[]) AS p (name, salt, content)
    WHERE EXISTS (SELECT FROM closed)
"""
_TELL: Final = """
    INSERT INTO reviews_delivery (id, endpoint_id, url, event, output_id, cause, decision, due_at, next_attempt_at,
        attempts, problem)
    SELECT t.id, t.endpoint, t.url, %(event)s, %(output)s, %(last_entry)s, %(decision)s, %(final_at)s, %(final_at)s,
        0, ''
    FROM unnest(%(told)s::uuid[], %(told_endpoints)s::uuid[], %(told_urls)s::text[]) AS t (id, endpoint, url)
    WHERE EXISTS (SELECT FROM closed)
"""
# All of a decision or nothing. It waits for whoever holds the item, and then finds its case as it was read: the seat by
# its claim, all else by the output's chain, which takes no second entry in the same place.
_DECIDE: Final = f"""
WITH turn AS MATERIALIZED (SELECT id FROM reviews_item WHERE id = %(item)s FOR NO KEY UPDATE), closed AS (
    UPDATE reviews_seat
    SET decided_by_id = %(me)s, decided_at = %(now)s, closed_at = %(now)s, claimed_by_id = NULL, claim_token = NULL,
        claim_expires_at = NULL, entry_id = %(entry)s
    WHERE id = %(seat)s AND claim_token = %(token)s AND claimed_by_id = %(me)s AND closed_at IS NULL AND NOT is_soft
      AND claim_expires_at > clock_timestamp() AND EXISTS (SELECT FROM turn)
    RETURNING id
), logged AS ({_LOG}), kept AS ({_KEEP}), said AS ({SAY}), resolved AS ({RESOLVE}), moved AS (
    UPDATE reviews_item
    SET state = %(state)s, closed_at = CASE WHEN %(ends)s THEN %(now)s::timestamptz END, entry_id = %(entry)s
    WHERE id = %(item)s AND EXISTS (SELECT FROM closed)
), told AS ({_TELL})
SELECT CASE WHEN %(event)s::text IS NOT NULL THEN pg_notify(%(channel)s, %(output)s::text || ' ' || greatest(0, round(
    extract(epoch FROM %(final_at)s::timestamptz - clock_timestamp())::numeric, 3))) END
FROM closed
"""  # noqa: S608  only constants
# A row that is written without a claim of its own: a superseding decision, on whose item the lock is the guard.
_SUPERSEDE: Final = f"""
WITH closed AS (SELECT 1), logged AS ({_LOG}), said AS ({SAY}), resolved AS ({RESOLVE})
SELECT count(*) FROM closed
"""  # noqa: S608  only constants


def write_decision(
    case: Case, answer: Answer, *, person: UUID, token: UUID, decision: UUID, entries: Sequence[Draft], step: Step,
    end: End | None, final_at: datetime, took_ms: int | None, supersedes: UUID | None = None,
) -> bool:  # fmt: skip
    """Writes a decision with all that follows from it, or nothing: false when the claim does not hold any more.

    Raises IntegrityError when the case has moved on since it was read.
    """
    event = end.event if end is not None and case.purpose != "known_answer" else None
    targets = case.targets(event) if event else []
    kept = entries[0].payloads
    asked = {
        **_logged(entries[0]), **_resolved(case, end, entries),
        **decision_row(case, answer, person=person, decision=decision, final_at=final_at, took_ms=took_ms),
        "seat": case.seat, "token": token, "state": step.state, "supersedes": supersedes, "event": event,
        "channel": outbox.CHANNEL, "told": [clock.new_id() for _ in targets], "told_urls": [url for _, url in targets],
        "told_endpoints": [endpoint for endpoint, _ in targets], "kept_names": [each.name for each in kept],
        "kept_salts": [each.salt for each in kept], "kept": [each.content for each in kept],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DECIDE, asked)
        is_written = cursor.fetchone() is not None
    if is_written and len(entries) > 1:
        write(entries[1:])
    return is_written


def write_superseding(
    case: Case, answer: Answer, *, person: UUID, decision: UUID, supersedes: UUID | None, entries: Sequence[Draft],
    end: End | None, final_at: datetime,
) -> None:  # fmt: skip
    """Writes a decision that needs no claim, since the caller holds the item: a superseding one."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SUPERSEDE,
            {
                **_logged(entries[0]), **_resolved(case, end, entries),
                **decision_row(case, answer, person=person, decision=decision, final_at=final_at, took_ms=None),
                "supersedes": supersedes,
            },
        )  # fmt: skip
    _keep(entries)


def open_seat(case: Case, number: int, *, entry: UUID, adjudicates: bool) -> None:
    """Opens another seat: where the first one was, or for the queue above (else for a lead) where it adjudicates."""
    own = Queue.objects.get(pk=case.queue)
    above = queues.above(own, case.rules) if adjudicates else None
    barred = Seat.objects.values_list("barred", flat=True).get(item=case.item, number=case.number)
    Seat.objects.update_or_create(
        item_id=case.item, number=number,
        create_defaults={
            "system_id": case.system, "queue": above or own, "skills": [] if adjudicates else case.skills,
            "is_for_lead": adjudicates and above is None, "barred": barred,
            "urgent_at": case.urgent_at, "entry_id": entry,
        },
        defaults={"closed_at": None, "held_until": None, "entry_id": entry},
    )  # fmt: skip


def decision_row(
    case: Case, answer: Answer, *, person: UUID, decision: UUID, final_at: datetime, took_ms: int | None
) -> dict[str, Any]:
    """The columns of the decision, by the names the statements use."""
    contract = case.rules.contract
    ai_said = short_reading(contract, case.ai)
    said = ai_said if answer.verdict == "approve" else short_reading(contract, answer.output)
    labels = {reason.code: reason.label for reason in case.rules.review.reasons}
    words = " ".join([*answer.reasons, *(labels.get(code, "") for code in answer.reasons), ai_said, said])
    is_masked = bool(answer.comment and contract and contract.personal_data)
    return {
        "decision": decision, "item": case.item, "output": case.output, "system": case.system, "me": person,
        "number": case.number, "round": case.round, "purpose": case.purpose, "verdict": answer.verdict,
        "reasons": list(answer.reasons), "is_correct": answer.is_correct, "is_blind": case.is_blind, "now": case.now,
        "final_at": final_at, "took_ms": took_ms, "confidence": case.confidence, "rule": case.rule,
        "model_version": case.model_version, "policy": case.policy, "ai_said": ai_said, "person_said": said,
        "words": f"{answer.comment} {words}", "open_words": words if is_masked else None,
    }  # fmt: skip


def payloads(answer: Answer) -> dict[str, bytes]:
    """What of an answer is kept apart from the log, by name: the person's own output, and her comment."""
    kept = {}
    if answer.output is not MISSING:
        kept["output"] = canonical_bytes(answer.output)
    if answer.comment:
        kept["comment"] = answer.comment.encode()
    return kept


def _logged(entry: Draft) -> dict[str, Any]:
    return {"entry": entry.id, "entry_type": entry.type, "entry_rev": entry.rev, "entry_leaf": entry.leaf}


def _keep(entries: Sequence[Draft]) -> None:
    """What most decisions have not: the payloads of their entry, and a second entry."""
    kept = entries[0].payloads
    if kept:
        rows = (Payload(entry_id=entries[0].id, name=p.name, salt=p.salt, content=p.content) for p in kept)
        Payload.objects.bulk_create(rows)
    if len(entries) > 1:
        write(entries[1:])


def _resolved(case: Case, end: End | None, entries: Sequence[Draft]) -> dict[str, Any]:
    after = end or as_it_is(case)
    return {
        "ends": end is not None, "status": after.status, "resolved_by": after.resolved_by,
        "resolved_final_at": after.final_at, "resolved_decision": after.decision, "correction": after.correction,
        "revision": after.revision, "label": after.label, "labelled_at": after.labelled_at,
        "last_entry": entries[-1].id,
    }  # fmt: skip
