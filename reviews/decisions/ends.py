"""How a closed round ends its output: the resolution in force, the label, and what the producer is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from reviews.decisions.cases import Case

STATUS_OF: Final = {"approve": "approved", "override": "overridden", "reject": "rejected"}
# A known answer measures its reviewer, not the model.
_LABELLED: Final = ("review", "audit", "recheck")


@dataclass(frozen=True, slots=True)
class End:
    """The output's columns once the round is closed, and the event that tells of it (None: nobody is told)."""

    status: str
    resolved_by: str | None
    final_at: datetime | None
    decision: UUID | None
    correction: UUID | None
    revision: int
    label: bool | None
    labelled_at: datetime | None
    event: str | None


def as_it_is(case: Case) -> End:
    """The output as it stands, with nothing to tell."""
    return End(
        case.status, case.resolved_by, case.final_at, case.decision, case.correction, case.revision, case.label,
        case.labelled_at, None,
    )  # fmt: skip


def end_of(
    case: Case, verdict: str, is_correct: bool, *, decision: UUID, final_at: datetime, supersedes: bool = False
) -> End:
    """What a final verdict makes of the output.

    An audit that is not held, and a re-check, never change the resolution: a "wrong" is kept beside it as the
    correction. A superseding round gives the resolution its next revision. The first label of a blind item stays.
    """
    end = as_it_is(case)
    supersedes = supersedes or case.round > 1
    if case.purpose in _LABELLED and not (case.is_blind and case.label is not None):
        end = replace(end, label=is_correct, labelled_at=case.now)
    if case.measures:
        correction = None if is_correct else decision
        event = "output.corrected" if correction else "decision.superseded" if case.correction else None
        return replace(end, correction=correction, event=event)
    return replace(
        end, status=STATUS_OF[verdict], resolved_by="person", final_at=final_at, decision=decision,
        revision=case.revision + supersedes, event="decision.superseded" if supersedes else "output.resolved",
    )  # fmt: skip
