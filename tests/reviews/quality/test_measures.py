"""Reviewer measures: what each counts, how sure it is, who sees it first, and what nobody can learn from it."""

from datetime import timedelta

import pytest
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from uuid_utils.compat import uuid7

from governance.models import Entry, Person
from governance.refusals import NotFound
from reviews import queue
from reviews.decisions import bulk, decide, supersede
from reviews.models import Decision, Item
from reviews.quality import intervals, measures, showing
from reviews.queue import marks
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.desk import check_constraints, desk

PAIR = {"default": {"queue": "general", "reviewers": 2}}
OVERRIDE = {"verdict": "override", "output": {"digit": 3}}


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def decided(someone: Person, item: Item, **said):
    actor = cast.acting(someone)
    claim = queue.claim_item(actor, item.pk)
    made = decide(actor, item=item.pk, token=claim.token, **{"verdict": "approve", **said})
    check_constraints()
    return made


def later(**by: int) -> None:
    """As if everything had been decided so much earlier: no state changes, only the moments compared with the clock."""
    Decision.objects.update(final_at=F("decided_at") - timedelta(**by))


def mine(someone: Person) -> measures.Measures:
    return showing.own(cast.acting(someone))[0]


@given(st.integers(1, 400))
def test_the_interval_of_the_median_holds_it_with_95_percent_and_is_the_narrowest_that_does(cases: int):
    ranks = intervals.median_ranks(cases)
    if ranks is None:
        assert 2 * 0.5**cases > 0.05
        return
    low, high = ranks
    assert low + high == cases + 1
    # The median is missed below when fewer than `low` values lie under it.
    assert 2 * binom.cdf(low - 1, cases, 0.5) <= 0.05 + 1e-9
    assert 2 * binom.cdf(low, cases, 0.5) > 0.05


@pytest.mark.django_db
def test_two_reviewers_agree_when_no_third_had_to_settle_it():
    items = desk(cast.system(routing=PAIR), 3)
    alice, bob = cast.alice(), cast.bob()
    for item in items:
        decided(alice, item)
    later(minutes=1)
    assert mine(alice).agreed == measures.Share(0, 0)  # what is not closed is nobody's to know
    decided(bob, items[0])
    decided(bob, items[1], **OVERRIDE)
    decided(cast.carol(), items[1], **OVERRIDE)
    later(minutes=1)
    assert mine(alice).agreed == mine(bob).agreed == measures.Share(1, 2)


@pytest.mark.django_db
def test_a_verdict_that_a_third_or_a_lead_replaced_counts_as_overturned_a_day_later():
    items = desk(cast.system(routing=PAIR), 1)
    single = desk(cast.system("letters"), 3)
    alice, bob, carol = cast.alice(), cast.bob(), cast.carol()
    decided(alice, items[0])
    decided(bob, items[0], **OVERRIDE)
    decided(carol, items[0], **OVERRIDE)
    first, second, _ = (decided(alice, item).decision for item in single)
    later(minutes=1)
    supersede(cast.acting(carol), first, verdict="reject", reasons=["unreadable"])
    supersede(cast.acting(alice), second, verdict="reject", reasons=["unreadable"])  # her own correction is none
    assert mine(alice).overturned == measures.Share(0, 0)
    later(days=2)
    assert mine(alice).overturned == measures.Share(2, 4)
    assert mine(bob).overturned == measures.Share(0, 1)


@pytest.mark.django_db
def test_known_answers_show_a_day_later_so_that_none_is_told_apart():
    alice = cast.alice()
    found, missed = desk(cast.system(), 2, purpose="known_answer", blind=False)
    decided(alice, found, **OVERRIDE)
    decided(alice, missed)
    later(hours=23)
    assert (mine(alice).decided, mine(alice).found) == (2, measures.Share(0, 0))
    later(hours=25)
    assert mine(alice).found == measures.Share(1, 2)
    assert mine(alice).overturned == measures.Share(0, 0)


@pytest.mark.django_db
def test_what_was_decided_at_once_is_measured_by_its_blind_re_checks():
    items = desk(cast.system(), 20)
    alice, bob = cast.alice(), cast.bob()
    bulk.decide_many(cast.acting(alice), like=items[0].pk, items=[item.pk for item in items], verdict="approve")
    route_waiting()
    agreed, wrong = Item.objects.filter(purpose="recheck").order_by("pk")
    decided(bob, agreed, verdict=None, output={"digit": 7})
    for someone in (bob, cast.carol()):  # a "wrong" is looked at by a second person before it counts
        decided(someone, wrong, verdict=None, output={"digit": 3})
    later(minutes=1)
    assert mine(alice).held == measures.Share(1, 2)
    assert mine(alice).time == measures.Time(0, None, None, None)  # what was decided at once has no time


@pytest.mark.django_db
def test_time_is_a_median_with_its_interval_and_too_fast_is_measured_by_the_people_of_the_system():
    items = desk(cast.system(), 24)
    alice, bob = cast.alice(), cast.bob()
    for number, item in enumerate(items):
        took = 1_000 if number in (0, 1) else 10_000 + number * 100
        decided(alice if number < 12 else bob, item, took_ms=took)
    later(minutes=1)
    found = mine(alice)
    assert found.time is not None
    assert (found.time.cases, found.time.value, found.time.low, found.time.high) == (12, 10.55, 10.2, 10.9)
    assert found.too_fast == measures.Share(2, 12)
    Person.objects.filter(pk=alice.pk).update(is_simulated=True)
    simulated = mine(cast.alice())
    assert (simulated.time, simulated.too_fast) == (None, None)


@pytest.mark.django_db
def test_under_ten_cases_nothing_is_said():
    items = desk(cast.system(), 9)
    for item in items:
        decided(cast.alice(), item, took_ms=2_000)
    later(days=2)
    found = mine(cast.alice())
    assert found.overturned.value is None
    assert found.time is not None
    assert not found.time.is_enough
    page = cast.signed_in(cast.alice()).get("/queue/measures/").content.decode()
    assert "too few had a second reviewer" in page
    assert page.count("10 are needed") == 6


@pytest.mark.django_db
def test_she_sees_it_first_and_whoever_leads_her_a_week_later_or_when_she_shows_it():
    alice, carol = cast.alice(), cast.carol()
    for item in desk(cast.system(), 3):
        decided(alice, item)
    later(minutes=1)
    lead = cast.acting(carol)
    assert mine(alice).decided == 3
    assert showing.of(lead, alice.pk).decided == 0
    page = cast.signed_in(carol).get(f"/queue/measures/{alice.pk}/").content.decode()
    assert "Nothing to show yet." in page
    assert cast.signed_in(alice).post("/queue/measures/").status_code == 302
    assert showing.of(lead, alice.pk).decided == 3
    assert Entry.objects.filter(type="measures_shown", subject=alice.pk).count() == 1
    later(days=8)
    assert showing.of(lead, alice.pk).decided == 3
    other = cast.person("oda", "reviewer")
    for item in desk(cast.system("letters"), 1):
        decided(other, item)
    later(days=8)
    assert showing.of(lead, other.pk).decided == 1


@pytest.mark.django_db
def test_a_lead_sees_only_those_she_leads_and_only_what_they_did_there_by_name_and_without_a_figure():
    here, there = cast.system(), cast.system("letters")
    alice = cast.alice()
    local = cast.person("lena", "lead", system=here)
    stranger = cast.person("zoe", "reviewer", system=there)
    for item in (*desk(here, 2), *desk(there, 3)):
        decided(alice, item)
    later(days=8)
    assert showing.of(cast.acting(local), alice.pk).decided == 2
    with pytest.raises(NotFound):
        showing.of(cast.acting(local), stranger.pk)
    with pytest.raises(NotFound):
        showing.of(cast.acting(local), uuid7())
    names = [each.person.name for each in showing.led(cast.acting(local))]
    assert names == sorted(names)
    assert "Zoe" not in names
    page = cast.signed_in(local).get("/queue/measures/people/").content.decode()
    assert "Alice" in page
    assert "%" not in page[page.index("<main") : page.index("</main")]


@pytest.mark.django_db
def test_programs_read_the_same_with_the_scope_in_the_keys_system_alone(client):
    here, there = cast.system(), cast.system("letters")
    alice, carol = cast.alice(), cast.carol()
    for item in (*desk(here, 12), *desk(there, 3)):
        decided(alice, item, took_ms=4_000)
    later(days=8)
    key = cast.bearer(cast.key_for(here, ["decisions:read", "reviews:write"], person=alice))
    told = client.get("/api/v1/reviews/measures/", headers=key).json()
    assert (told["decided"], told["person"]["name"]) == (12, "Alice")
    assert told["time"] == {"cases": 12, "median": 4.0, "low": 4.0, "high": 4.0, "interval": "order-statistics-95"}
    share = told["overturned"]
    assert (share["cases"], share["share"], share["low"], share["interval"]) == (12, 0.0, 0.0, "wilson-95")
    assert told["agreement"]["share"] is None
    assert client.get("/api/v1/reviews/measures/?system=letters", headers=key).status_code == 404
    leads = cast.bearer(cast.key_for(here, ["decisions:read"], person=carol))
    assert client.get(f"/api/v1/reviews/measures/{alice.pk}/", headers=leads).json()["decided"] == 12
    assert client.get(f"/api/v1/reviews/measures/{carol.pk}/", headers=key).status_code == 404
    for scopes, whose in ((["outputs:read"], alice), (["decisions:read"], None)):
        refused = cast.bearer(cast.key_for(here, scopes, person=whose))
        assert client.get("/api/v1/reviews/measures/", headers=refused).status_code == 403
    assert client.post("/api/v1/reviews/measures/show/", {}, "application/json", headers=key).status_code == 200


@pytest.mark.django_db
def test_one_query_counts_whatever_there_is(django_assert_num_queries):
    alice = cast.alice()
    for item in desk(cast.system(), 5):
        decided(alice, item)
    until = Decision.objects.latest("final_at").final_at
    with django_assert_num_queries(1):
        assert measures.measured(alice, until=until).decided == 5
