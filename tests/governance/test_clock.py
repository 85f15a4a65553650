"""Whatever is dated is dated by PostgreSQL's clock, also in a process whose own is wrong."""

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections

from governance import clock
from governance.models import Entry, Output
from governance.people.actors import CONSOLE
from reviews import intake
from reviews.models import Item
from tests import cast
from tests.reviews.intake.sent import body

PROJECT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Who reads the machine's own clock, and why it may.
_OWN_CLOCK = {
    "governance/evidence/witness.py": "a witness has no database: its cosignature says its own time",
    "governance/people/sign_in.py": "how long ago a sign-in was, which the sessions date by the same clock",
    "governance/project/beat.py": "whether that clock was set",
}


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The steady clock, standing at what the list holds; nothing has been heard yet."""
    stands = [100.0]
    monkeypatch.setattr(clock, "steady", lambda: stands[0])
    monkeypatch.setattr(clock, "_heard", None)
    monkeypatch.setattr(clock, "_latest", 0)
    return stands


def test_it_goes_on_from_what_postgresql_said_last(steady: list[float]) -> None:
    clock.hear(NOON, asked=100.0)
    steady[0] += 90
    assert clock.now() == NOON + timedelta(seconds=90)


def test_a_slow_answer_does_not_make_a_good_clock_worse(steady: list[float]) -> None:
    clock.hear(NOON, asked=100.0)
    steady[0] += 40  # said at once, and 40 s on the way
    clock.hear(NOON, asked=100.0)
    assert clock.now() == NOON + timedelta(seconds=40)


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)])
def test_it_follows_when_postgresqls_clock_is_set(steady: list[float], by: timedelta) -> None:
    clock.hear(NOON, asked=100.0)
    clock.hear(NOON + by, asked=100.0)
    assert clock.now() == NOON + by
    assert _time_in(clock.new_id()) == NOON + by


def test_ids_tell_the_time_and_each_is_later_than_the_one_before(steady: list[float]) -> None:
    clock.hear(NOON, asked=100.0)
    made = [clock.new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {(id.version, id.variant) for id in made} == {(7, made[0].variant)}
    assert _time_in(made[0]) == NOON
    assert timedelta() < _time_in(made[-1]) - NOON < timedelta(milliseconds=10)


@pytest.mark.django_db
@pytest.mark.parametrize("lines", [1, 3], ids=["alone", "in a batch"])
@pytest.mark.parametrize("hours", [1, -1])
def test_an_output_is_not_judged_at_a_time_that_is_not_postgresqls(
    lines: int, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = cast.system(threshold={"default": 0.5})
    began = clock.read()
    assert clock._heard is not None
    monkeypatch.setattr(clock, "_heard", clock._heard + hours * 3600)
    taken = intake.accept([body(f"n{n}", confidence=0.2) for n in range(lines)], system=system, actor=CONSOLE)
    ended = clock.read()
    assert all(isinstance(each, intake.Taken) and each.is_new for each in taken)
    judged = Entry.objects.filter(type="judged")
    times = [*judged.values_list("at", flat=True), *Output.objects.values_list("received_at", flat=True)]
    times += Item.objects.values_list("created_at", flat=True)
    assert len(times) == 3 * lines
    assert all(began <= at <= ended for at in times)


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="the clock is set by a C library")
@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_process_whose_wall_clock_is_an_hour_wrong_dates_everything_right(
    committed_environment: dict[str, str], tmp_path: Path, seconds: int
) -> None:
    library, shift = tmp_path / "clock.so", tmp_path / "clock"
    source = PROJECT / "tests" / "faults" / "clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    shift.write_bytes(seconds.to_bytes(8, sys.byteorder, signed=True))
    wrong = {"LD_PRELOAD": str(library), "FAULT_CLOCK": str(shift)}
    began = clock.read()
    ran = subprocess.run(
        [sys.executable, "-c", _SITTING], env=committed_environment | wrong, cwd=PROJECT, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    ended = clock.read()
    entries = list(Entry.objects.values_list("type", "at", "id"))
    assert {"judged", "activated", "halted", "claimed", "decided"} <= {type for type, _, _ in entries}
    late = timedelta(milliseconds=1)  # an id counts whole ones
    assert [type for type, at, id in entries if not began <= at <= ended] == []
    assert [type for type, _, id in entries if not began - late <= _time_in(id) <= ended] == []
    assert abs(datetime.fromisoformat(ran.stdout.strip()) - began).total_seconds() > 3000  # its clock was wrong indeed
    connections.close_all()


_SITTING = """
import django
django.setup()
from django.utils import timezone
from governance.people.actors import CONSOLE
from governance.policies import halting
from reviews import intake, queue
from reviews.decisions.deciding import decide
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.intake.sent import body
print(timezone.now().isoformat())
system = cast.system(threshold={"default": 0.5})
intake.accept([body("alone", confidence=0.2)], system=system, actor=CONSOLE)
intake.accept([body(f"n{n}", confidence=n / 10) for n in range(10)], system=system, actor=CONSOLE)
while route_waiting():
    pass
alice = cast.acting(cast.alice())
claim = queue.claim_next(alice)
decide(alice, item=claim.item, token=claim.token, verdict="approve")
claim = queue.claim_next(alice)
queue.skip(alice, claim.item, claim.token, "I know this customer.")
halting.halt(system, by=cast.acting(cast.carol(), system), because="Try it.")
"""


def _time_in(id: object) -> datetime:
    return NOON.fromtimestamp((int(str(id).replace("-", ""), 16) >> 80) / 1000, UTC)


def test_nothing_reads_the_machines_own_clock_but_what_says_why() -> None:
    own = re.compile(r"\b(?:timezone|datetime)\.(?:now|utcnow|today)\b|\bdate\.today\b|(?<!\.)\btime\.time\(|\buuid7\(")
    found = {
        str(path.relative_to(PROJECT))
        for part in ("governance", "reviews")
        for path in (PROJECT / part).rglob("*.py")
        if "migrations" not in path.parts and own.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(_OWN_CLOCK)
