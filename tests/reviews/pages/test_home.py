"""Home: by role, one sentence that answers, and what waits for whom."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from governance.evidence.record import record
from governance.models import Certificate
from governance.monitoring import incidents
from governance.people.actors import CONSOLE
from governance.policies import lifecycle
from governance.tuning import looks
from reviews import overview
from reviews.delivery import endpoints
from reviews.models import Decision, Delivery
from reviews.pages import home_words
from tests import cast
from tests.governance.tuning.test_looks import fill_good
from tests.reviews.desk import desk
from tests.reviews.pages.deciding import decide, queries, read, signed_in, system

NOW = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)


def statement(page: str) -> str:
    return page[page.index("<h1>") + 4 : page.index("</h1>")]


def proposal(of, *, by=None):
    by = cast.acting(by or cast.person("dora", "owner"))
    return lifecycle.propose(of, cast.policy(threshold={"default": 0.8}), by=by).version


@pytest.mark.django_db
def test_a_reviewer_learns_what_waits_and_what_is_late():
    desk(system(sla={"due_in": "PT4H"}), 2)
    assert statement(read(cast.alice(), "/")) == "Two answers wait for a person. None is overdue."
    desk(system("other"), 1)
    assert statement(read(cast.alice(), "/")) == "Three answers wait for a person. None is overdue."


@pytest.mark.django_db
def test_an_answer_is_overdue_once_its_time_is_over():
    desk(system(sla={"due_in": "PT1S"}), 13)
    time.sleep(1.1)
    assert statement(read(cast.carol(), "/")) == "13 answers wait for a person. All are overdue."


@pytest.mark.django_db
def test_nothing_waits_and_it_says_so_without_a_button():
    system()
    page = read(cast.alice(), "/")
    assert statement(page) == "No answer waits for a person."
    assert "Review the next one" not in page


@pytest.mark.django_db
def test_whoever_has_no_role_is_told_who_gives_one():
    page = read(cast.eve(), "/")
    assert statement(page) == "You have no role here yet."
    assert "An administrator gives roles" in page


@pytest.mark.django_db
def test_a_proposal_waits_for_whoever_may_sign_it_and_not_for_its_proposer():
    of = system()
    made = proposal(of)
    assert statement(read(cast.erik(), "/")) == "One policy waits for your signature."
    assert "Sign or decline policy 2" in read(cast.erik(), "/")
    assert "Sign or decline policy 2" not in read(cast.person("dora"), "/")
    assert "Sign or decline policy 2" not in read(cast.alice(), "/")
    lifecycle.approve(made, by=cast.acting(cast.erik()), digest=made.digest)
    assert "Put policy 2 in force" in read(cast.person("frank", "approver"), "/")


@pytest.mark.django_db
def test_whoever_has_signed_is_not_asked_again():
    of = system("risky", risk_tier="high")
    made = proposal(of)
    lifecycle.approve(made, by=cast.acting(cast.erik()), digest=made.digest)
    assert statement(read(cast.erik(), "/")) == "No policy waits for your signature."
    assert "Sign or decline policy 2" in read(cast.dana(), "/")


@pytest.mark.django_db
def test_a_disagreement_waits_for_a_lead_and_a_blind_audit_for_reviewers():
    pair = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    of = system(routing=pair)
    (item,) = desk(of)
    decide(cast.alice(), item)
    decide(cast.bob(), item, "override", output={"digit": 1})
    desk(system("audited"), purpose="audit")
    assert "One disagreement to settle" in read(cast.carol(), "/")
    assert "disagreement to settle" not in read(cast.alice(), "/")
    assert "One blind audit to answer" in read(cast.alice(), "/")


@pytest.mark.django_db
def test_given_up_messages_wait_for_an_engineer():
    of = system()
    hook, _ = endpoints.create(
        of, url="https://hooks.example.org/a", events=["output.resolved"], by=cast.acting(cast.eng())
    )
    with transaction.atomic():
        dead = Delivery.objects.create(endpoint=hook, event="output.resolved")
        entry = record("delivery_failed", actor=CONSOLE, kind="delivery", id=dead.pk, system=of.pk)
        Delivery.objects.filter(pk=dead.pk).update(dead_at=entry.at, next_attempt_at=None, entry_id=entry.id)
    page = read(cast.eng(), "/")
    assert statement(page) == "One message to producers could not be delivered."
    assert "Given up at one webhook" in page
    assert "could not be delivered" not in read(cast.carol(), "/")


@pytest.mark.django_db
def test_the_median_is_of_real_people_only():
    items = desk(system(), 4)
    for item, took in zip(items[:3], (2000, 4000, 9000), strict=True):
        decide(cast.alice(), item, took_ms=took)
    robot = cast.person("robo", "reviewer")
    type(robot).objects.filter(pk=robot.pk).update(is_simulated=True)
    decide(cast.person("robo"), items[3], took_ms=10)
    (line,) = overview.queues(None)
    assert line.median == 4.0


@pytest.mark.django_db
def test_her_week_counts_what_changed_the_outcome_and_who_agreed():
    pair = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    agreed, apart, waiting = desk(system(routing=pair), 3)
    decide(cast.alice(), agreed, "override", output={"digit": 1})
    decide(cast.bob(), agreed, "override", output={"digit": 1})
    decide(cast.alice(), apart)
    decide(cast.bob(), apart, "override", output={"digit": 1})
    decide(cast.carol(), apart)
    decide(cast.alice(), waiting)
    week = overview.week(cast.alice(), since=datetime.now(UTC) - timedelta(hours=1))
    assert (week.decided, week.changed, week.paired, week.agreed) == (3, 1, 2, 1)
    assert "1 of 2" in read(cast.alice(), "/")
    assert Decision.objects.count() == 6


@pytest.mark.django_db
def test_a_person_of_one_system_learns_nothing_of_another():
    mine, other = system("mine"), system("other")
    desk(other, 3)
    page = read(cast.person("lena", "lead", system=mine), "/")
    assert "other" not in page
    assert statement(page) == "No answer waits for a person."


@pytest.mark.django_db
def test_home_costs_the_same_queries_with_one_system_and_with_four():
    browser = signed_in(cast.person("olga", "owner"))
    desk(system("one"), 2)
    browser.get("/")
    few = queries(browser, "/")
    for slug in ("two", "three", "four"):
        made = system(slug)
        desk(made, 4)
        proposal(made)
    browser.get("/")
    assert queries(browser, "/") <= few + 1  # the signatures of what now waits are one query more
    assert few <= 20


def certificate(**columns) -> Certificate:
    known = {
        "state": "certified", "threshold": 830_000, "in_force": 900_000, "target": 20_000, "look": 4, "model": "lr",
        "model_version": "3", "taken_at": NOW, "expires_at": NOW + timedelta(days=30),
    }  # fmt: skip
    return Certificate(**{**known, **columns})


@pytest.mark.parametrize(
    ("columns", "word"),
    [({}, "Certified lower, at 0.83"),
     ({"state": "unproven", "threshold": None}, "Unproven"), ({"state": "violated", "threshold": None}, "Violated"),
     ({"expires_at": NOW}, "Expired"), ({"model_version": "2"}, "Frozen")],
)  # fmt: skip
def test_a_certificate_says_how_it_stands_today(columns: dict, word: str):
    assert home_words.state(certificate(**columns), model=("lr", "3"), now=NOW, in_force=900_000).word == word


def test_a_certified_threshold_that_came_into_force_is_no_longer_lower():
    told = home_words.state(certificate(), model=("lr", "3"), now=NOW, in_force=830_000)
    assert told.word == "Certified at 0.83"


def test_small_numbers_are_words():
    assert home_words.signing(0) == "No policy waits for your signature."
    assert home_words.signing(2) == "Two policies wait for your signature."
    assert home_words.telling(64) == "64 messages to producers could not be delivered."


@pytest.mark.django_db
def test_a_system_whose_audits_alarmed_since_its_certificate_is_violated_and_its_lead_is_asked_to_contain_it() -> None:
    system = cast.system(threshold={"default": 1})
    fill_good(system)
    looks.look(system, by=CONSOLE)
    incidents.open_incident(
        system, by=CONSOLE, kind="alarm", title="9 of 40 audits wrong", version=system.in_force,
        facts={"wrong": 9, "audits": 40, "after": 30, "target": 20_000},
    )  # fmt: skip
    page = cast.signed_in(cast.carol()).get("/").content.decode()
    assert "Violated" in page
    assert "the audits have alarmed since" in page
    assert "Contain: 9 of 40 audits wrong" in page
