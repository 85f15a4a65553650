"""Sending what is due: at least once, in order for each endpoint, and no transaction open while the network decides.

An endpoint is looked after by one deliverer at a time. `rests_until` is its lease, and its pause after a failure, so
that whoever dies while sending is followed by another. Each attempt is counted before it is made.
"""

import random
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from reviews.delivery import endpoints, outbox
from reviews.delivery.line import TOTAL_SECONDS, Answer, Line
from reviews.delivery.messages import Message, message
from reviews.models import Delivery, Endpoint

SCHEDULE = (5, 30, 120, 600, 1_800, 7_200, 21_600, 54_000)
"""Seconds from each failed attempt to the next, a day in all; after the last one a delivery is dead."""

IN_ORDER_TRIES = 4
"""So often a failing message holds up those behind it; then they pass, so that one poisonous message starves nobody."""

OPENS_AFTER = 10
"""So many failures in a row, of whatever messages, open the circuit: the endpoint rests, and then one message tries."""

_REST_SECONDS, _LONGEST_REST_SECONDS = 60.0, 1_800.0
_LANES = 16
_dice = random.SystemRandom()
_LEASE_SECONDS = 3 * TOTAL_SECONDS
_POLL_SECONDS = 0.5

_TAKE_ENDPOINTS = """
UPDATE reviews_endpoint SET rests_until = statement_timestamp() + %s::interval
WHERE id IN (
    SELECT e.id FROM reviews_endpoint e
    WHERE e.disabled_at IS NULL AND coalesce(e.rests_until, '-infinity') <= statement_timestamp()
      AND e.id <> ALL (%s::uuid[])
      AND EXISTS (SELECT 1 FROM reviews_delivery d
                  WHERE d.endpoint_id = e.id AND d.next_attempt_at <= statement_timestamp())
    ORDER BY e.rests_until NULLS FIRST LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""

# What people decided under a halt waits until it is lifted; a correction of what is out already does not.
# The next message in order, and whether it has still to be told: its decision was not undone, nothing was erased, no
# later word supersedes it. (An endpoint that does not ask for superseding decisions is told late, and of what is true
# then.) Nothing passes an earlier event of the same output, however often that one was tried.
_NEXT = """
SELECT d.id, k.undone_at IS NULL AND (d.output_id IS NULL OR (
         EXISTS (SELECT 1 FROM governance_outputcontent c WHERE c.output_id = d.output_id)
         AND NOT EXISTS (
           SELECT 1 FROM reviews_delivery l
           WHERE l.output_id = d.output_id AND l.endpoint_id = d.endpoint_id AND l.url = d.url AND l.id > d.id
             AND l.event = 'decision.superseded')))
FROM reviews_delivery d LEFT JOIN reviews_decision k ON k.id = d.decision
WHERE d.endpoint_id = %s AND d.next_attempt_at <= statement_timestamp()
  AND greatest(d.due_at, k.final_at) <= statement_timestamp()
  AND NOT (d.event IN ('output.resolved', 'decision.superseded') AND k.id IS NOT NULL AND EXISTS (
    SELECT 1 FROM governance_output o JOIN governance_system s ON s.id = o.system_id
    JOIN governance_halt h ON h.id = s.halt_id WHERE o.id = d.output_id AND k.final_at > h.halted_at))
  AND NOT EXISTS (
    SELECT 1 FROM reviews_delivery b
    WHERE b.endpoint_id = d.endpoint_id AND b.next_attempt_at > statement_timestamp()
      AND b.output_id = d.output_id AND (b.due_at, b.id) < (d.due_at, d.id))
ORDER BY d.due_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class _Lane:
    """An endpoint in this deliverer's care, its connection, and the message on its way."""

    endpoint: UUID
    line: Line
    delivery: UUID


@dataclass(slots=True)
class Round:
    """What one round did: attempts made, and how many of them were taken."""

    attempts: int = 0
    taken: int = 0
    lanes: dict[Future[Answer], _Lane] = field(default_factory=dict)


def deliver_due(
    limit: int = 500, *, seconds: float = 20.0, schedule: Sequence[float] = SCHEDULE, total: float = TOTAL_SECONDS
) -> Round:
    """Sends up to `limit` messages that are due, for about so many `seconds`; endpoints side by side, each in order.

    `schedule` is the pauses between attempts, `total` the seconds that one attempt may take. Any number of these may
    run at once, and one that is killed loses nothing.
    """
    outbox.announce_policies()
    outbox.announce_incidents()
    outbox.announce_notices()
    round, ends, looks_again = Round(), time.monotonic() + seconds, 0.0
    with ThreadPoolExecutor(_LANES, thread_name_prefix="webhook") as threads:
        try:
            while True:
                goes_on = round.attempts < limit and time.monotonic() < ends
                if goes_on and time.monotonic() >= looks_again:
                    looks_again = time.monotonic() + _POLL_SECONDS
                    for endpoint in _take_endpoints(round):
                        line = Line(allow_private=settings.ALLOW_PRIVATE_WEBHOOKS, total=total)
                        _send_next(endpoint, line, round, threads)
                if not round.lanes:
                    return round
                done, _ = wait(round.lanes, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    lane = round.lanes.pop(future)
                    is_free = _note(lane, future.result(), round, schedule)
                    if is_free and goes_on and round.attempts < limit:
                        _send_next(lane.endpoint, lane.line, round, threads)
                    else:
                        _leave(lane.endpoint, lane.line, rests=not is_free)
        finally:
            # Where one message brought the round down, what comes of the others on their way is written all the same.
            for future, lane in round.lanes.items():
                _leave(lane.endpoint, lane.line, rests=not _note(lane, future.result(), round, schedule))


def _rows() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("endpoint__system", "output")


def _in(seconds: float) -> CombinedExpression:
    """A moment from now by PostgreSQL's clock."""
    return Now() + timedelta(seconds=seconds)


def _take_endpoints(round: Round) -> list[UUID]:
    held = [lane.endpoint for lane in round.lanes.values()]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_ENDPOINTS, [f"{_LEASE_SECONDS} seconds", held, _LANES - len(held)])
        return sorted(row[0] for row in cursor.fetchall())


def _send_next(endpoint: UUID, line: Line, round: Round, threads: ThreadPoolExecutor) -> None:
    """Puts the endpoint's next message on its way, or gives the endpoint up when there is none."""
    message = _take_next(endpoint)
    if message is None:
        _leave(endpoint, line, rests=False)
        return
    round.attempts += 1
    answer = threads.submit(line.post, message.url, headers=message.headers, body=message.body)
    round.lanes[answer] = _Lane(endpoint, line, message.delivery)


def _leave(endpoint: UUID, line: Line, *, rests: bool) -> None:
    line.close()
    if not rests:
        Endpoint.objects.filter(pk=endpoint).update(rests_until=None)


@transaction.atomic
def _take_next(endpoint: UUID) -> Message | None:
    """The endpoint's next message, its attempt counted; what no longer holds is cancelled on the way."""
    Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [endpoint])
            row = cursor.fetchone()
        if row is None:
            return None
        delivery = _rows().get(pk=row[0])
        if row[1]:
            break
        outbox.stop(delivery, "cancelled")
    # Were this process to die now, the lease would end and the next deliverer would try again.
    Delivery.objects.filter(pk=delivery.pk).update(attempts=F("attempts") + 1, next_attempt_at=_in(_LEASE_SECONDS))
    Endpoint.objects.filter(pk=endpoint).update(rests_until=_in(_LEASE_SECONDS))
    return message(delivery)


def rest_after(failures: int) -> float:
    """The seconds that an endpoint rests after so many failures in a row; 0 while its circuit is closed."""
    if failures < OPENS_AFTER:
        return 0.0
    return min(_REST_SECONDS * 2.0 ** min(failures - OPENS_AFTER, 10), _LONGEST_REST_SECONDS)


@transaction.atomic
def _note(lane: _Lane, answer: Answer, round: Round, schedule: Sequence[float]) -> bool:
    """Writes down what came of an attempt; whether the endpoint can have its next message at once."""
    Endpoint.objects.select_for_update(no_key=True).get(pk=lane.endpoint)
    delivery = _rows().select_for_update(no_key=True, of=("self",)).get(pk=lane.delivery)
    if delivery.next_attempt_at is None:  # a deliverer thought to be dead was only slow
        return True
    delivery.answer, delivery.problem = answer.status, answer.problem
    failures = 0 if answer.is_taken else delivery.endpoint.failures + 1
    if failures != delivery.endpoint.failures:
        Endpoint.objects.filter(pk=lane.endpoint).update(failures=min(failures, 1_000))
    if answer.is_taken:
        outbox.stop(delivery, "delivered")
        round.taken += 1
        return True
    if answer.status == 410:
        outbox.stop(delivery, "dead")
        endpoints.disable(delivery.endpoint, because="It answered 410: gone.", by=outbox.DELIVERY)
        return False
    if delivery.attempts > len(schedule):
        outbox.stop(delivery, "dead")
        return True
    pause = max(schedule[delivery.attempts - 1] * _dice.uniform(0.9, 1.1), answer.wait)
    Delivery.objects.filter(pk=delivery.pk).update(
        next_attempt_at=_in(pause), answer=delivery.answer, problem=delivery.problem
    )
    rest = rest_after(failures)
    if rest:
        Endpoint.objects.filter(pk=lane.endpoint).update(rests_until=_in(rest * _dice.uniform(0.9, 1.1)))
        return False
    if delivery.attempts >= IN_ORDER_TRIES:
        return True
    Endpoint.objects.filter(pk=lane.endpoint).update(rests_until=_in(pause))
    return False
