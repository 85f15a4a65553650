"""The rail: how this sitting goes, the last ten decisions, and which of them can still be taken back."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from governance import clock
from governance.people.actors import Actor
from reviews.models import Decision
from reviews.pages.desk.alike import thumbs_of
from reviews.pages.showing.scan import Scan
from reviews.queue.reviewers import reviewer
from reviews.queue.waiting import what_waits
from reviews.routing.rulebook import rulebook

LAST: Final = 10
_MOST: Final = 200
PAUSE: Final = timedelta(minutes=30)
# Her newest decisions that stand: the last ten whole, and with the first of them when all of them were made.
_RECENT: Final = """
WITH newest AS MATERIALIZED (
    SELECT d.id, d.item_id, d.output_id, d.policy_id, d.verdict, d.ai_said, d.person_said, d.is_blind, d.final_at,
           d.decided_at, d.took_ms, row_number() OVER (ORDER BY d.id DESC) AS place
    FROM reviews_decision d
    WHERE d.person_id = %(person)s AND d.undone_at IS NULL
      AND NOT EXISTS (SELECT FROM reviews_decision x WHERE x.supersedes_id = d.id)
    ORDER BY d.id DESC LIMIT %(most)s
)
SELECT n.*, EXISTS (SELECT FROM reviews_item i WHERE i.id = n.item_id AND i.state <> 'closed') AS is_open,
       CASE WHEN n.place = 1 THEN (SELECT array_agg(m.decided_at ORDER BY m.place) FROM newest m) END AS moments,
       CASE WHEN n.place = 1 THEN (SELECT array_agg(m.took_ms ORDER BY m.place) FROM newest m) END AS took
FROM newest n WHERE n.place <= %(shown)s ORDER BY n.place
"""


class Moment(NamedTuple):
    """When a decision was made, and the milliseconds it took, where they are known."""

    decided_at: datetime
    took_ms: int | None


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
    now = waiting[0].now if waiting else clock.now()
    last = list(Decision.objects.raw(_RECENT, {"person": person.pk, "most": _MOST, "shown": LAST}))
    made = sitting(_moments(last[0]) if last else [], now)
    took = [moment.took_ms / 1000 for moment in made if moment.took_ms]
    return Session(
        now, began(made[-1]) if made else None, len(made), sum(queue.count for queue in waiting),
        any(queue.is_capped for queue in waiting), statistics.median(took) if took else None,
        last_made(last, now)[::-1],
    )  # fmt: skip


def _moments(newest: Any) -> list[Moment]:
    return list(map(Moment, newest.moments, newest.took))


def began(first: Decision | Moment) -> datetime:
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


_M = TypeVar("_M", Decision, Moment)


def sitting(decisions: Sequence[_M], now: datetime) -> list[_M]:
    """Those of the decisions, newest first, that no pause parts from each other and from `now`."""
    found, last = [], now
    for decision in decisions:
        if last - decision.decided_at > PAUSE:
            break
        found.append(decision)
        last = decision.decided_at
    return found
