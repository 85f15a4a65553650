"""`/queue/hours/`: when she works, as she says it herself: weekly hours, time off, a pause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance import clock
from governance.contracts.reading import Reading
from governance.models import Absence, Person, Presence
from governance.pages import access
from governance.people import presence
from governance.people.actors import Actor
from governance.policies.documentcalendar import read_calendar
from governance.refusals import Conflict, Invalid, Refused
from governance.worktime import DAY, DAYS, Calendar

REVIEW: Final = "review items"
_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class HoursForm(forms.Form):
    """Weekly hours: a line a day, such as `09:00-12:00, 13:00-17:30`; an empty day is free."""

    zone = forms.CharField(label="Time zone", max_length=64, help_text="such as Europe/Berlin")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day, name in zip(DAYS, _NAMES, strict=True):
            self.fields[day] = forms.CharField(label=name, max_length=80, required=False)


class TimeOffForm(forms.Form):
    first = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Her hours; a POST changes them."""
    access.systems(request, REVIEW)
    person = access.person(request)
    row = Presence.objects.filter(person=person).first()
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            messages.success(request, _STEPS[_asked(request)](request, person, access.actor(request), row))
        except (Conflict, Invalid) as refused:
            refusal = refused
        else:
            return redirect("queue-hours")
    now = clock.now()
    is_hours = request.method == "POST" and request.POST.get("do") == "hours"
    context = {
        "presence": row, "now": now, "refusal": refusal, "word": presence.present([person.pk], now)[person.pk],
        "hours": HoursForm(request.POST if is_hours else None, initial=_written(row)), "off": TimeOffForm(),
        "absences": Absence.objects.filter(person=person, ends_at__gt=now).order_by("begins_at"),
    }  # fmt: skip
    return render(request, "hours.html", context, status=refusal.status if refusal else 200)


def _asked(request: HttpRequest) -> str:
    step = request.POST.get("do", "")
    if step not in _STEPS:
        raise Invalid("Hours can be set or cleared, time off planned or taken back, and a pause begun or ended.")
    return step


def _set_hours(request: HttpRequest, person: Person, by: Actor, row: Presence | None) -> str:
    data = {"time_zone": request.POST.get("zone", ""), "hours": {}}
    for day in DAYS:
        said = [part.strip() for part in request.POST.get(day, "").split(",") if part.strip()]
        if said:
            data["hours"][day] = said  # type: ignore[index]
    reading = Reading()
    calendar = read_calendar(reading, data, "")
    if calendar is None:
        raise reading.refusal("Your hours cannot be read.")
    presence.set_hours(person, calendar, by=by)
    return "Your hours are set."


def _clear_hours(request: HttpRequest, person: Person, by: Actor, row: Presence | None) -> str:
    presence.set_hours(person, None, by=by)
    return "You count as there at any time."


def _pause(request: HttpRequest, person: Person, by: Actor, row: Presence | None) -> str:
    presence.pause(person, by=by)
    return "You are given nothing new until you go on."


def _resume(request: HttpRequest, person: Person, by: Actor, row: Presence | None) -> str:
    presence.resume(person, by=by)
    return "You are given items again."


def _take_off(request: HttpRequest, person: Person, by: Actor, row: Presence | None) -> str:
    form = TimeOffForm(request.POST)
    if not form.is_valid():
        raise Invalid("Time off has a first and a last day.")
    zone = ZoneInfo(row.zone if row else "UTC")
    first, last = form.cleaned_data["first"], form.cleaned_data["last"]
    presence.take_off(person, _midnight(first, zone), _midnight(last + timedelta(days=1), zone), by=by)
    return "Your time off is planned."


def _come_back(request: HttpRequest, person: Person, by: Actor, row: Presence | None) -> str:
    found = next((a for a in Absence.objects.filter(person=person) if str(a.pk) == request.POST.get("absence")), None)
    if found is None:
        raise Conflict("That time off was taken back already.")
    presence.come_back(found, by=by)
    return "That time off is taken back."


_STEPS: Final[dict[str, Callable[[HttpRequest, Person, Actor, Presence | None], str]]] = {
    "hours": _set_hours, "always": _clear_hours, "pause": _pause, "resume": _resume, "off": _take_off,
    "back": _come_back,
}  # fmt: skip


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def _written(row: Presence | None) -> dict[str, str]:
    """Her hours as the form takes them."""
    calendar = row.calendar if row else None
    if calendar is None:
        return {"zone": row.zone if row else "UTC"}
    return {"zone": calendar.zone} | {day: _line(calendar, index) for index, day in enumerate(DAYS)}


def _line(calendar: Calendar, day: int) -> str:
    return ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in calendar.hours[day])


def _clock(minutes: int) -> str:
    return "24:00" if minutes == DAY else f"{minutes % DAY // 60:02}:{minutes % 60:02}"
