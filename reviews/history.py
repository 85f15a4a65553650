"""The query room of history: which decisions a person reads on her pages, which she asks for, and their sums.

Who may see which decision and the filters that the API knows as well are `reviews.decisions.history`'s; here are the
filters that only the page has, and the sums. No sum looks further than the latest `LATEST` decisions, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from governance.evidence import log
from governance.models import Person, System
from governance.people import roles
from governance.people.actors import Actor
from governance.policies.candidate import MILLION
from governance.refusals import Invalid, Problem
from reviews.decisions import history
from reviews.models import Decision
from reviews.models.decisions import DecisionQuerySet
from reviews.quality import blindness
from reviews.quality.blindness import _undecided_by as undecided_by
from reviews.quality.intervals import interval

_OWN: Final = (
    "system", "confidence_from", "confidence_to", "blind", "corrected", "ai_said", "person_said",
    "took_from", "took_to",
)  # fmt: skip
FILTERS: Final = tuple(dict.fromkeys((*history.FILTERS, *_OWN)))
LATEST: Final = 2_000
MOST_ANSWERS: Final = 10


_GROUPS: Final = """
SELECT rule, is_blind, verdict, is_standing, ai_said, person_said, count(*), min(decided_at), max(decided_at)
FROM ({latest}) AS latest GROUP BY rule, is_blind, verdict, is_standing, ai_said, person_said
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Decisions that are alike in what the sums tell apart. One that was undone or superseded stands no more."""

    rule: str
    is_blind: bool
    verdict: str
    is_standing: bool
    ai_said: str
    person_said: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """How often people overrode the AI under one rule. `rate`, `low` and `high` (95 %) are millionths."""

    rule: str
    is_blind: bool
    decided: int
    overridden: int
    rate: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The latest decisions together. `set_aside` were undone or superseded and count nowhere else; `is_capped` says
    that there are older ones than were counted."""

    decided: int
    overridden: int
    rejected: int
    set_aside: int
    is_capped: bool
    first: datetime | None
    last: datetime | None
    all: Rate
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """How often the AI said `row` and the person `column`; `hot` is 0 to 3, by how frequent the disagreement is."""

    ai: str
    person: str
    count: int
    is_same: bool
    hot: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """AI said against person said. `left_out` decisions are about answers too rare to have a line of their own."""

    answers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    worst: Cell | None
    counted: int
    left_out: int

    @property
    def is_wordy(self) -> bool:
        """Whether an answer is too long to stand above a column."""
        return any(len(answer) > 3 for answer in self.answers)


def seen_by(actor: Actor) -> DecisionQuerySet:
    """The decisions that this person reads. Beyond what every door hides, an output that she may be asked to judge
    blind is not here at all, nor are her own blind answers while she can take them back. Raises NotAllowed."""
    found = history.seen_by(actor)
    person = actor.person
    if person is None:
        return found
    open_to_change = Q(final_at__gt=Now()) | ~Q(item__state="closed")
    found = found.exclude(Q(is_blind=True, person=person) & open_to_change)
    judges_in = roles.systems_for(person, blindness.VERB)
    if judges_in is not None and not judges_in:
        return found
    # The open blind items have an index of their own and are read once, not for every decision.
    hidden = Q(output__in=undecided_by(person).values("output_id"))
    return found.exclude(hidden if judges_in is None else hidden & Q(system_id__in=judges_in))


def asked_for(decisions: DecisionQuerySet, asked: Mapping[str, str], *, reader: Actor) -> DecisionQuerySet:
    """The decisions that the filters select. Raises Invalid for filters and values that mean nothing."""
    shared = {name: text for name, text in asked.items() if name not in _OWN}
    decisions = history.asked_for(decisions, shared, reader=reader)
    for name in _OWN:
        if name in asked:
            if "\0" in asked[name]:
                raise _wrong(name, "This holds a NUL character.")
            decisions = decisions.filter(_own(name, asked[name]))
    return decisions


def _own(name: str, text: str) -> Q:
    if name == "system":
        # By its id and not by a join, so that the index of the system's decisions gives them in their order.
        return Q(system_id=System.objects.filter(slug=text).values_list("pk", flat=True).first())
    if name == "confidence_from":
        return Q(confidence__gte=_percent(name, text))
    if name == "confidence_to":
        return Q(confidence__lte=_percent(name, text))
    if name == "took_from":
        return Q(took_ms__gte=_milliseconds(name, text))
    if name == "took_to":
        return Q(took_ms__lte=_milliseconds(name, text))
    if name == "blind":
        return Q(is_blind=_yes(name, text))
    if name == "corrected":
        changed = Q(verdict="override", is_correct=False)
        return changed if _yes(name, text) else ~changed
    return Q(**{name: text})


def _percent(name: str, text: str) -> int:
    try:
        share = Decimal(text) * 10_000
    except InvalidOperation:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= MILLION:
        raise _wrong(name, "This is a percentage from 0 to 100.")
    return int(share)


def _milliseconds(name: str, text: str) -> int:
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = Decimal(-1)
    if not seconds.is_finite() or not 0 <= seconds <= 1_000_000:
        raise _wrong(name, "This is a number of seconds, such as 2.5.")
    return int(seconds * 1000)


def _yes(name: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise _wrong(name, "This is yes or no.")
    return text == "yes"


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(f"{name.replace('_', ' ')}: {detail}", errors=[Problem(f"?{name}", "invalid", detail)])


def pending(entries: Iterable[UUID]) -> set[UUID]:
    """Those of the entries that wait for their seal."""
    asked = set(entries)
    return asked - log.places(asked).keys()


def deciders(systems: set[UUID] | None) -> QuerySet[Person]:
    """The people who may decide in these systems (None: in any), by name; at most two hundred."""
    found = Person.objects.filter(roles__name__in=roles.VERBS["review items"])
    if systems is not None:
        found = found.filter(Q(roles__system=None) | Q(roles__system__in=systems))
    return found.distinct().order_by("name", "pk")[:200]


@dataclass(frozen=True, slots=True)
class Sums:
    """The latest decisions together, and what the AI said in them against what people said."""

    summary: Summary
    matrix: Matrix


def sums(decisions: DecisionQuerySet) -> Sums:
    """The latest `LATEST` decisions counted: how often they were overrides, by rule, and which answers became which.
    One query."""
    groups = _grouped(decisions)
    return Sums(summary_of(groups), matrix_of(_pairs(groups)))


def summary_of(groups: Sequence[Group]) -> Summary:
    """The summary of these groups, of which there is one decision more where there are older ones. Pure."""
    seen = sum(group.count for group in groups)
    by_rule: dict[tuple[str, bool], dict[str, int]] = {}
    for group in groups:
        if group.is_standing:
            counts = by_rule.setdefault((group.rule, group.is_blind), {})
            counts[group.verdict] = counts.get(group.verdict, 0) + group.count
    verdicts = {name: sum(counts.get(name, 0) for counts in by_rule.values()) for name in Decision.VERDICTS}
    decided = sum(verdicts.values())
    rates = [_rate(rule, is_blind, counts) for (rule, is_blind), counts in by_rule.items()]
    return Summary(
        decided, verdicts["override"], verdicts["reject"], seen - decided, seen > LATEST,
        min((group.first for group in groups), default=None), max((group.last for group in groups), default=None),
        _rate("", False, verdicts), tuple(sorted(rates, key=lambda rate: (-rate.decided, rate.rule, rate.is_blind))),
    )  # fmt: skip


def _pairs(groups: Sequence[Group]) -> dict[tuple[str, str], int]:
    """How often the AI said the one and the person the other, in decisions that stand and are no rejections."""
    counts: dict[tuple[str, str], int] = {}
    for group in groups:
        if group.is_standing and group.verdict != "reject":
            pair = (group.ai_said, group.person_said)
            counts[pair] = counts.get(pair, 0) + group.count
    return counts


def _rate(rule: str, is_blind: bool, counts: Mapping[str, int]) -> Rate:
    decided, overridden = sum(counts.values()), counts.get("override", 0)
    low, high = interval(overridden, decided)
    return Rate(rule, is_blind, decided, overridden, overridden * MILLION // decided if decided else 0, low, high)


def matrix_of(counts: Mapping[tuple[str, str], int]) -> Matrix:
    """The matrix of these counts. At most ten answers have a line of their own: the most frequent ones. Pure."""
    weight: dict[str, int] = {}
    for (ai, person), count in counts.items():
        for answer in {ai, person}:
            weight[answer] = weight.get(answer, 0) + count
    frequent = sorted(weight, key=lambda answer: (-weight[answer], answer))[:MOST_ANSWERS]
    answers = tuple(sorted(frequent, key=_in_order))
    apart = [count for (ai, person), count in counts.items() if ai != person and ai in weight and person in answers]
    most = max(apart, default=0)
    rows = tuple((ai, tuple(_cell(ai, person, counts, most) for person in answers)) for ai in answers)
    cells = [cell for _, row in rows for cell in row]
    worst = max((cell for cell in cells if not cell.is_same and cell.count), key=lambda cell: cell.count, default=None)
    shown = sum(cell.count for cell in cells)
    return Matrix(answers, rows, worst, shown, sum(counts.values()) - shown)


def _in_order(answer: str) -> tuple[bool, int, str]:
    is_number = answer.isascii() and answer.isdigit() and len(answer) < 18
    return (not is_number, int(answer) if is_number else 0, answer)


def _cell(ai: str, person: str, counts: Mapping[tuple[str, str], int], most: int) -> Cell:
    count = counts.get((ai, person), 0)
    share = count / max(most, 5) if ai != person else 0.0  # a single disagreement is no pattern yet
    return Cell(ai, person, count, ai == person, (share >= 0.15) + (share >= 0.28) + (share >= 0.6))


def _grouped(decisions: DecisionQuerySet) -> list[Group]:
    is_standing = ExpressionWrapper(Q(undone_at=None, is_superseded=False), output_field=BooleanField())
    names = ("rule", "is_blind", "verdict", "decided_at", "ai_said", "person_said", "is_standing")
    standing = decisions.and_whether_superseded().annotate(is_standing=is_standing)
    narrow = standing.order_by("-pk").values_list(*names)[: LATEST + 1]
    statement, values = narrow.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(latest=statement), values)
        return [Group(*row) for row in cursor.fetchall()]
