"""The rail: how this sitting goes, the last ten decisions, and which of them can still be taken back."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from governance.people.actors import Actor
from reviews.models import Decision
from reviews.pages.desk.alike import standing_decisions, thumbs_of
from reviews.pages.showing.scan import Scan
from reviews.queue.reviewers import reviewer
from reviews.queue.waiting import what_waits
from reviews.routing.rulebook import rulebook

LAST: Final = 10
_MOST: Final = 200
PAUSE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Made:
    """One of her decisions. `verdict` is "" while it would tell what the AI said of a blind item that she can redo."""

    decision: Decision
    verdict: str
    said: str
    instead: str
    thumb: Scan | None
    undo_seconds: int

    @property
    def can_undo(self) -> bool:
        return self.undo_seconds > 0

    @property
    def can_correct(self) -> bool:
        """Whether a superseding decision is the way, now or once the seconds to undo are over."""
        return not self.decision.is_open  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Session:
    """A sitting ends with a pause of half an hour. `left` counts what she may take, to 200; `median` is in seconds."""

    now: datetime
    since: datetime | None
    decided: int
    left: int
    is_left_capped: bool
    median: float | None
    last: tuple[Made, ...]

    @property
    def undoable(self) -> Made | None:
        """The newest decision that can be taken back."""
        return next((made for made in reversed(self.last) if made.can_undo), None)

    @property
    def length(self) -> timedelta | None:
        return self.now - self.since if self.since else None


def session(actor: Actor) -> Session:
    """The present sitting of a reviewer, by PostgreSQL's clock; the last ten oldest first, as the rail shows them."""
    person, waiting = reviewer(actor).person, what_waits(actor)
    now = waiting[0].now if waiting else timezone.now()
    recent = standing_decisions(person.pk, _MOST)
    made = sitting(recent, now)
    took = [decision.took_ms / 1000 for decision in made if decision.took_ms]
    return Session(
        now, began(made[-1]) if made else None, len(made), sum(queue.count for queue in waiting),
        any(queue.is_capped for queue in waiting), statistics.median(took) if took else None,
        last_made(recent[:LAST], now)[::-1],
    )  # fmt: skip


def began(first: Decision) -> datetime:
    """When a sitting began: when its first item was looked at, and not when it was decided."""
    return first.decided_at - timedelta(milliseconds=first.took_ms or 0)


def last_made(decisions: Sequence[Decision], now: datetime) -> tuple[Made, ...]:
    """The decisions as the rail and the queue page list them, in the order given."""
    rules = {decision.output_id: rulebook(decision.policy_id).contract for decision in decisions}
    thumbs = thumbs_of(rules)
    return tuple(_made(decision, thumbs.get(decision.output_id), now) for decision in decisions)


def _made(decision: Decision, thumb: Scan | None, now: datetime) -> Made:
    left = decision.final_at - now
    seconds = max(0, -(-left // timedelta(seconds=1)))
    if decision.is_blind and (seconds or decision.is_open):  # type: ignore[attr-defined]
        return Made(decision, "", decision.person_said or "no answer", "", thumb, seconds)
    instead = decision.person_said if decision.verdict == "override" else ""
    return Made(decision, decision.verdict, decision.ai_said, instead, thumb, seconds)


def sitting(decisions: Sequence[Decision], now: datetime) -> list[Decision]:
    """Those of the decisions, newest first, that no pause parts from each other and from `now`."""
    found, last = [], now
    for decision in decisions:
        if last - decision.decided_at > PAUSE:
            break
        found.append(decision)
        last = decision.decided_at
    return found
