"""Request ids and W3C Trace Context: taken from a caller where they are sound, made where not, passed on to tasks.

Source of the format: https://www.w3.org/TR/trace-context/ (version 00).
"""

import re
import secrets
from collections.abc import Mapping

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
# What is bound for a request, and travels with the tasks that it causes.
CARRIED = ("request_id", "traceparent")


def request_id(given: str | None) -> str:
    """The caller's request id when it is 8 to 128 letters, digits, dots, dashes or underscores; else one of our own."""
    return given if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def traceparent(given: str | None) -> str | None:
    """The caller's `traceparent` when it is valid, in the form of version 00; None for anything else."""
    match = _TRACEPARENT.fullmatch(given or "")
    if match is None:
        return None
    version, trace, parent, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace, 16) or not int(parent, 16):
        return None
    return f"00-{trace}-{parent}-{flags}"


def child_of(parent: str | None) -> str:
    """A `traceparent` for the next hop: the same trace with a new parent id, or a new trace where there is none."""
    trace, flags = (parent.split("-")[1], parent.split("-")[3]) if parent else (secrets.token_hex(16), "00")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"


def carried(context: Mapping[str, object]) -> dict[str, str]:
    """The part of a logging context that goes along in the headers of a task."""
    return {key: str(context[key]) for key in CARRIED if context.get(key)}
