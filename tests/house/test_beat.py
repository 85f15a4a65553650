"""The scheduler goes on calling whatever becomes of the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery

from governance.project import beat


class Clock:
    """A wall clock that can be set, and time that passes."""

    def __init__(self) -> None:
        self.passed, self.ahead = 1000.0, 0.0

    def time(self) -> float:
        return 1_700_000_000 + self.passed + self.ahead

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(beat, "time", clock)
    return clock


@pytest.fixture
def scheduler(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> beat.Steady:
    def now() -> datetime:
        return datetime.fromtimestamp(clock.time(), tz=UTC)

    app = Celery("clocks", set_as_current=False, broker="memory://")
    app.conf.beat_schedule = {
        name: {"task": name, "schedule": every} for name, every in (("often", 1.0), ("seldom", 5.0))
    }
    monkeypatch.setattr(app, "now", now)
    made = beat.Steady(app, lazy=True)
    made.setup_schedule()
    made.schedule.pop("celery.backend_cleanup", None)
    for entry in made.schedule.values():
        monkeypatch.setattr(entry.schedule, "nowfun", now)
        monkeypatch.setattr(type(entry), "default_now", lambda _: now())
        entry.last_run_at = now()
    return made


def called(scheduler: beat.Steady, clock: Clock, monkeypatch: pytest.MonkeyPatch, seconds: float) -> dict[str, int]:
    """How often each entry was called while so much time passed."""
    counts = {"often": 0, "seldom": 0}

    def count(entry, **_):
        counts[entry.name] += 1

    monkeypatch.setattr(scheduler, "apply_entry", count)
    until = clock.passed + seconds
    while clock.passed < until:
        clock.passed += max(min(scheduler.tick(), 1.0), 0.01)
    return counts


@pytest.mark.parametrize("by", [timedelta(hours=1), -timedelta(hours=1)])
def test_an_hour_set_and_set_right_again_puts_nothing_off(by, scheduler, clock, monkeypatch):
    before = called(scheduler, clock, monkeypatch, 30)
    clock.ahead = by.total_seconds()
    during = called(scheduler, clock, monkeypatch, 30)
    clock.ahead = 0.0
    after = called(scheduler, clock, monkeypatch, 30)
    for counts in (before, during, after):
        assert 20 <= counts["often"] <= 32
        assert 4 <= counts["seldom"] <= 7
