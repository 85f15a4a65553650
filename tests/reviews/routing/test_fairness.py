"""Fairness by simulation: 30 reviewers of unequal speed and skills, 10,000 items, one working day after the other.

Run with `-s` to see the figures that docs/leads.md quotes.
"""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.routing.sharing import Colleague, Work, share_out, why_not
from reviews.routing.urgency import urgent_at

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
DUE_IN = timedelta(hours=4)
TICK = timedelta(seconds=30)
SYSTEM, QUEUE = UUID(int=1), UUID(int=2)
SKILLS = ("cards", "fraud", "legal")


def colleague(number: int, *skills: str, most: int = 10) -> Colleague:
    return Colleague(
        UUID(int=1000 + number), None, [], {SYSTEM: frozenset(skills)}, "there", {}, {QUEUE: most},
        START - timedelta(minutes=number),
    )  # fmt: skip


def work(number: int, *skills: str) -> Work:
    return Work(UUID(int=10_000 + number), UUID(int=10_000 + number), SYSTEM, QUEUE, frozenset(skills), False)


@dataclass
class Day:
    """A simulated office. `waiting` is a heap by urgency; `busy` when each person is done with what she has in hand."""

    people: list[Colleague]
    seconds: dict[UUID, float]
    dice: random.Random
    waiting: list = field(default_factory=list)
    busy: list = field(default_factory=list)
    desk: dict[UUID, list] = field(default_factory=dict)
    hands: dict[UUID, tuple] = field(default_factory=dict)
    ages: list[timedelta] = field(default_factory=list)
    done: Counter = field(default_factory=Counter)
    unfair: int = 0
    over: int = 0
    spreads: list[int] = field(default_factory=list)

    def hand_out(self, now: datetime) -> None:
        looked_at = [heapq.heappop(self.waiting) for _ in range(min(200, len(self.waiting)))]
        got = set()
        for entry in looked_at:
            each = entry[2]
            may = [her for her in self.people if why_not(each, her) is None]
            loads = {her.id: her.load for her in may}
            given = share_out([each], self.people, now)
            if not given:
                continue
            her = given[0][1]
            got.add(each.seat)
            self.unfair += loads[her.id] > min(loads.values())
            self.over += her.held[QUEUE] > her.most[QUEUE]
            same = [load for id, load in loads.items() if self._skills(id) == self._skills(her.id)]
            self.spreads.append(max(same) - min(same))
            heapq.heappush(self.desk.setdefault(her.id, []), entry)
            if her.id not in self.hands:
                self._begin(her.id, now)
        for entry in looked_at:
            if entry[2].seat not in got:
                heapq.heappush(self.waiting, entry)

    def finish(self, now: datetime) -> None:
        by_id = {her.id: her for her in self.people}
        while self.busy and self.busy[0][0] <= now:
            at, person = heapq.heappop(self.busy)
            _, _, each, arrived = self.hands.pop(person)
            self.ages.append(at - arrived)
            her = by_id[person]
            her.held[QUEUE] -= 1
            her.has.discard(each.item)
            her.idle_since = at
            self.done[person] += 1
            if self.desk[person]:
                self._begin(person, at)

    def _begin(self, person: UUID, at: datetime) -> None:
        self.hands[person] = heapq.heappop(self.desk[person])
        took = self.dice.expovariate(1 / self.seconds[person])
        heapq.heappush(self.busy, (at + timedelta(seconds=max(took, 2)), person))

    def _skills(self, person: UUID) -> frozenset[str]:
        return next(her.skills[SYSTEM] for her in self.people if her.id == person)


def simulated(count: int, seed: int) -> Day:
    dice = random.Random(seed)
    people = [
        colleague(n, *(skill for skill in SKILLS if dice.random() < 0.3), most=dice.choice((3, 5, 10)))
        for n in range(30)
    ]
    for skill in SKILLS:  # whatever is asked for, somebody can
        if not any(skill in her.skills[SYSTEM] for her in people):
            people[dice.randrange(30)].skills = {SYSTEM: frozenset({skill})}
    seconds = {her.id: dice.uniform(30, 180) for her in people}
    day = Day(people, seconds, dice)
    per_second = 0.9 * sum(1 / length for length in seconds.values())
    now, arrives, number = START, START, 0
    while number < count or day.waiting or day.busy:
        while number < count and arrives <= now:
            skills = (dice.choice(SKILLS),) if dice.random() < 0.15 else ()
            priority = dice.choice((0, 20, 50, 50, 50, 80, 100))
            entry = (urgent_at(arrives, arrives + DUE_IN, priority), number, work(number, *skills), arrives)
            heapq.heappush(day.waiting, entry)
            number += 1
            arrives += timedelta(seconds=dice.expovariate(per_second))
        day.finish(now)
        day.hand_out(now)
        now += TICK
    return day


@pytest.mark.slow
def test_thirty_reviewers_and_ten_thousand_items():
    day = simulated(10_000, seed=7)
    ages = sorted(age.total_seconds() for age in day.ages)
    cuts = quantiles(ages, n=100)
    spread = Counter(day.spreads)
    print(
        f"\n{len(ages)} items: over capacity {day.over}, given past somebody with less {day.unfair}",
        f"age when decided: p50 {cuts[49]:.0f} s, p99 {cuts[98]:.0f} s, longest {ages[-1]:.0f} s",
        f"decided by one: {min(day.done.values())} to {max(day.done.values())}",
        f"load apart among those with the same skills: {dict(sorted(spread.items()))}",
        sep="\n",
    )
    assert len(ages) == sum(day.done.values()) == 10_000
    assert day.over == 0
    assert day.unfair == 0
    assert ages[-1] < DUE_IN.total_seconds()  # the stated bound: with staff for the load, nothing outlives its due time
    assert len(day.done) == 30


@given(st.integers(1, 60), st.integers(1, 12))
def test_equals_are_never_more_than_one_apart(items, people):
    staff = [colleague(n, most=100) for n in range(people)]
    assert len(share_out([work(n) for n in range(items)], staff, START)) == items
    assert max(her.load for her in staff) - min(her.load for her in staff) <= 1


@given(
    st.lists(st.sets(st.sampled_from(SKILLS)), min_size=1, max_size=8),
    st.lists(st.sampled_from(("", *SKILLS)), max_size=60),
)
def test_what_is_left_is_what_nobody_may_take(staff, asked):
    people = [colleague(n, *skills, most=4) for n, skills in enumerate(staff)]
    seats = [work(n, *([skill] if skill else [])) for n, skill in enumerate(asked)]
    given_out = {each.seat for each, _ in share_out(seats, people, START)}
    assert all(her.load <= 4 for her in people)
    for each in seats:
        if each.seat not in given_out:
            assert all(why_not(each, her) for her in people)


def test_the_one_who_has_been_idle_longest_is_next():
    staff = [colleague(1), colleague(3), colleague(2)]
    assert share_out([work(1)], staff, START)[0][1] is staff[1]
