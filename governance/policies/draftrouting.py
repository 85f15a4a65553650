"""Routing as a form: where an item goes, the routes that say so, and the queues. A calendar has its text only. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from governance.contracts.reading import Reading
from governance.policies.documentrouting import read_routing
from governance.policies.draftvalues import (
    Control,
    Document,
    Options,
    Said,
    block,
    changed,
    choice,
    free,
    listed,
    mapped,
    put,
    whole,
)
from governance.policies.policy import Destination, Queue
from governance.policies.sentences import queue_sentences

_MODES: Final[Options] = (("pull", "whoever is free takes the next"), ("assign", "each item is handed to a person"))
_SEATS: Final[Options] = (("1", "one person"), ("2", "two people, apart"))
_USUAL: Final = Destination()
_SETTINGS: Final = ("mode", "capacity", "escalates_to", "affinity")


def queue_names(document: Document) -> tuple[str, ...]:
    """The queues there are: those listed and those handed up to, or where none is listed those that routes name."""
    routing = block(document, "routing")
    queues = mapped(routing.get("queues"))
    named = [mapped(one).get("escalates_to") for one in queues.values()]
    if "queues" not in routing:
        named = [mapped(one).get("queue") for one in (routing.get("default"), *listed(routing.get("rules")))]
        named = [*named, _USUAL.queue]
    return tuple(dict.fromkeys(str(name) for name in (*queues, *named) if name))


def destination(data: Any, name: str, queues: Iterable[str]) -> tuple[Control, ...]:
    """The controls of where an item goes."""
    data = mapped(data)
    return (
        choice(f"{name}-queue", "It waits in", _queue(data), tuple((one, one) for one in queues)),
        Control(f"{name}-skills", "With the skills", _skills(data), help="commas between"),
        Control(f"{name}-priority", "Urgency", _text(data, "priority", _USUAL.priority), help="0 to 100"),
        choice(f"{name}-reviewers", "Decided by", _text(data, "reviewers", _USUAL.reviewers), _SEATS),
    )


def fill_destination(data: Document, name: str, said: Said) -> None:
    """What the form said of where an item goes, into the mapping."""
    queue, skills = changed(said, f"{name}-queue", _queue(data)), changed(said, f"{name}-skills", _skills(data))
    if queue is not None:
        data["queue"] = queue.strip()
    if skills is not None:
        put(data, "skills", [one.strip() for one in skills.split(",") if one.strip()] or None)
    for key, usual in (("priority", _USUAL.priority), ("reviewers", _USUAL.reviewers)):
        text = changed(said, f"{name}-{key}", _text(data, key, usual))
        if text is not None:
            put(data, key, whole(text))


def queue_controls(name: str, title: str, data: Any, queues: Iterable[str]) -> tuple[Control, ...]:
    """The controls of one queue."""
    data = mapped(data)
    others = (("", "nobody"), *((one, one) for one in queues if one != title))
    return (
        Control(f"{name}-id", "Name", title),
        choice(f"{name}-mode", "How items find a person", str(data.get("mode", "pull")), _MODES),
        Control(f"{name}-capacity", "Most items a person has", _text(data, "capacity", Queue("").capacity),
                help="where items are handed out"),
        Control(f"{name}-affinity", "Same person for the same", _text(data, "affinity", ""), offers="draft-fields",
                help="a field; may stay empty"),
        choice(f"{name}-escalates_to", "What goes higher goes to", _text(data, "escalates_to", ""), others),
    )  # fmt: skip


def queue_sentence(title: str, data: Any) -> str:
    """The queue read back, or what is wrong with it."""
    reading = Reading()
    found = read_routing(reading, {"default": {"queue": title}, "queues": {title: data}}, "", lambda _, __: None)
    if reading.problems:
        return reading.problems[0].detail
    return " ".join(queue_sentences(found.named(title))) or f"In {title} whoever is free takes the next item."


def fill_queues(routing: Document, said: Said) -> None:
    """What the form said of the queues. A new name is put wherever the old one stands."""
    queues = mapped(routing.get("queues"))
    renamed: dict[str, str] = {}
    for number, (title, data) in enumerate(list(queues.items())):
        name = f"queue-{number}"
        own = dict(mapped(data))
        for key in _SETTINGS:
            usual = {"mode": "pull", "capacity": Queue("").capacity}.get(key, "")
            text = changed(said, f"{name}-{key}", _text(own, key, usual))
            if text is not None:
                put(own, key, whole(text) if key == "capacity" else text.strip())
        if own != mapped(data):
            queues[title] = own
        other = changed(said, f"{name}-id", title)
        if other is not None and other.strip() and other.strip() not in queues:
            renamed[title] = other.strip()
    if renamed:
        _rename(routing, queues, renamed)


def added(routing: Document, known: Iterable[str]) -> None:
    """One more queue; where none was listed, those that routes name are from now on."""
    queues = routing.setdefault("queues", {name: {} for name in known})
    queues[free("queue", list(queues))] = {}


def _rename(routing: Document, queues: Document, renamed: dict[str, str]) -> None:
    routing["queues"] = {renamed.get(title, title): data for title, data in queues.items()}
    for home in (routing.get("default"), *listed(routing.get("rules")), *queues.values()):
        for key in ("queue", "escalates_to"):
            if isinstance(home, dict) and home.get(key) in renamed:
                home[key] = renamed[home[key]]


def _queue(data: Document) -> str:
    return str(data.get("queue", _USUAL.queue))


def _skills(data: Document) -> str:
    return ", ".join(str(one) for one in listed(data.get("skills")))


def _text(data: Document, key: str, usual: Any) -> str:
    return str(data.get(key, usual))


def read_destination(data: Document) -> Destination | None:
    """Where an item goes, as a policy would read it; None where it cannot be read."""
    reading = Reading()
    own = {key: value for key, value in data.items() if key in ("queue", "skills", "priority", "reviewers")}
    found = read_routing(reading, {"default": own}, "", lambda _, __: None)
    return None if reading.problems else found.default
