"""Due times and the ladder in the working time of a queue's calendar."""

from datetime import UTC, timedelta

import pytest

from governance.policies.policy import Queue, ServiceLevel
from reviews import queue
from reviews.models import Item
from reviews.queue.cards import why
from reviews.routing.retiming import retime_waiting
from reviews.routing.rulebook import rulebook
from reviews.routing.urgency import due_words
from tests import cast
from tests.governance.test_worktime import OFFICE, at
from tests.reviews.desk import desk
from tests.reviews.routing.late import CLIMB, ladder

CALENDAR = {"time_zone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}
WORKING = {"default": {"queue": "general"}, "queues": {"general": {"calendar": CALENDAR}}}


@pytest.mark.django_db
def test_an_item_is_due_in_working_time_and_climbs_in_it():
    item = desk(cast.system(routing=WORKING, sla=ladder(*CLIMB[1:])))[0]
    calendar = rulebook(item.timed_by_id).queue("general").calendar
    assert calendar.between(item.created_at, item.due_at) == timedelta(hours=4)
    assert calendar.is_open(item.due_at - timedelta(seconds=1))
    assert calendar.between(item.due_at, item.next_step_at) == timedelta(hours=1)


@pytest.mark.django_db
def test_a_policy_that_gives_the_queue_a_calendar_times_what_waits_anew():
    system = cast.system()
    item = desk(system)[0]
    # Two hours a day, so that four of them are never the next four, whenever the test is run.
    short = {"time_zone": "Europe/Berlin", "hours": {"mon-fri": "09:00-11:00"}}
    queues = {"general": {"calendar": short}}
    cast.put_in_force(system, cast.policy(routing={"default": {"queue": "general"}, "queues": queues}))
    assert retime_waiting() == 1
    now = Item.objects.get(pk=item.pk)
    assert rulebook(now.timed_by_id).queue("general").calendar.between(item.created_at, now.due_at) == timedelta(
        hours=4
    )


@pytest.mark.django_db
def test_the_reviewer_reads_how_much_working_time_is_left():
    desk(cast.system(routing=WORKING))
    claim = queue.claim_next(cast.acting(cast.alice()))
    assert any("of working time are left" in said for said in why(claim))


def test_the_countdown_stands_still_at_night_and_over_the_change_of_the_clock():
    friday, monday = at("2026-03-27T16:00"), at("2026-03-30T10:00")  # between them the clock is put forward
    assert due_words(OFFICE, monday, friday) == "in 2 h, in working time"
    assert due_words(OFFICE, monday, at("2026-03-29T12:00")) == "in 1 h, in working time"
    assert due_words(OFFICE, friday, monday) == "2 h late, in working time"
    assert (
        due_words(None, monday.astimezone(UTC), friday.astimezone(UTC)) == "in 2 d 17 h"
    )  # by the clock, an hour of which did not happen


def test_no_item_is_due_later_than_the_longest_wait_that_tuning_reckons_with():
    sla = ServiceLevel(timedelta(hours=40))
    longest = sla.longest((Queue("a"), Queue("b", calendar=OFFICE)))
    start = at("2026-12-23T16:59")
    assert OFFICE.add(start, sla.due_in) - start <= longest
