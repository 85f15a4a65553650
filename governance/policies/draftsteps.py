"""The buttons of the editor: what each makes of the document, where the keyboard is then, and where a mistake is told.
Pure.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any, Final

from governance.policies import draftconditions, draftrouting, draftservice
from governance.policies.draftvalues import Document, block, free, listed, mapped, swapped
from governance.refusals import Invalid, Problem

NOUNS: Final = ("rule", "segment", "route", "queue", "step")
_HOMES: Final = {
    "rule": ("", "rules"), "segment": ("threshold", "segments"), "route": ("routing", "rules"),
    "step": ("sla", "on_breach"),
}  # fmt: skip
_BUTTON: Final = re.compile(r"(?P<noun>[a-z]+)-(?P<place>\d{1,4})(?P<path>(?:-\d{1,4})*)-(?P<verb>[a-z]+)", re.ASCII)
_TOKEN: Final = re.compile(r'\["(?P<quoted>.*?)"\]|\[(?P<place>\d+)\]|(?P<plain>[^.\[\]]+)')
_PLAIN: Final = {
    "threshold.default": "threshold", "audit.rate": "audit_rate", "risk.target": "target", "sla.due_in": "due_in",
}  # fmt: skip
_LISTS: Final = {
    ("rules",): "rule", ("threshold", "segments"): "segment", ("routing", "rules"): "route",
    ("sla", "on_breach"): "step",
}  # fmt: skip


def stepped(document: Document, step: str) -> Document:
    """The document after a button: `rule-add`, `rule-2-up`, `rule-2-down`, `rule-2-remove`, `rule-2-ask`,
    `rule-2-group` and `rule-2-0-1-drop` (up, down, wrap, out, ask, group), and the same of segments, routes, queues and
    steps. Raises Invalid for a button that there is not."""
    new = deepcopy(document)
    noun = step.removesuffix("-add")
    if step.endswith("-add") and noun in NOUNS:
        _add(new, noun)
        return new
    button = _BUTTON.fullmatch(step)
    if button is None or button["noun"] not in NOUNS:
        raise Invalid("There is no such button.")
    place, verb, path = int(button["place"]), button["verb"], _path(button["path"])
    if button["noun"] == "queue":
        _drop_queue(new, place, verb, path)
        return new
    parts = _home(new, button["noun"])
    if place >= len(parts):
        raise Invalid("This part is not there any more.")
    if verb in ("up", "down") and not path:
        swapped(parts, place, verb)
    elif verb == "remove" and not path:
        del parts[place]
    elif button["noun"] != "step" and isinstance(parts[place], dict):
        parts[place]["when"] = draftconditions.stepped(parts[place].get("when"), path, verb)
    else:
        raise Invalid("There is no such button.")
    return new


def focus(document: Document, step: str) -> str:
    """The control that has the keyboard after the button, in the document that it made; "" when it is not one."""
    noun = step.removesuffix("-add")
    if step.endswith("-add") and noun in NOUNS:
        last = max(_count(document, noun) - 1, 0)
        return f"{noun}-{last}-{'after' if noun == 'step' else 'id'}"
    button = _BUTTON.fullmatch(step)
    if button is None:
        return ""
    noun, place, verb, path = button["noun"], int(button["place"]), button["verb"], _path(button["path"])
    if verb == "remove":
        return f"{noun}-add"
    if verb in ("up", "down"):
        whole = [place, *path]
        last = _count(document, noun) if not path else _parts(document, noun, place, path[:-1])
        whole[-1] = min(max(whole[-1] + (1 if verb == "down" else -1), 0), max(last - 1, 0))
        return "-".join((noun, *map(str, whole), verb))
    at = "-".join((noun, str(place), *map(str, path)))
    outer = at.rpartition("-")[0]
    if verb in ("ask", "group"):
        new = f"{at}-{max(_parts(document, noun, place, path) - 1, 0)}"
        return f"{new}-field" if verb == "ask" else f"{new}-joined"
    if verb == "out" or (verb == "drop" and not _parts(document, noun, place, path[:-1])):
        outer = outer.rpartition("-")[0]
    return f"{at}-joined" if verb == "wrap" else f"{outer}-ask" if verb in ("drop", "out") else ""


def at_field(problem: Problem, document: Document | None = None) -> str:
    """The name of the control that a problem belongs to; "" for what only the text form can mend."""
    pointer = problem.pointer.removeprefix("policy.")
    if pointer in _PLAIN:
        return _PLAIN[pointer]
    tokens = [match["quoted"] or match["place"] or match["plain"] for match in _TOKEN.finditer(pointer)]
    if tokens[:2] == ["routing", "default"]:
        return f"to-{tokens[2]}" if len(tokens) > 2 else "to-queue"
    if tokens[:2] == ["routing", "queues"] and len(tokens) > 2:
        names = list(mapped(block(document or {}, "routing").get("queues")))
        key = tokens[3] if len(tokens) > 3 and tokens[3] != "calendar" else "id"
        return f"queue-{names.index(tokens[2])}-{key}" if tokens[2] in names else ""
    for start, noun in _LISTS.items():
        if tuple(tokens[: len(start)]) == start and len(tokens) > len(start):
            name, rest = f"{noun}-{tokens[len(start)]}", tokens[len(start) + 1 :]
            if rest[:1] == ["when"]:
                return draftconditions.control_of(iter(rest[1:]), name)
            usual = "after" if noun == "step" else "id"
            return f"{name}-{ {'as': 'do'}.get(rest[0], rest[0]) if rest else usual }"
    return ""


def _add(document: Document, noun: str) -> None:
    if noun == "queue":
        known = draftrouting.queue_names(document)
        draftrouting.added(block(document, "routing", make=True), known)
        return
    parts = _home(document, noun)
    if noun == "step":
        draftservice.added(parts)
        return
    taken = [mapped(one).get("id") for one in parts]
    made: Document = {"id": free(noun, taken), "when": {"all": [{"field": "confidence", "op": "lt", "value": 0.5}]}}
    queue = mapped(block(document, "routing").get("default")).get("queue", "general")
    more: dict[str, Document] = {"rule": {"then": "review"}, "segment": {"threshold": 1}, "route": {"queue": queue}}
    parts.append(made | more[noun])


def _drop_queue(document: Document, place: int, verb: str, path: tuple[int, ...]) -> None:
    queues = mapped(block(document, "routing").get("queues"))
    if verb != "remove" or path or place >= len(queues):
        raise Invalid("This queue is not there any more.")
    del queues[list(queues)[place]]
    if not queues:
        del document["routing"]["queues"]


def _home(document: Document, noun: str) -> list[Any]:
    """The list that holds the parts of a kind, put in where there is none."""
    outer, key = _HOMES[noun]
    home = block(document, outer, make=True) if outer else document
    parts = home.setdefault(key, [])
    if not isinstance(parts, list):
        raise Invalid("This can be mended in the text form only.")
    return parts


def _count(document: Document, noun: str) -> int:
    if noun == "queue":
        return len(mapped(block(document, "routing").get("queues")))
    outer, key = _HOMES[noun]
    return len(listed((block(document, outer) if outer else document).get(key)))


def _parts(document: Document, noun: str, place: int, path: tuple[int, ...]) -> int:
    outer, key = _HOMES[noun]
    parts = listed((block(document, outer) if outer else document).get(key))
    return draftconditions.parts_at(mapped(parts[place]).get("when"), path) if place < len(parts) else 0


def _path(text: str) -> tuple[int, ...]:
    return tuple(int(place) for place in text.split("-") if place)
