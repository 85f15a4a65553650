"""What a log line says, and what it never says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from governance.project import logs, traces

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


PROJECT = Path(__file__).resolve().parents[2]
BEGIN = """
import logging, structlog
from governance.project import logs
logs.configure("json", "INFO")
"""


def _said(program: str) -> dict[str, Any]:
    """The one line that a program of its own logs: pytest has taken over the logging of this one."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    (line,) = done.stderr.splitlines()
    return json.loads(line)


def test_no_payload_is_logged_however_deep_it_lies():
    line = _said(
        "structlog.get_logger('test').info('seen', output='SECRET', "
        "nested={'comment': 'SECRET', 'list': [{'input': 'SECRET'}]}, count=3)"
    )
    assert "SECRET" not in json.dumps(line)
    assert line["count"] == 3
    assert line["output"] == logs.DROPPED


def test_an_exception_is_logged_by_its_type_and_places_and_not_by_its_text():
    line = _said(
        "try:\n    int('SECRET')\nexcept ValueError:\n    logging.getLogger('any.library').exception('it failed')"
    )
    assert "SECRET" not in json.dumps(line)
    assert line["exception"] == "ValueError"
    assert line["where"][0].endswith(" <module>")


@pytest.mark.parametrize("given", ["", None, "short", "a b c d e f g h", "x" * 129, "id\r\nSet-Cookie: a=b", "ä" * 10])
def test_an_unsound_request_id_is_replaced(given):
    assert traces.request_id(given) != given
    assert len(traces.request_id(given)) == 32


def test_a_sound_request_id_is_kept():
    assert traces.request_id("order-8812.retry_2") == "order-8812.retry_2"


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        TRACE.upper(),
        TRACE + "-more",
        TRACE.replace("00-4b", "ff-4b"),
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        " " + TRACE,
        TRACE + "\n",
    ],
)
def test_an_invalid_trace_is_not_taken(given):
    assert traces.traceparent(given) is None


def test_a_trace_goes_on_with_a_parent_of_its_own():
    assert traces.traceparent(TRACE) == TRACE
    assert traces.traceparent("cc" + TRACE[2:] + "-later") == TRACE
    child = traces.child_of(TRACE)
    assert child.split("-")[1] == TRACE.split("-")[1]
    assert child.split("-")[2] != TRACE.split("-")[2]
    assert traces.traceparent(child) == child
    assert traces.traceparent(traces.child_of(None))
