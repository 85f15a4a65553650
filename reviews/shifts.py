"""Where people overrode the AI, and where that moved: rates by what a decision has to do with, over time, and the
largest shifts between the earlier and the later half of the decisions counted.

Method. The latest `LATEST` decisions that stand are put in the order of their time and cut into two halves of equal
number. For each group (a rule, a reason, a version, a reviewer, an answer that became another) the share in either half
is compared: the difference with its 95 % interval (Newcombe 1998, hybrid score). Shifts are ordered by how far the
interval stays away from nought, so that a small group does not come first by luck. Of twenty comparisons one is beyond
its interval by chance alone; the page says how many there were. It is a display and no test of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from governance.tuning.calibration import Difference, difference
from reviews.models.decisions import DecisionQuerySet
from reviews.quality.intervals import interval

LATEST: Final = 10_000
PERIODS: Final = 10
LEAST: Final = 5  # a group with fewer hits in both halves together is no shift to speak of
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Made:
    """What is read of a decision."""

    at: datetime
    rule: str
    is_blind: bool
    verdict: str
    reasons: tuple[str, ...]
    model_version: str
    policy: int | None
    person: UUID
    ai_said: str
    person_said: str


@dataclass(frozen=True, slots=True)
class Line:
    """One group: `hits` of `of` decisions, the rate with its 95 % interval in millionths, and the same of both halves.
    `filters` select its decisions in the history."""

    kind: str
    word: str
    filters: tuple[tuple[str, str], ...]
    hits: int
    of: int
    rate: int
    low: int
    high: int
    before: tuple[int, int]
    after: tuple[int, int]
    change: Difference

    @property
    def distance(self) -> float:
        """How far the interval of the change stays away from nought; negative when it holds nought."""
        return max(self.change.lower, -self.change.upper)


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the time: when it begins and ends, and how often the AI was overridden in it."""

    begins: datetime
    ends: datetime
    hits: int
    of: int
    rate: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Analysis:
    counted: int
    is_capped: bool
    groups: tuple[tuple[str, tuple[Line, ...]], ...]
    periods: tuple[Period, ...]
    shifts: tuple[Line, ...]
    compared: int
    cut: datetime | None


Key = tuple[str, tuple[tuple[str, str], ...]]
# For each kind: which groups a decision belongs to (what they are called, and the filters that find them).
_KINDS: Final[dict[str, Callable[[Made], list[Key]]]] = {
    "rule": lambda d: [
        (f"{d.rule}, blind" if d.is_blind else d.rule, (("rule", d.rule), ("blind", "yes" if d.is_blind else "no")))
    ],
    "model version": lambda d: (
        [(f"model {d.model_version}", (("model_version", d.model_version),))] if d.model_version else []
    ),
    "policy": lambda d: [(f"policy {d.policy}", (("policy", str(d.policy)),))] if d.policy is not None else [],
    "reviewer": lambda d: [(str(d.person), (("reviewer", str(d.person)),))],
}


def analysis(decisions: DecisionQuerySet) -> Analysis:
    """The analysis of the latest of these decisions. One query."""
    rows = list(
        decisions.standing().order_by("-pk").values_list(
            "decided_at", "rule", "is_blind", "verdict", "reasons", "model_version", "policy__number", "person_id",
            "ai_said", "person_said",
        )[: LATEST + 1]
    )  # fmt: skip
    made = [
        Made(at, rule, is_blind, verdict, tuple(reasons), model, policy, person, ai_said, person_said)
        for at, rule, is_blind, verdict, reasons, model, policy, person, ai_said, person_said in rows
    ]
    return analysed(made[:LATEST], is_capped=len(rows) > LATEST)


def analysed(newest_first: Sequence[Made], *, is_capped: bool = False) -> Analysis:
    """The analysis of these decisions. Pure."""
    made = sorted(newest_first, key=lambda one: one.at)
    half = len(made) // 2
    halves = made[:half], made[half:]
    groups = [(kind, _lines(kind, halves, keys, _is_override)) for kind, keys in _KINDS.items()]
    groups.insert(1, ("reason", _reasons(halves)))
    pairs = _pairs(halves)
    every = [line for _, lines in groups for line in lines] + pairs
    shifts = [line for line in every if sum(line.before[:1] + line.after[:1]) >= LEAST and line.distance > 0]
    return Analysis(
        len(made), is_capped, tuple((kind, tuple(lines)) for kind, lines in groups), tuple(_periods(made)),
        tuple(sorted(shifts, key=lambda line: -line.distance)), len(every), made[half].at if made else None,
    )  # fmt: skip


def _is_override(made: Made) -> bool:
    return made.verdict == "override"


def _lines(
    kind: str, halves: tuple[Sequence[Made], Sequence[Made]], keys: Callable[[Made], list[Key]],
    hits: Callable[[Made], bool],
) -> list[Line]:  # fmt: skip
    """The groups of a kind, those with most decisions first."""
    counts: dict[Key, list[int]] = {}
    for side, made in enumerate(halves):
        for one in made:
            for key in keys(one):
                count = counts.setdefault(key, [0, 0, 0, 0])
                count[2 * side] += hits(one)
                count[2 * side + 1] += 1
    lines = [_line(kind, *key, *count) for key, count in counts.items()]
    return sorted(lines, key=lambda line: (-line.of, line.word))


def _line(
    kind: str, word: str, filters: tuple[tuple[str, str], ...], before: int, of_before: int, after: int, of_after: int
) -> Line:
    hits, of = before + after, of_before + of_after
    low, high = interval(hits, of)
    change = difference(after, of_after, before, of_before)
    return Line(
        kind, word, filters, hits, of, hits * _MILLION // of, low, high, (before, of_before), (after, of_after), change
    )


def _reasons(halves: tuple[Sequence[Made], Sequence[Made]]) -> list[Line]:
    """Of all decisions, how many name each reason."""
    names = sorted({reason for made in halves for one in made for reason in one.reasons})
    return sorted(
        (
            _line("reason", name, (("reason", name),), *(number for made in halves for number in _named(made, name)))
            for name in names
        ),
        key=lambda line: (-line.hits, line.word),
    )


def _named(made: Sequence[Made], reason: str) -> tuple[int, int]:
    return sum(reason in one.reasons for one in made), len(made)


def _pairs(halves: tuple[Sequence[Made], Sequence[Made]]) -> list[Line]:
    """Of the decisions in which the AI said one thing, how many people made another thing of it."""
    said: dict[tuple[str, int], int] = {}
    became: dict[tuple[str, str], list[int]] = {}
    for side, made in enumerate(halves):
        for one in made:
            said[one.ai_said, side] = said.get((one.ai_said, side), 0) + 1
            if one.verdict == "override" and one.ai_said and one.person_said and one.ai_said != one.person_said:
                became.setdefault((one.ai_said, one.person_said), [0, 0])[side] += 1
    return [
        _line(
            "answer", f"{ai} became {person}", (("ai_said", ai), ("person_said", person)),
            before, said.get((ai, 0), 0), after, said.get((ai, 1), 0),
        )
        for (ai, person), (before, after) in became.items()
    ]  # fmt: skip


def _periods(made: Sequence[Made]) -> Iterable[Period]:
    """Equal parts of the time between the first and the last, those without a decision left out."""
    if not made:
        return
    first, span = made[0].at, max(made[-1].at - made[0].at, timedelta(microseconds=PERIODS))
    parts: list[list[Made]] = [[] for _ in range(PERIODS)]
    for one in made:
        parts[min(int((one.at - first) / span * PERIODS), PERIODS - 1)].append(one)
    for number, part in enumerate(parts):
        if part:
            hits = sum(map(_is_override, part))
            begins = first + span * number / PERIODS
            yield Period(
                begins,
                begins + span / PERIODS,
                hits,
                len(part),
                hits * _MILLION // len(part),
                *interval(hits, len(part)),
            )
