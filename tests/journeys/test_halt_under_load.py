"""The stop button under load: two processes send some hundred outputs a second while somebody halts the system."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from governance.models import Output, System
from governance.policies import halting
from tests import cast

pytestmark = [pytest.mark.journey, pytest.mark.slow]
SECONDS, A_SECOND = 8, 250  # of each of the two processes

# One process sends single outputs, as producers do, the other chunks, as an import does.
PRODUCER = """
import sys, time
from governance.models import System
from governance.people.actors import machine
from reviews.intake import accept, bodies
system, by, chunk, until, sent = System.objects.get(), machine("load"), {chunk}, time.monotonic() + {seconds}, 0
began = time.monotonic()
while time.monotonic() < until:
    raw = [b'{{"system":"digits","external_id":"%b-%d","input":{{}},"output":{{"digit":7}},"confidence":0.99}}'
           % (b"{chunk}", sent + n) for n in range(chunk)]
    accept([bodies.read(one) for one in raw], system=system, actor=by)
    sent += chunk
    time.sleep(max(0.0, began + sent / {rate} - time.monotonic()))
print(sent)
"""


def test_nothing_is_released_a_second_after_a_halt(committed_db: str, committed_environment: dict[str, str]) -> None:
    system = cast.system(audit={"rate": 0})
    lead = cast.acting(cast.carol(), system)
    producers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c",
             PRODUCER.format(chunk=chunk, seconds=SECONDS, rate=A_SECOND)],
            cwd=Path(__file__).parents[2], env=committed_environment | {"LOG_LEVEL": "ERROR"}, stdout=subprocess.PIPE,
        ) for chunk in (1, 50)
    ]  # fmt: skip
    try:
        _until(lambda: Output.objects.filter(external_id__startswith="1-").count() > 200)
        _until(lambda: Output.objects.filter(external_id__startswith="50-").count() > 200)
        halting.halt(System.objects.get(), by=lead, because="It reads sevens as ones.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (committed,) = cursor.fetchone()
        sent = [int(process.communicate(timeout=60)[0]) for process in producers]
    finally:
        for process in producers:
            process.kill()
    assert [process.returncode for process in producers] == [0, 0]
    assert Output.objects.count() == sum(sent)
    # Judged by the clock of the machine that judged, which here is the one of the database too.
    late = Output.objects.filter(received_at__gt=committed).order_by("received_at")
    assert late.count() > 200
    released = [(output.received_at - committed).total_seconds() for output in late.filter(lane="release")]
    assert max(released, default=0) < 1
    assert set(late.exclude(lane="release").values_list("rule", flat=True)) == {"halt"}


def _until(holds: object, seconds: float = 60 if os.environ.get("CI") else 40) -> None:
    ends = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < ends, "The load did not start."
        time.sleep(0.05)
