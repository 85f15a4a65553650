"""Correcting a decision that is final: a new one takes its place, and both stay in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from governance import clock
from governance.contracts.values import MISSING
from governance.evidence.record import Draft
from governance.models import Entry, Output
from governance.people import roles
from governance.people.actors import Actor
from governance.refusals import Conflict, NotAllowed, NotFound
from reviews.decisions.answers import Answer, read_answer
from reviews.decisions.cases import LOCK, Case, require_policy
from reviews.decisions.deciding import Decided, entries_of, tell
from reviews.decisions.ends import end_of
from reviews.decisions.writing import write_superseding
from reviews.models import Decision, Item, Seat
from reviews.queue import losing
from reviews.queue.reviewers import Reviewer, reviewer

_NOTHING: Final = "There is nothing here."
# A case that is not before anybody: the seat is the one whose decision is superseded.
_CASE: Final = """
SELECT s.id, d.seat, false, s.queue_id, s.skills, s.urgent_at, clock_timestamp(),
       i.id, i.round, i.reviewers, i.purpose, i.is_blind, i.system_id,
       o.id, o.status, o.is_held, o.policy_id, o.confidence, o.rule, o.model_version, o.revision, o.decision,
       o.resolved_by, o.final_at, o.label, o.labelled_at, o.correction,
       c.output_json, j.leaf_hash, n.rev, n.leaf_hash, e.leaf_hash
FROM reviews_decision d
JOIN reviews_item i ON i.id = d.item_id
JOIN reviews_seat s ON s.item_id = i.id AND s.number = d.seat
JOIN governance_output o ON o.id = i.output_id
JOIN governance_entry e ON e.id = d.entry_id
JOIN governance_entry j ON j.subject = i.output_id AND j.rev = 1
JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = i.output_id ORDER BY x.rev DESC LIMIT 1
) n ON true
LEFT JOIN governance_outputcontent c ON c.output_id = i.output_id
WHERE d.id = %s
"""
# What ended by fallback names its entry where it would name a decision. Nobody sat there; the first seat is as good.
_FALLBACK: Final = """
SELECT s.id, s.number, false, s.queue_id, s.skills, s.urgent_at, clock_timestamp(),
       i.id, i.round, i.reviewers, i.purpose, i.is_blind, i.system_id,
       o.id, o.status, o.is_held, o.policy_id, o.confidence, o.rule, o.model_version, o.revision, o.decision,
       o.resolved_by, o.final_at, o.label, o.labelled_at, o.correction,
       c.output_json, j.leaf_hash, n.rev, n.leaf_hash, e.leaf_hash
FROM governance_output o
JOIN reviews_item i ON i.output_id = o.id AND i.round = 1
JOIN reviews_seat s ON s.item_id = i.id AND s.number = 1
JOIN governance_entry e ON e.id = o.decision
JOIN governance_entry j ON j.subject = o.id AND j.rev = 1
JOIN LATERAL (
    SELECT x.rev, x.leaf_hash FROM governance_entry x WHERE x.subject = o.id ORDER BY x.rev DESC LIMIT 1
) n ON true
LEFT JOIN governance_outputcontent c ON c.output_id = o.id
WHERE o.decision = %s AND o.id = %s
"""


@transaction.atomic
def supersede(
    actor: Actor, decision: UUID, *, verdict: str, output: Any = MISSING, reasons: Sequence[str] = (), comment: str = ""
) -> Decided:
    """Puts a new decision in the place of a final one; by the person who decided, or by a lead. It is final at once.

    What ended by fallback is superseded by a lead, under the id that its resolution names.

    Where one person judged, the resolution gets its next revision now. Where two did, this is the first seat of a new
    round: the resolution stands until another person has judged. Raises Conflict when the decision is not final yet,
    undone or superseded; NotAllowed, NotFound, Invalid.
    """
    who = reviewer(actor)
    old, case = _locked(who, decision)
    answer = read_answer(
        case.rules.contract, case.rules.review, case.ai, is_blind=False, verdict=verdict, output=output,
        reasons=reasons, comment=comment,
    )  # fmt: skip
    require_policy(case, answer.verdict)
    if _takes_two(case, old, answer):
        return _open_round(who, case, answer, old)
    return _replace(who, case, answer, old)


@dataclass(frozen=True, slots=True)
class Superseded:
    """What a correction takes the place of: a person's decision, or (`decision` is None) the end by fallback, which
    `id` names by its entry."""

    id: UUID
    item: Item
    seat: int
    entry_id: UUID
    decision: Decision | None

    @property
    def verdict(self) -> str:
        return self.decision.verdict if self.decision else ""

    @property
    def person_id(self) -> UUID | None:
        return self.decision.person_id if self.decision else None


def correctable(actor: Actor, decision: UUID) -> Superseded:
    """What this person could supersede now under that id. Raises what `supersede` would."""
    who = reviewer(actor)
    return _checked(who, decision) or _checked_fallback(who, decision)


def _locked(who: Reviewer, id: UUID) -> tuple[Superseded, Case]:
    item = Decision.objects.filter(pk=id).values_list("item_id", flat=True).first() or _ended_by(id)
    if item is None:
        raise NotFound(_NOTHING)
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [item])
        old = _checked(who, id) or _checked_fallback(who, id)
        cursor.execute(_CASE, [id]) if old.decision else cursor.execute(_FALLBACK, [id, old.item.output_id])
        return old, Case(*cursor.fetchone())


def _ended_by(entry: UUID) -> UUID | None:
    """The item that ended by the fallback of this entry."""
    output = Entry.objects.filter(pk=entry, type="resolved", subject_kind="output").values_list("subject", flat=True)
    return Item.objects.filter(output__in=output[:1], round=1).values_list("pk", flat=True).first()


def _checked_fallback(who: Reviewer, id: UUID) -> Superseded:
    item = _ended_by(id)
    found = Item.objects.select_related("output").filter(pk=item).first() if item else None
    if found is None or not who.reviews(found.system_id):
        raise NotFound(_NOTHING)
    if not roles.may(who.person, "supersede a decision", found.system_id):
        raise NotAllowed("Nobody decided this in time; a lead can supersede the fallback.")
    if found.output.decision != id or Item.objects.filter(output=found.output_id, round__gt=1).exists():
        raise Conflict("This fallback has been superseded already; correct the decision that took its place.")
    return Superseded(id, found, 1, id, None)


def _checked(who: Reviewer, id: UUID) -> Superseded | None:
    old = Decision.objects.select_related("item", "person").filter(pk=id).first()
    if old is None:
        return None
    if not who.reviews(old.system_id):
        raise NotFound(_NOTHING)
    is_own = old.person_id == who.person.pk
    if old.item.state != "closed" and not is_own:
        raise NotFound(_NOTHING)
    if not is_own and not roles.may(who.person, "supersede a decision", old.system_id):
        raise NotAllowed("The person who decided, or a lead, can supersede a decision.")
    if old.undone_at is not None:
        raise Conflict(f"This decision was taken back at {losing.hour(old.undone_at)}.")
    if old.item.state != "closed":
        raise Conflict("The round is not closed yet, so there is nothing to supersede.")
    if Decision.objects.filter(supersedes=old).exists():
        raise Conflict("This decision has been superseded already; correct the one that took its place.")
    if Item.objects.filter(output=old.output_id, round__gt=old.round).exists():
        raise Conflict("This output is in a later round of review; correct what was decided there.")
    if not _is_final(old):
        raise Conflict(f"This decision is final at {losing.hour(old.final_at)}; until then it can be undone.")
    return Superseded(id, old.item, old.seat, old.entry_id, old)


def _is_final(old: Decision) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s <= clock_timestamp()", [old.final_at])
        return bool(cursor.fetchone()[0])


def _takes_two(case: Case, old: Superseded, answer: Answer) -> bool:
    """Whether two people answer for this output: they did so before, or an audit is found wrong that was right."""
    if case.reviewers > 1 or Decision.objects.filter(item=old.item, undone_at=None).exclude(seat=old.seat).exists():
        return True
    return case.measures and not answer.is_correct


def _replace(who: Reviewer, case: Case, answer: Answer, old: Superseded) -> Decided:
    id = clock.new_id()
    end = end_of(case, answer.verdict, answer.is_correct, decision=id, final_at=case.now, supersedes=True)
    entries = _entries(who, case, answer, id, end)
    write_superseding(
        case, answer, person=who.person.pk, decision=id, supersedes=old.decision.pk if old.decision else None,
        entries=entries, end=end, final_at=case.now,
    )  # fmt: skip
    tell(case, end, decision=id, cause=entries[-1], at=case.now)
    return Decided(id, "closed", case.now)


def _open_round(who: Reviewer, case: Case, answer: Answer, old: Superseded) -> Decided:
    """The next round: this decision on its first seat, the second one open for somebody else."""
    id, item = clock.new_id(), old.item
    queue = item.queue.slug if item.queue else ""
    due = case.rules.due_at(queue, case.now)
    case.round, case.number, case.item = item.round + 1, 1, clock.new_id()
    entries = _entries(who, case, answer, id, None)
    common = {"item_id": case.item, "system_id": case.system, "queue_id": item.queue_id, "skills": case.skills}
    # What it supersedes is said of the decision that closes the round.
    write_superseding(
        case, answer, person=who.person.pk, decision=id, supersedes=None, entries=entries, end=None, final_at=case.now
    )
    judged = Decision.objects.filter(output=case.output, undone_at=None).values_list("person", flat=True)
    barred = {*Seat.objects.values_list("barred", flat=True).get(item=item, number=case.number), *judged}
    Item.objects.create(
        id=case.item, output_id=case.output, system_id=case.system, queue_id=item.queue_id, purpose=item.purpose,
        round=case.round, reviewers=2, state="awaiting_second", is_blind=item.is_blind, priority=item.priority,
        route=item.route, created_at=case.now, routed_at=case.now, due_at=due,
        timed_by_id=case.policy, next_step_at=case.rules.step_at(queue, due, 0), entry_id=entries[0].id,
    )  # fmt: skip
    Seat.objects.bulk_create([
        Seat(**common, number=1, urgent_at=case.now, decided_by=who.person, decided_at=case.now, closed_at=case.now,
             entry_id=entries[0].id),
        Seat(**common, number=2, barred=sorted(barred), urgent_at=case.now, entry_id=entries[0].id),
    ])  # fmt: skip
    # The output's chain has grown by an entry, which its row names from now on.
    Output.objects.filter(pk=case.output).update(entry_id=entries[0].id)
    return Decided(id, "awaiting_second", case.now)


def _entries(who: Reviewer, case: Case, answer: Answer, id: UUID, end: Any) -> list[Draft]:
    # `claimed` is here the entry of the decision that is superseded.
    return entries_of(
        who.actor_in(case.system), case, answer, decision=id, end=end, type="superseded",
        causes=(case.judged.hex(), case.claimed.hex()),
    )  # fmt: skip
