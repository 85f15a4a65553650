"""How a system file names a queue's calendar, and what it refuses."""

from datetime import date, timedelta
from typing import Any

import pytest

from governance.policies.document import parse_policy
from governance.policies.sentences import policy_sentences
from governance.refusals import Invalid

BERLIN: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "hours": {"mon-thu": ["09:00-12:00", "13:00-17:30"], "fri": "09:00-12:00"},
    "holidays": {"country": "DE", "subdivision": "BE", "dates": ["2026-12-24"]},
}


def policy(calendar: Any, **sla: Any) -> dict[str, Any]:
    return {
        "threshold": {"default": 0.9},
        "routing": {"default": {"queue": "cards"}, "queues": {"cards": {"calendar": calendar}}},
        "sla": {"due_in": "PT4H", **sla},
    }


def test_a_queue_names_its_calendar() -> None:
    calendar = parse_policy(policy(BERLIN)).routing.named("cards").calendar
    assert calendar is not None
    assert calendar.hours[0] == ((540, 720), (780, 1050))
    assert calendar.hours[4] == ((540, 720),)
    assert calendar.hours[5:] == ((), ())
    assert (calendar.zone, calendar.country, calendar.subdivision) == ("Europe/Berlin", "DE", "BE")
    assert calendar.dates == {date(2026, 12, 24)}
    assert calendar.weekly == timedelta(hours=33)


def test_whoever_signs_reads_when_the_queue_works() -> None:
    said = policy_sentences(parse_policy(policy(BERLIN)))
    assert any(
        "In queue cards only working time counts: Mon to Thu 09:00–12:00 and 13:00–17:30; Fri 09:00–12:00" in clause
        for clause in said
    )


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"time_zone": "Berlin"}, "time_zone", "no time zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "no time zone"),
        ({"hours": {"monday": "09:00-17:00"}}, "hours.monday", "a range such as mon-fri"),
        ({"hours": {"mon-fri": "9-17"}}, "hours.mon-fri", "09:00-17:30"),
        ({"hours": {"mon-fri": ["09:00-13:00", "12:00-17:00"]}}, "hours.mon-fri", "overlap"),
        ({"hours": {"mon-fri": "09:00-17:00", "wed": "09:00-12:00"}}, "hours.wed", "twice"),
        ({"hours": {"mon": []}}, "hours", "work at some time"),
        ({"hours": {}}, "hours", "work at some time"),
        ({"holidays": {"country": "XX"}}, "holidays.country", "No holidays are known"),
        ({"holidays": {"country": "DE", "subdivision": "ZZ"}}, "holidays.subdivision", "no such subdivision"),
        ({"holidays": {"dates": ["24.12.2026"]}}, "holidays.dates[0]", "2026-12-24"),
        ({"holiday": {}}, "holiday", "Did you mean holidays?"),
    ],
)
def test_a_wrong_calendar_is_refused_with_its_place(change: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_policy(policy(BERLIN | change))
    problem = refusal.value.errors[0]
    assert problem.pointer.endswith(f"routing.queues.cards.calendar.{path}")
    assert words in problem.detail


def test_a_service_level_that_would_take_years_of_working_time_is_refused() -> None:
    with pytest.raises(Invalid, match="works too little"):
        parse_policy(policy({"time_zone": "UTC", "hours": {"mon": "09:00-10:00"}}, due_in="P30D"))


def test_affinity_names_a_field() -> None:
    document = policy(BERLIN)
    document["routing"]["queues"]["cards"]["affinity"] = "attributes.customer"
    assert parse_policy(document).routing.named("cards").affinity == "attributes.customer"
    document["routing"]["queues"]["cards"]["affinity"] = "customer"
    with pytest.raises(Invalid, match="Known fields"):
        parse_policy(document)
