"""Deciding: the only way in which a person's verdict ends an item."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from governance import clock
from governance.contracts.values import MISSING
from governance.evidence.leaf import Commitment
from governance.evidence.record import Draft, Subject, draft
from governance.models import Output
from governance.people.actors import Actor
from governance.refusals import Conflict
from reviews.decisions import rounds
from reviews.decisions.answers import Answer, read_answer
from reviews.decisions.cases import Case, read_case, require_policy
from reviews.decisions.ends import End, end_of
from reviews.decisions.rounds import Opinion
from reviews.decisions.writing import open_seat, payloads, write_decision
from reviews.delivery import outbox
from reviews.models import Decision
from reviews.quality import known_answers
from reviews.queue.keeping import renew
from reviews.queue.reviewers import Reviewer, reviewer

MOST_MS: Final = 2**31 - 1
_TRIES: Final = 5
_ONE_CHAIN: Final = "a_chain_never_forks"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was taken: its id, what its item waits for now, and until when it can be taken back."""

    decision: UUID
    item_state: str
    final_at: datetime


def decide(
    actor: Actor, *, item: UUID, token: UUID, verdict: str | None = None, output: Any = MISSING,
    reasons: Sequence[str] = (), comment: str = "", took_ms: int | None = None, case: Case | None = None,
) -> Decided:  # fmt: skip
    """Takes this person's decision on the item she has in hand; the claim's token says which seat it is for.

    `output` is the corrected output of an override, or her own answer to a blind item (then without a verdict). `case`
    is what was read of it with this claim already, if it was.
    Raises Conflict when the claim is lost or the item closed, Invalid with a pointer for every problem, NotFound.
    """
    who = reviewer(actor)
    for _ in range(_TRIES):
        case = case or read_case(who, item, token)
        if case.is_soft:
            # Deciding shows that she has seen the next card: it becomes the one in hand first.
            renew(actor, item, token)
            case = read_case(who, item, token)
        try:
            return decide_case(
                who, case, token=token, verdict=verdict, output=output, reasons=reasons, comment=comment,
                took_ms=took_ms,
            )  # fmt: skip
        except MovedOn:
            case = None
    raise Conflict("Somebody else acts on this item at the same moment. Open it again to go on.")


class MovedOn(Exception):
    """A case was written down no more, because it is not as it was read."""


def decide_case(
    who: Reviewer, case: Case, *, token: UUID, verdict: str | None = None, output: Any = MISSING,
    reasons: Sequence[str] = (), comment: str = "", took_ms: int | None = None,
) -> Decided:  # fmt: skip
    """`decide` for a case that was read already. Raises MovedOn when it has changed since, Invalid, Conflict."""
    answer = read_answer(
        case.rules.contract, case.rules.review, case.ai, is_blind=case.is_blind, verdict=verdict, output=output,
        reasons=reasons, comment=comment,
    )  # fmt: skip
    require_policy(case, answer.verdict)
    return _decide(who, case, answer, token=token, took_ms=took_ms)


def _decide(who: Reviewer, case: Case, answer: Answer, *, token: UUID, took_ms: int | None) -> Decided:
    id, final_at = clock.new_id(), case.now + case.undo
    own = Opinion(case.number, answer.verdict, None if answer.output is MISSING else answer.output, answer.is_correct)
    step = rounds.next_step(
        sorted([*case.opinions(), own], key=lambda opinion: opinion.seat), reviewers=case.reviewers,
        confirms_wrong=case.measures, contract=case.rules.contract,
    )  # fmt: skip
    end = end_of(case, answer.verdict, answer.is_correct, decision=id, final_at=final_at) if step.final else None
    entries = entries_of(who.actor_in(case.system), case, answer, decision=id, end=end)
    is_known = end is not None and case.purpose == "known_answer"
    is_alone = step.opens is None and len(entries) == 1 and not is_known
    with _whole(is_alone):
        written = write_decision(
            case, answer, person=who.person.pk, token=token, decision=id, entries=entries, step=step, end=end,
            final_at=final_at, took_ms=None if took_ms is None else min(max(took_ms, 0), MOST_MS),
            supersedes=case.superseded() if end else None,
        )  # fmt: skip
        if not written:
            raise MovedOn
        if step.opens is not None:
            open_seat(case, step.opens, entry=entries[0].id, adjudicates=step.opens == 3)
        if is_known:
            known_answers.closed(
                case.output, found=not answer.is_correct, decision=id, final_at=final_at, entry=entries[0].id
            )
    return Decided(id, step.state, final_at)


@contextmanager
def _whole(is_alone: bool) -> Iterator[None]:
    """A transaction, where one statement is not a transaction by itself; and where the case has moved on, MovedOn."""
    try:
        with nullcontext() if is_alone and not connection.in_atomic_block else transaction.atomic():
            yield
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != _ONE_CHAIN:
            raise
        raise MovedOn from error


def entries_of(
    actor: Actor, case: Case, answer: Answer, *, decision: UUID, end: End | None, type: str = "decided",
    causes: Sequence[str] | None = None, bulk: UUID | None = None,
) -> list[Draft]:  # fmt: skip
    """The decision's entry on the output's chain, and the one that corrects a released output where it does."""
    decided = draft(
        type, actor=actor, at=case.now, subject=Subject("output", case.output, case.system, case.rev, case.prev.hex()),
        causes=causes or (case.judged.hex(), case.claimed.hex()), policy=case.rules.part,
        decision={
            "verdict": answer.verdict, "reasons": list(answer.reasons), "correct": answer.is_correct,
            "blind": case.is_blind, "seat": case.number, "round": case.round, "purpose": case.purpose, "by": "person",
        },
        detail={"decision": str(decision), "item": str(case.item), **({"bulk": str(bulk)} if bulk else {})},
        commitments=[Commitment(name, os.urandom(32), content) for name, content in payloads(answer).items()],
    )  # fmt: skip
    if end is None or end.event != "output.corrected":
        return [decided]
    corrected = draft(
        "corrected", actor=actor, at=case.now, causes=(decided.hash.hex(),), policy=case.rules.part,
        subject=Subject("output", case.output, case.system, decided.rev, decided.hash.hex()),
        detail={"decision": str(decision)},
    )  # fmt: skip
    return [decided, corrected]


def tell(case: Case, end: End, *, decision: UUID, cause: Draft, at: datetime) -> None:
    """Leaves word for the producer, where there is something to tell."""
    if end.event is not None:
        outbox.announce(
            Output(pk=case.output, system_id=case.system), end.event,
            decision=Decision(pk=decision, purpose=case.purpose), cause=cause, at=at,
        )  # fmt: skip
