"""Overrides in depth: rates by what a decision has to do with, and the largest shifts first."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from reviews import history, shifts
from reviews.models import Decision
from reviews.shifts import Made
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.pages.deciding import decide, read, system

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE, BOB = UUID(int=1), UUID(int=2)


def made(number: int, *, rule: str = "threshold:default", override: bool = False, **more) -> Made:
    said = {"ai_said": "7", "person_said": "1" if override else "7", "model_version": "3", "policy": 1, "person": ALICE}
    verdict = "override" if override else "approve"
    return Made(START + timedelta(hours=number), rule, False, verdict, (), **{**said, **more})


def test_the_largest_shift_comes_first_and_luck_does_not_count():
    decisions = [made(n, rule="fax", override=n % 10 == 0) for n in range(200)]
    decisions += [made(n, rule="sevens", override=n >= 100 and n % 2 == 0) for n in range(200)]
    decisions += [made(n, rule="rare", override=n > 195) for n in range(194, 198)]
    found = shifts.analysed(decisions)
    assert found.shifts[0].word == "sevens"
    assert found.shifts[0].before[0] <= 2
    assert found.shifts[0].change.lower > 0.3
    assert "fax" not in {line.word for line in found.shifts}
    assert "rare" not in {line.word for line in found.shifts}
    distances = [line.distance for line in found.shifts]
    assert distances == sorted(distances, reverse=True)


def test_the_order_in_which_decisions_come_changes_nothing():
    decisions = [made(n, override=n % 3 == 0, person=ALICE if n % 2 else BOB) for n in range(60)]
    assert shifts.analysed(decisions) == shifts.analysed(decisions[::-1])


def test_every_decision_counts_once_in_each_kind_and_once_over_time():
    decisions = [made(n, override=n % 4 == 0, rule=f"r{n % 3}") for n in range(100)]
    found = shifts.analysed(decisions)
    for kind, lines in found.groups:
        if kind != "reason":
            assert sum(line.of for line in lines) == 100
            assert sum(line.hits for line in lines) == 25
    assert sum(period.of for period in found.periods) == 100
    assert all(period.low <= period.rate <= period.high for period in found.periods)


def test_of_nothing_there_is_nothing_to_say():
    found = shifts.analysed([])
    assert (found.counted, found.shifts, found.periods) == (0, (), ())
    assert shifts.analysed([made(0)]).counted == 1


def test_an_answer_that_became_another_is_counted_against_how_often_the_ai_said_it():
    decisions = [made(n, override=n >= 50) for n in range(100)] + [
        made(n, ai_said="3", person_said="3") for n in range(100)
    ]
    pair = next(line for line in shifts.analysed(decisions).shifts if line.kind == "answer")
    assert pair.word == "7 became 1"
    assert (pair.hits, pair.of) == (50, 100)
    assert dict(pair.filters) == {"ai_said": "7", "person_said": "1"}


@pytest.mark.django_db
def test_each_number_on_the_page_leads_to_its_decisions():
    items = desk(system(), 6)
    for number, item in enumerate(items):
        if number < 2:
            decide(cast.alice(), item, "override", output={"digit": 1}, reasons=["wrong-label"])
        else:
            decide(cast.bob(), item)
    page = read(cast.ruth(), "/history/shifts/?system=digits")
    links = re.findall(r'<a href="(/history/\?[^"]+)">(\d+)</a>', page)
    assert len(links) > 8
    for url, count in links:
        rows = re.findall(r'id="decision-', read(cast.ruth(), url.replace("&amp;", "&")))
        assert len(rows) == int(count)


@pytest.mark.django_db
def test_a_reviewer_analyses_her_own_decisions_only_and_outsiders_none():
    first, second = desk(system(), 2)
    decide(cast.alice(), first), decide(cast.bob(), second)
    assert "1 decisions" in read(cast.alice(), "/history/shifts/").replace("\u202f", " ")
    read(cast.eng(), "/history/shifts/", status=404)
    assert shifts.analysis(history.seen_by(cast.acting(cast.ruth()))).counted == Decision.objects.count() == 2
