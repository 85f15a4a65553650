"""The time that people have, and the ladder that is climbed when it is over, as a form. Pure."""

from __future__ import annotations

from typing import Any, Final

from governance.contracts.reading import Reading
from governance.policies.documentrouting import read_service_level
from governance.policies.draftvalues import (
    UNITS,
    Control,
    Document,
    Options,
    Said,
    amount,
    block,
    changed,
    choice,
    iso,
    mapped,
)
from governance.policies.policy import ServiceLevel
from governance.policies.sentences import length, step_sentence

USUAL: Final = "PT24H"
_DOES: Final[Options] = (
    ("remind", "its reviewer is reminded"), ("raise", "it is made more urgent"), ("escalate", "it goes higher"),
    ("reject", "it is rejected, nobody's judgement"), ("release", "it goes out alone, nobody's judgement"),
)  # fmt: skip
_ENDS: Final = ("reject", "release")


def time_controls(name: str, label: str, text: Any, about: str = "") -> tuple[Control, ...]:
    """An amount and its unit."""
    count, unit = amount(text)
    return (Control(name, label, count, help=about), choice(f"{name}-unit", "Unit", unit, UNITS))


def fill_time(home: Document, key: str, name: str, said: Said, usual: str = "") -> None:
    """What the form said of a length of time, into the mapping."""
    count, unit = amount(home.get(key, usual))
    if changed(said, name, count) is not None or changed(said, f"{name}-unit", unit) is not None:
        home[key] = iso(said.get(name, count), said.get(f"{name}-unit", unit))


def step_controls(name: str, step: Any) -> tuple[Control, ...]:
    """When a step of the ladder is climbed, and what happens then."""
    step = mapped(step)
    return (
        *time_controls(f"{name}-after", "After the time is over, wait", step.get("after", "PT0H")),
        choice(f"{name}-do", "Then", _does(step), _DOES),
    )


def fill_step(step: Document, name: str, said: Said) -> None:
    """What the form said of a step, into the mapping."""
    fill_time(step, "after", f"{name}-after", said, "PT0H")
    does = changed(said, f"{name}-do", _does(step))
    if does is None:
        return
    step["do"] = "resolve" if does in _ENDS else does
    step.pop("as", None)
    if does in _ENDS:
        step["as"] = does


def step_words(document: Document, step: Any, risk_tier: str) -> str:
    """The step read back, or what is wrong with it."""
    due_in = block(document, "sla").get("due_in", USUAL)
    reading = Reading()
    found = read_service_level(reading, {"due_in": due_in, "on_breach": [step]}, "", risk_tier)
    if reading.problems:
        return reading.problems[0].detail
    return step_sentence(found.on_breach[0], length(found.due_in))


def due_words(document: Document) -> str:
    """The time that people have, read back; empty where it cannot be read."""
    reading = Reading()
    due_in = reading.length(block(document, "sla"), "due_in", "", default=ServiceLevel().due_in)
    return "" if reading.problems else f"What waits for a person is due in {length(due_in)}."


def next_step(steps: list[Any]) -> Document:
    """A step to add: an hour after the last, a reminder, so that the ladder still climbs."""
    last = mapped(steps[-1]).get("after", "PT0H") if steps else "PT0H"
    reading = Reading()
    hours = reading.length({"after": last}, "after", "", default=ServiceLevel().due_in).total_seconds() / 3600
    return {"after": iso(f"{hours + 1:.0f}" if steps else "0", "hours"), "do": "remind"}


def added(steps: list[Any]) -> None:
    """One more step, before the one that ends the item without a person, which stays the last."""
    ends = bool(steps) and mapped(steps[-1]).get("do") == "resolve"
    place = len(steps) - 1 if ends else len(steps)
    new = next_step(steps[:place])
    if ends:
        new["after"] = mapped(steps[place - 1]).get("after", "PT0H") if place else "PT0H"
    steps.insert(place, new)


def _does(step: Document) -> str:
    """What the step does, in one word: a step that resolves does as what it resolves."""
    does = str(step.get("do", ""))
    return str(step.get("as", does)) if does == "resolve" else does
