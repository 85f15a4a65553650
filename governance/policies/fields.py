"""The places of an output that a condition can read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final, Literal

from governance.contracts import pointer
from governance.contracts.values import MISSING
from governance.policies.candidate import Candidate

Holds = Literal["any", "confidence", "text", "whole", "boolean"]
Reader = Callable[[Candidate], Any]
BODIES: Final = ("input", "output", "attributes")
LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field: its canonical name, what it holds, whether it can be missing, how it is read (MISSING when absent)."""

    name: str
    segments: tuple[str, ...]
    holds: Holds
    can_be_missing: bool
    read: Reader = field(compare=False, repr=False)


def parse(name: Any) -> FieldPath:
    """The field of a dotted name. Raises ValueError with a sentence."""
    if not isinstance(name, str) or not name:
        raise ValueError("A field is a dotted name such as output.intent.")
    if len(name) > LONGEST:
        raise ValueError(f"A field's name is at most {LONGEST} characters long.")
    segments = pointer.split_field(name)
    known = _KNOWN.get(segments)
    if known is not None:
        return known
    if segments[0] not in BODIES or len(segments) < 2:
        raise ValueError(
            "Known fields are confidence, input.*, output.*, attributes.*, model, model_version, prompt_version, "
            "received.hour, received.weekday and contract.breached."
        )
    return FieldPath(pointer.join_field(segments), segments, "any", True, _body_reader(segments))


def _body_reader(segments: tuple[str, ...]) -> Reader:
    root, first, rest = segments[0], segments[1], segments[2:]

    def direct(body: Any) -> Any:
        return body.get(first, MISSING) if type(body) is dict else pointer.get(body, (first,))

    def from_input(candidate: Candidate) -> Any:
        return direct(candidate.input)

    def from_output(candidate: Candidate) -> Any:
        return direct(candidate.output)

    def from_attributes(candidate: Candidate) -> Any:
        return direct(candidate.attributes)

    reader = {"input": from_input, "output": from_output, "attributes": from_attributes}[root]
    if not rest:
        return reader
    return lambda candidate: pointer.get(reader(candidate), rest)


def _confidence(candidate: Candidate) -> Any:
    return MISSING if candidate.confidence is None else candidate.confidence


def _stated(name: str) -> Reader:
    def read(candidate: Candidate) -> Any:
        value = getattr(candidate, name)
        return MISSING if value is None else value

    return read


def _hour(candidate: Candidate) -> int:
    return candidate.received_at.astimezone(UTC).hour


def _weekday(candidate: Candidate) -> int:
    return candidate.received_at.astimezone(UTC).isoweekday()


def _breached(candidate: Candidate) -> bool:
    return bool(candidate.problems)


_KNOWN: Final = {
    path.segments: path
    for path in (
        FieldPath("confidence", ("confidence",), "confidence", True, _confidence),
        FieldPath("model", ("model",), "text", True, _stated("model")),
        FieldPath("model_version", ("model_version",), "text", True, _stated("model_version")),
        FieldPath("prompt_version", ("prompt_version",), "text", True, _stated("prompt_version")),
        FieldPath("received.hour", ("received", "hour"), "whole", False, _hour),
        FieldPath("received.weekday", ("received", "weekday"), "whole", False, _weekday),
        FieldPath("contract.breached", ("contract", "breached"), "boolean", False, _breached),
    )
}
