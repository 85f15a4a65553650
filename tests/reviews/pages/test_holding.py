"""Until when an item is held, by the three buttons."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.http import QueryDict

from governance.refusals import Invalid
from reviews.pages.desk.holding import until

LATE = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


def test_an_hour_is_meant_when_nothing_is_said() -> None:
    assert until(QueryDict(""), LATE) == until(QueryDict("until=hour"), LATE) == LATE + timedelta(hours=1)


def test_tomorrow_is_the_next_day_of_utc_wherever_the_clock_stands() -> None:
    nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert until(QueryDict("until=morning"), LATE) == nine
    assert until(QueryDict("until=morning"), LATE.astimezone(timezone(timedelta(hours=5)))) == nine


def test_three_days_are_seventy_two_hours_and_anything_else_is_refused() -> None:
    assert until(QueryDict("until=days"), LATE) - LATE == timedelta(hours=72)
    with pytest.raises(Invalid):
        until(QueryDict("until=never"), LATE)
