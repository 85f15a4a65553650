"""The outbox: what producers have to be told is written in the transaction that made it true, and sent afterwards.

An output that the policy resolves while its producer waits at the door is told in that answer; only what happens later
(a person's decision, a fallback, a correction, a superseding decision, a policy put in force) comes through here.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from governance import clock
from governance.evidence.record import Draft, hash_of, record
from governance.models import Output
from governance.notices.kinds import EVENTS as NOTICES
from governance.people.actors import Actor, machine
from governance.refusals import Conflict
from reviews.delivery.addresses import origin_of
from reviews.models import Decision, Delivery

CHANNEL = "countersign_resolved"
DELIVERY = machine("delivery")

# One round trip: waiting clients are told, the addresses come back. The content is read only where it names a callback.
_ADDRESSES = """
SELECT told.due, e.id, e.url, %(event)s = ANY(e.events), c.context
FROM (SELECT coalesce(%(at)s::timestamptz, statement_timestamp()) AS due,
             pg_notify(%(channel)s, %(output)s::text || ' ' || greatest(0, round(extract(
                 epoch FROM coalesce(%(at)s::timestamptz, statement_timestamp()) - statement_timestamp())::numeric, 3)))
     ) AS told
LEFT JOIN reviews_endpoint e ON e.system_id = %(system)s AND e.disabled_at IS NULL
LEFT JOIN governance_outputcontent c
    ON e.id IS NOT NULL AND c.output_id = %(output)s AND position('"callback_url":"' IN c.context) > 0
ORDER BY e.id
"""

_NEWS_OF_POLICIES = """
SELECT e.id, p.id, p.activation_id, statement_timestamp()
FROM reviews_endpoint e JOIN governance_policyversion p ON p.system_id = e.system_id
WHERE e.disabled_at IS NULL AND 'policy.activated' = ANY(e.events)
  AND p.activation_id IS NOT NULL AND p.in_force_from >= e.created_at
  AND NOT EXISTS (SELECT 1 FROM reviews_delivery d
                  WHERE d.endpoint_id = e.id AND d.subject = p.id AND d.cause = p.activation_id)
"""

# The cause of an incident's news is the entry that opened it.
_NEWS_OF_INCIDENTS = """
SELECT e.id, i.id, o.id, statement_timestamp()
FROM governance_incident i
JOIN reviews_endpoint e ON e.system_id = i.system_id
JOIN governance_entry o ON o.subject = i.id AND o.rev = 1
WHERE i.opened_at > statement_timestamp() - interval '2 days' AND i.opened_at >= e.created_at
  AND e.disabled_at IS NULL AND 'incident.opened' = ANY(e.events)
  AND NOT EXISTS (SELECT 1 FROM reviews_delivery d WHERE d.endpoint_id = e.id AND d.subject = i.id AND d.cause = o.id)
"""

# What the policy's rooms wrote down to be told, of the last two days.
_NEWS_OF_NOTICES = """
SELECT e.id, n.id, n.entry_id, statement_timestamp(), n.kind
FROM governance_notice n JOIN reviews_endpoint e ON e.system_id = n.system_id
WHERE n.at > statement_timestamp() - interval '2 days' AND n.at >= e.created_at
  AND e.disabled_at IS NULL AND n.kind = ANY(e.events) AND n.kind = ANY(%s)
  AND NOT EXISTS (SELECT 1 FROM reviews_delivery d
                  WHERE d.endpoint_id = e.id AND d.subject = n.id AND d.cause = n.entry_id)
ORDER BY n.id
"""


def announce(
    output: Output,
    event: str,
    *,
    decision: Decision | None = None,
    cause: Draft | UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Tells whoever wants to know of `event` (one of `Endpoint.EVENTS`) about the output, at `at` (default: now).

    Inside the caller's transaction: one delivery for each subscribed endpoint of the system, one for the output's
    callback_url, and news for waiting clients (`OUTPUT-ID SECONDS-UNTIL-FINAL` on the channel `countersign_resolved`).
    `at` is a decision's `final_at`; `cause` is the entry that the delivery's own entry will name. Known answers are
    nobody's output: they are never announced.
    """
    if decision is not None and decision.purpose == "known_answer":
        return
    asked = {"event": event, "at": at, "channel": CHANNEL, "output": output.pk, "system": output.system_id}
    with connection.cursor() as cursor:
        cursor.execute(_ADDRESSES, asked)
        rows = cursor.fetchall()
    addresses = [(endpoint, url, is_subscribed) for _, endpoint, url, is_subscribed, _ in rows if endpoint]
    targets = targets_of(addresses, json.loads(rows[0][4]).get("callback_url") if rows[0][4] else None)
    due, entry = rows[0][0], cause.id if isinstance(cause, Draft) else cause
    Delivery.objects.bulk_create(
        Delivery(
            id=clock.new_id(), endpoint_id=endpoint, url=url, event=event, output=output, cause=entry,
            decision=decision.pk if decision else None, due_at=due, next_attempt_at=due,
        )
        for endpoint, url in targets
    )  # fmt: skip


def targets_of(addresses: Sequence[tuple[UUID, str, bool]], callback: str | None) -> list[tuple[UUID, str]]:
    """Which endpoints are told, each with the address to use in the place of its own ("" for its own).

    `addresses` are the endpoints of a system that are not switched off: id, address, and whether it is subscribed.
    """
    targets = [(endpoint, "") for endpoint, _, is_subscribed in addresses if is_subscribed]
    if callback:
        under = [(id, url) for id, url, _ in addresses if origin_of(url) == origin_of(callback)]
        if under and not any(url == callback and (id, "") in targets for id, url in under):
            targets.append((under[0][0], callback))
    return targets


def announce_policies() -> int:
    """One delivery for each policy version put in force that a subscribed endpoint does not know of yet; how many.

    Found by looking, not by being told: the policy's rooms know nothing of deliveries. An endpoint hears of what
    happened since it was made.
    """
    return _announce_found("policy.activated", _NEWS_OF_POLICIES)


def announce_incidents() -> int:
    """The same for incidents of the last two days."""
    return _announce_found("incident.opened", _NEWS_OF_INCIDENTS)


def announce_notices() -> int:
    """The same for every notice of the last two days, each under its own kind."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWS_OF_NOTICES, [list(NOTICES)])
        return _write(cursor.fetchall())


def _announce_found(event: str, statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return _write([(*row, event) for row in cursor.fetchall()])


def _write(rows: Sequence[tuple[Any, ...]]) -> int:
    Delivery.objects.bulk_create(
        (
            Delivery(id=clock.new_id(), endpoint_id=endpoint, event=event, subject=subject, cause=cause, due_at=due,
                     next_attempt_at=due)
            for endpoint, subject, cause, due, event in rows
        ),
        ignore_conflicts=True,
    )  # fmt: skip
    return len(rows)


def cancel(decision: Decision, *, by: Actor = DELIVERY, cause: Draft | UUID | None = None) -> int:
    """Takes back what a decision would have told; how many deliveries that were. For undoing, in its transaction.

    Raises Conflict when a producer has been told, or is being told at this moment: the undo has to fall with it. A
    superseded decision needs no call: its successor is announced, and the deliverer sends only the last word.
    """
    told = Delivery.objects.select_related("endpoint").select_for_update(no_key=True, of=("self",))
    waiting = [delivery for delivery in told.filter(decision=decision.pk) if not delivery.cancelled_at]
    if any(delivery.attempts for delivery in waiting):
        raise Conflict("The producer has been told already.")
    for delivery in waiting:
        stop(delivery, "cancelled", by=by, cause=cause)
    return len(waiting)


ENDS = {"delivered": "delivered", "dead": "delivery_failed", "cancelled": "delivery_cancelled"}


def stop(delivery: Delivery, how: str, *, by: Actor = DELIVERY, cause: Draft | UUID | None = None) -> Draft:
    """Ends a delivery whose row the caller holds (`delivered`, `dead` or `cancelled`) and returns the entry of it.

    The entry follows from `cause`, or else from the entry that made the delivery.
    """
    entry = write_about(
        delivery, ENDS[how], by=by, cause=cause.id if isinstance(cause, Draft) else cause or delivery.cause
    )
    setattr(delivery, f"{how}_at", entry.at)
    delivery.next_attempt_at, delivery.entry_id = None, entry.id
    delivery.save(update_fields=[f"{how}_at", "next_attempt_at", "answer", "problem", "entry"])
    return entry


def write_about(delivery: Delivery, type: str, *, by: Actor, cause: UUID | None) -> Draft:
    """One entry about a delivery. It names the endpoint and the answer's number, never the address or the content."""
    return record(
        type, actor=by, kind="delivery", id=delivery.pk, system=delivery.endpoint.system_id,
        causes=[hash_of(cause)] if cause else [],
        detail={
            "event": delivery.event,
            "endpoint": str(delivery.endpoint_id),
            "output": str(delivery.output_id) if delivery.output_id else None,
            "attempts": delivery.attempts,
            "answer": delivery.answer,
        },
    )  # fmt: skip
