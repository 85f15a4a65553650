"""Deciding many like items at once: the same rule fired, the AI said the same. Each has its own claim and decision in
the log; none is a label, but a random part is put before somebody else, blind, and that is. The whole can be undone."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from governance import clock
from governance.contracts.values import MISSING
from governance.models import Entry
from governance.people.actors import Actor
from governance.policies.canonical import canonical_bytes
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from reviews.decisions.answers import read_answer
from reviews.decisions.cases import Case, read_case, require_policy
from reviews.decisions.deciding import MovedOn, entries_of
from reviews.decisions.ends import end_of
from reviews.decisions.rounds import Step
from reviews.decisions.undoing import undo
from reviews.decisions.writing import write_decision
from reviews.models import AtOnce, Decision, Item, Seat
from reviews.queue.keeping import release
from reviews.queue.reviewers import Reviewer, reviewer
from reviews.queue.taking import claim_item

MOST: Final = 100
LOOKED_AT: Final = 2_000
RECHECKED: Final = 0.1
UNDO: Final = timedelta(minutes=2)  # reading a list back takes longer than reading one card
_dice = random.SystemRandom()

# Items that one person decides, seeing what the AI said, and that nobody has: among the most urgent of the queue.
_ALIKE: Final = """
SELECT i.id, o.id, o.external_id, i.created_at, i.due_at
FROM reviews_item own
JOIN governance_output u ON u.id = own.output_id
JOIN governance_outputcontent k ON k.output_id = u.id
CROSS JOIN LATERAL (
    SELECT s.item_id, s.urgent_at, s.id FROM reviews_seat s
    WHERE s.queue_id = own.queue_id AND s.closed_at IS NULL AND s.number = 1
      AND (s.claim_expires_at IS NULL OR s.claim_expires_at <= statement_timestamp() OR s.claimed_by_id = %(me)s)
      AND (s.held_until IS NULL OR s.held_until <= statement_timestamp()) AND NOT (%(me)s = ANY(s.barred))
    ORDER BY s.urgent_at, s.id LIMIT %(looked)s
) f
JOIN reviews_item i ON i.id = f.item_id
JOIN governance_output o ON o.id = i.output_id
JOIN governance_outputcontent c ON c.output_id = o.id
WHERE own.id = %(item)s AND i.state = 'open' AND i.round = 1 AND i.reviewers = 1 AND NOT i.is_blind
  AND i.purpose = 'review' AND o.rule = u.rule AND o.policy_id IS NOT DISTINCT FROM u.policy_id
  AND c.output_json = k.output_json
ORDER BY f.urgent_at, f.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Like:
    """An item that can be decided with others like it."""

    item: UUID
    output: UUID
    external_id: str
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Bulk:
    """What was decided at once: the decisions, the items left because they were no longer free, and how many of the
    decided are put before somebody else."""

    id: UUID
    decided: int
    left: int
    rechecked: int
    final_at: datetime | None


def alike(actor: Actor, item: UUID) -> list[Like]:
    """The items like this one that could be decided with it, itself first when it can; at most a hundred.

    Raises NotFound.
    """
    who = reviewer(actor)
    own = Item.objects.filter(pk=item).first()
    if own is None or not who.reviews(own.system_id):
        raise NotFound("There is nothing here.")
    if own.is_blind:
        raise NotAllowed("A blind item is answered alone.")
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, {"item": item, "me": who.person.pk, "looked": LOOKED_AT, "most": MOST})
        found = [Like(*row) for row in cursor.fetchall()]
    return sorted(found, key=lambda like: like.item != item)


@transaction.atomic
def decide_many(
    actor: Actor, *, like: UUID, items: Sequence[UUID], verdict: str, output: Any = MISSING,
    reasons: Sequence[str] = (), comment: str = "", id: UUID | None = None,
) -> Bulk:  # fmt: skip
    """Takes the same decision on the items chosen among those alike. All or none, but for items that somebody else took
    meanwhile: those are left. The same again under the same `id` decides nothing and answers as the first time.

    Raises Invalid for an answer that cannot be, or for items that are not alike, Conflict when none is left or the id
    stands for something else.
    """
    who, id = reviewer(actor), id or clock.new_id()
    asked = [str(like), sorted(map(str, set(items))), verdict, sorted(reasons), comment, output is MISSING]
    digest = hashlib.sha256(canonical_bytes([*asked, None if output is MISSING else output])).digest()
    AtOnce.objects.bulk_create([AtOnce(id=id, person=who.person, digest=digest)], ignore_conflicts=True)
    first = AtOnce.objects.select_for_update().get(pk=id)
    if first.person_id != who.person.pk or bytes(first.digest) != digest:
        raise Conflict("This id stands for something else that was decided at once.")
    if first.decided:
        return _told(first)
    known = {each.item for each in alike(actor, like)}
    if not items or len(items) > MOST or not set(items) <= known:
        raise Invalid("Choose among the items of the preview; those taken meanwhile are gone from it.")
    made: list[tuple[Case, Decision]] = []
    for item in sorted(set(items)):
        try:
            with transaction.atomic():
                made.append(_decide_one(who, actor, item, id, verdict, output, reasons, comment))
        except (Conflict, NotAllowed, MovedOn):
            continue
    if not made:
        raise Conflict("Somebody else has all of these in hand by now.")
    drawn = _dice.sample(made, max(1, round(len(made) * RECHECKED)))
    # What was decided so before, and taken back, may have had a re-check already.
    rounds = Item.objects.filter(output__in=[case.output for case, _ in drawn]).values("output_id")
    last = dict(rounds.annotate(last=Max("round")).values_list("output_id", "last"))
    for case, decision in drawn:
        Item.objects.create(
            output_id=case.output, system_id=case.system, purpose="recheck", round=last[case.output] + 1, is_blind=True,
            entry_id=decision.entry_id,
        )  # fmt: skip
    first.decided, first.left, first.rechecked = len(made), len(set(items)) - len(made), len(drawn)
    first.final_at = made[0][1].final_at
    first.save(update_fields=["decided", "left", "rechecked", "final_at"])
    return _told(first)


def at_once(actor: Actor, id: UUID) -> tuple[Bulk, bool]:
    """What she decided at once under that id, and whether it was taken back. Raises NotFound."""
    made = AtOnce.objects.filter(pk=id, person=reviewer(actor).person).first()
    if made is None:
        raise NotFound("There is nothing here.")
    return _told(made), Decision.objects.filter(bulk=id, undone_at__isnull=False).exists()


@transaction.atomic
def undo_many(actor: Actor, bulk: UUID) -> int:
    """Takes back all that was decided at once; the items are back in their queue. How many.

    Raises Conflict when it is final, was undone, or somebody has decided a re-check; NotFound for somebody else's.
    """
    who = reviewer(actor)
    made = list(Decision.objects.filter(bulk=bulk, person=who.person).order_by("id"))
    if not made:
        raise NotFound("There is nothing here.")
    outputs = [each.output_id for each in made]
    rechecks = list(
        Item.objects.select_for_update(no_key=True).filter(output__in=outputs, purpose="recheck").order_by("pk")
    )
    if Decision.objects.filter(item__in=rechecks, undone_at=None).exists():
        raise Conflict("Somebody has decided a re-check of these; correct them one by one.")
    if any(each.undone_at for each in made):
        raise Conflict("These were taken back already.")
    for each in made:
        claim = undo(actor, each.pk)
        release(actor, claim.item, claim.token)
    for recheck in rechecks:
        if recheck.state != "closed":
            _withdraw(recheck)
    return len(made)


def undoable(actor: Actor) -> Bulk | None:
    """What she decided at once last, while it can be taken back."""
    standing = Decision.objects.filter(person=reviewer(actor).person, bulk__isnull=False, undone_at=None)
    last = standing.filter(final_at__gt=Now()).order_by("-id").first()
    if last is None or last.bulk is None:
        return None
    return Bulk(last.bulk, standing.filter(bulk=last.bulk).count(), 0, 0, last.final_at)


def _told(made: AtOnce) -> Bulk:
    return Bulk(made.pk, made.decided, made.left, made.rechecked, made.final_at)


def _decide_one(
    who: Reviewer, actor: Actor, item: UUID, bulk: UUID, verdict: str, output: Any, reasons: Sequence[str], comment: str
) -> tuple[Case, Decision]:
    claim = claim_item(actor, item)
    case = read_case(who, item, claim.token)
    answer = read_answer(
        case.rules.contract, case.rules.review, case.ai, is_blind=False, verdict=verdict, output=output,
        reasons=reasons, comment=comment,
    )  # fmt: skip
    require_policy(case, answer.verdict)
    id, final_at = clock.new_id(), case.now + max(case.undo, UNDO)
    end = end_of(case, answer.verdict, answer.is_correct, decision=id, final_at=final_at)
    # What nobody looked at by itself is no label.
    end = replace(end, label=case.label, labelled_at=case.labelled_at)
    entries = entries_of(who.actor_in(case.system), case, answer, decision=id, end=end, bulk=bulk)
    written = write_decision(
        case, answer, person=who.person.pk, token=claim.token, decision=id, entries=entries, step=Step("closed"),
        end=end, final_at=final_at, took_ms=None,
    )  # fmt: skip
    if not written:
        raise MovedOn
    Decision.objects.filter(pk=id).update(bulk=bulk)
    return case, Decision.objects.get(pk=id)


def _withdraw(recheck: Item) -> None:
    """Closes a re-check that has nothing left to check, by the entry that took its decision back."""
    entry = Entry.objects.filter(subject=recheck.output_id, type="undone").order_by("-rev").values_list("pk").first()
    if entry is None:
        raise Conflict("What was decided was not taken back.")
    now = clock.read()
    Seat.objects.filter(item=recheck, closed_at=None).update(
        closed_at=now, claimed_by=None, claim_token=None, claim_expires_at=None, entry_id=entry[0]
    )
    Item.objects.filter(pk=recheck.pk).update(state="closed", closed_at=now, next_step_at=None, entry_id=entry[0])
