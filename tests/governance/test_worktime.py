"""Working time: hours of the clock on the wall, in its zone, across the nights in which it is put forward and back."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policies.calendarwords import calendar_words
from governance.worktime import Calendar

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = ((540, 1020),)
OFFICE = Calendar("Europe/Berlin", (*(NINE_TO_FIVE,) * 5, (), ()), "DE", "BE")
SPLIT = Calendar("Europe/Berlin", (*(((540, 720), (780, 1050)),) * 5, (), ()))
NIGHT = Calendar("Europe/Berlin", (((1320, 1800),),) * 7)  # 22:00 to 06:00 of the next day
EARLY = Calendar("Europe/Berlin", (((60, 300),),) * 7)  # 01:00 to 05:00
HALF_PAST_TWO = Calendar("Europe/Berlin", (((150, 300),),) * 7)  # 02:30 to 05:00
ROUND_THE_CLOCK = Calendar("Europe/Berlin", (((0, 1440),),) * 7)


def at(text: str) -> datetime:
    """A moment that the wall clock of Berlin shows."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def hours(amount: float) -> timedelta:
    return timedelta(hours=amount)


@pytest.mark.parametrize(
    ("calendar", "start", "length", "end"),
    [
        # Monday 23 November 2026
        (OFFICE, "2026-11-23T10:00", 4, "2026-11-23T14:00"),
        (OFFICE, "2026-11-23T15:00", 2, "2026-11-23T17:00"),  # to the last minute of the day
        (OFFICE, "2026-11-23T15:00", 4, "2026-11-24T11:00"),
        (OFFICE, "2026-11-23T06:00", 1, "2026-11-23T10:00"),  # before it opens
        (OFFICE, "2026-11-27T16:00", 2, "2026-11-30T10:00"),  # over a weekend
        (OFFICE, "2026-12-24T16:00", 2, "2026-12-28T10:00"),  # both days of Christmas, and a weekend
        (OFFICE, "2026-03-06T16:00", 2, "2026-03-09T10:00"),  # Women's Day is free in Berlin, but on a Sunday this year
        (SPLIT, "2026-11-23T11:00", 2, "2026-11-23T14:00"),  # over lunch
        (NIGHT, "2026-11-23T20:00", 3, "2026-11-24T01:00"),
        (NIGHT, "2026-11-24T05:00", 2, "2026-11-24T23:00"),
        # The clock is put forward in the night to Sunday 29 March 2026, at 02:00 to 03:00.
        (OFFICE, "2026-03-27T16:00", 2, "2026-03-30T10:00"),
        (EARLY, "2026-03-29T01:00", 3, "2026-03-29T05:00"),  # the shift is an hour shorter
        (EARLY, "2026-03-29T01:00", 3.5, "2026-03-30T01:30"),
        (HALF_PAST_TWO, "2026-03-28T12:00", 2, "2026-03-29T05:00"),  # 02:30 does not exist: it opens at 03:00
        (ROUND_THE_CLOCK, "2026-03-28T12:00", 24, "2026-03-29T13:00"),
        (NIGHT, "2026-03-28T22:00", 7, "2026-03-29T06:00"),
        # It is put back in the night to Sunday 25 October 2026, at 03:00 to 02:00.
        (EARLY, "2026-10-25T01:00", 5, "2026-10-25T05:00"),  # the shift is an hour longer
        (ROUND_THE_CLOCK, "2026-10-24T12:00", 24, "2026-10-25T11:00"),
        (NIGHT, "2026-10-24T22:00", 9, "2026-10-25T06:00"),
        (OFFICE, "2026-10-23T16:00", 2, "2026-10-26T10:00"),
        # Split shifts over both weekends: the hours are those on the wall, whatever lies between in hours of the day.
        (SPLIT, "2026-03-27T11:00", 2, "2026-03-27T14:00"),
        (SPLIT, "2026-03-27T16:00", 3, "2026-03-30T10:30"),
        (SPLIT, "2026-10-23T16:00", 3, "2026-10-26T10:30"),
        # In 2024 the clock was put forward on Easter Sunday: Good Friday, the change and Easter Monday in one wait.
        (OFFICE, "2024-03-28T16:00", 2, "2024-04-02T10:00"),
        (ROUND_THE_CLOCK, "2024-03-30T12:00", 24, "2024-03-31T13:00"),
    ],
)
def test_a_length_of_working_time_ends_when_the_wall_clock_says(calendar, start, length, end):
    assert calendar.add(at(start), hours(length)) == at(end)
    assert calendar.between(at(start), at(end)) == hours(length)


def test_a_queue_in_another_zone_keeps_its_own_night():
    new_york = Calendar("America/New_York", (*(NINE_TO_FIVE,) * 5, (), ()))
    # Three weeks a year the two clocks change apart: 9 March 2026 is five hours from Berlin, not six.
    assert new_york.add(at("2026-03-09T12:00"), hours(1)) == at("2026-03-09T15:00")
    assert new_york.add(at("2026-04-01T12:00"), hours(1)) == at("2026-04-01T16:00")


def test_a_public_holiday_is_free_where_it_is_one():
    berlin, bavaria = OFFICE, Calendar("Europe/Berlin", OFFICE.hours, "DE", "BY")
    assert bavaria.is_free(date(2026, 1, 6))
    assert not berlin.is_free(date(2026, 1, 6))


def test_days_of_its_own_are_free_too():
    closed = Calendar("Europe/Berlin", OFFICE.hours, dates=frozenset({date(2026, 11, 23)}))
    assert closed.opens_after(at("2026-11-22T12:00")) == at("2026-11-24T09:00")


def test_no_length_takes_no_time_even_at_night():
    assert OFFICE.add(at("2026-11-23T03:00"), timedelta(0)) == at("2026-11-23T03:00")


def test_a_span_past_midnight_and_the_next_day_are_not_counted_twice():
    both = Calendar("UTC", (((1320, 1800),), ((240, 600),), (), (), (), (), ()))
    monday = datetime(2026, 11, 23, 22, tzinfo=UTC)
    assert both.between(monday, monday + timedelta(days=2)) == hours(12)


@given(
    st.sampled_from([OFFICE, SPLIT, NIGHT, EARLY, HALF_PAST_TWO, ROUND_THE_CLOCK]),
    st.integers(0, 3 * 366 * 86_400),
    st.integers(1, 400 * 3600),
    st.integers(1, 40 * 3600),
)
def test_what_is_added_is_what_lies_between(calendar, since_2025, first, second):
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=since_2025)
    end = calendar.add(start, timedelta(seconds=first))
    later = calendar.add(start, timedelta(seconds=first + second))
    assert calendar.between(start, end) == timedelta(seconds=first)
    assert start < end < later
    assert end - start <= calendar.at_most(timedelta(seconds=first))
    assert calendar.between(start, later) == calendar.between(start, end) + calendar.between(end, later)


def test_a_calendar_reads_as_a_sentence():
    assert calendar_words(OFFICE) == "Mon to Fri 09:00–17:00, Europe/Berlin, without the public holidays of DE-BE"
    assert calendar_words(SPLIT) == "Mon to Fri 09:00–12:00 and 13:00–17:30, Europe/Berlin"
    assert calendar_words(NIGHT) == "Mon to Sun 22:00–06:00, Europe/Berlin"
