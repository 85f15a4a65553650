"""A policy as frozen values: what `document.parse_policy` makes of a document. Shares are integer millionths."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from governance.policies.canonical import digest
from governance.policies.conditions import Condition
from governance.policies.validated import Models, Validated
from governance.worktime import Calendar

Lane = Literal["release", "review", "block"]


@dataclass(frozen=True, slots=True)
class Costs:
    """What one wrong release and one review cost, in `currency`."""

    wrong_release: Decimal
    review: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Risk:
    """The share of wrong releases that is tolerated, how sure one must be, and how often certificates look."""

    target: int = 20_000
    confidence: int = 950_000
    costs: Costs | None = None
    look_every: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Segment:
    """Outputs with a threshold of their own; the first that matches applies."""

    id: str
    when: Condition
    threshold: int


@dataclass(frozen=True, slots=True)
class Threshold:
    default: int
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One ordered rule; `because` is "" when the document gives no reason."""

    id: str
    when: Condition
    then: Lane
    because: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """The share of releasable outputs that people check blind, and whether those wait for the answer."""

    rate: int = 50_000
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """Where items wait. `capacity` is per person and counts in an `assign` queue only, as does `affinity`: a field
    whose like values go to the same person. Lengths of time are working time of the `calendar`, else of the clock."""

    name: str
    mode: Literal["pull", "assign"] = "pull"
    capacity: int = 10
    escalates_to: str | None = None
    calendar: Calendar | None = None
    affinity: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an item goes: higher `priority` first; `reviewers` is 1 or 2."""

    queue: str = "general"
    skills: tuple[str, ...] = ()
    priority: int = 50
    reviewers: int = 1


@dataclass(frozen=True, slots=True)
class RoutingRule:
    id: str
    when: Condition
    to: Destination


@dataclass(frozen=True, slots=True)
class Routing:
    default: Destination = Destination()
    rules: tuple[RoutingRule, ...] = ()
    queues: tuple[Queue, ...] = (Queue("general"),)

    def queue(self, name: str) -> Queue:
        """The queue of this name. Raises KeyError when the policy has none."""
        for queue in self.queues:
            if queue.name == name:
                return queue
        raise KeyError(name)

    def named(self, name: str) -> Queue:
        """The queue of this name, with the usual settings where the policy does not list it."""
        return next((queue for queue in self.queues if queue.name == name), Queue(name))


@dataclass(frozen=True, slots=True)
class Breach:
    """One step up the ladder, `after` the due time. `resolve_as` is set when `do` is resolve."""

    after: timedelta
    do: Literal["remind", "raise", "escalate", "resolve"]
    resolve_as: Literal["reject", "release"] | None = None


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    due_in: timedelta = timedelta(hours=24)
    on_breach: tuple[Breach, ...] = ()

    @property
    def fallback(self) -> Breach | None:
        """The last step, when it ends the item without a person."""
        return self.on_breach[-1] if self.on_breach and self.on_breach[-1].do == "resolve" else None

    def longest(self, queues: tuple[Queue, ...]) -> timedelta:
        """No item of these queues is due later than this after its arrival, by the clock on the wall."""
        calendars = [queue.calendar for queue in queues if queue.calendar]
        return max([self.due_in, *(calendar.at_most(self.due_in) for calendar in calendars)])


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Review:
    """How people decide. `reason_required` names the verdicts that need a reason."""

    undo_seconds: int = 8
    reasons: tuple[Reason, ...] = ()
    reason_required: tuple[str, ...] = ()
    blind_share: int = 0
    known_answers: int = 0


@dataclass(frozen=True, slots=True)
class Guards:
    """What takes a version back by itself, beside the alarm of its audits: more items waiting than `backlog`, a greater
    share of broken contracts or of overrides (millionths) among at least `least` of its outputs. None: not guarded."""

    backlog: int | None = None
    breach_rate: int | None = None
    override_rate: int | None = None
    least: int = 50


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days after its arrival the content of an output is kept; None: until somebody erases it."""

    content_days: int | None = None


@dataclass(frozen=True)
class Policy:
    """One policy, immutable. `document` is its text as data, `digest` the SHA-256 of its canonical form.

    `validated_for` names the models it judges; None: whatever comes.
    """

    document: dict[str, Any] = field(repr=False)
    threshold: Threshold
    rules: tuple[Rule, ...] = ()
    audit: Audit = Audit()
    risk: Risk = Risk()
    routing: Routing = Routing()
    sla: ServiceLevel = ServiceLevel()
    review: Review = Review()
    approval_by_key: bool = False
    guards: Guards = Guards()
    validated_for: tuple[Validated, ...] | None = None
    retention: Retention = Retention()
    digest: str = field(init=False)
    models: Models | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest(self.document))
        named = self.validated_for
        object.__setattr__(self, "models", None if named is None else Models.of(named))

    def __hash__(self) -> int:
        return hash(self.digest)
