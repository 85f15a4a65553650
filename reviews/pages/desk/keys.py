"""The keys of the workbench: what each does, which ones this person has, and which would be too many for one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.models import Person
from governance.refusals import Invalid, Problem

# What a key does: its name, the key that everybody has at first, what the sheet says of it.
ACTIONS: Final = (
    ("approve", "a", "approve the AI's answer"), ("override", "e", "override: another answer"),
    ("reject", "r", "reject: no answer is usable"), ("skip", "s", "skip"),
    ("hold", "h", "hold: 1 an hour, 2 until tomorrow, 3 three days"), ("escalate", "g", "escalate"),
    ("undo", "u", "undo the last decision, skip or hold, or correct a decision"),
    ("enlarge", "+", "zoom in"), ("reduce", "-", "zoom out"), ("contrast", "c", "contrast"), ("invert", "i", "invert"),
    ("blur", "b", "blur pictures, and back"),
)  # fmt: skip
USUAL: Final[Mapping[str, str]] = {name: key for name, key, _ in ACTIONS}
_FIXED: Final = (
    ("1 to 0", "the answer or reason with that key"), ("Ctrl Enter", "send what is typed"),
    ("Esc", "close what was opened"),
)  # fmt: skip
_TAKEN: Final = {
    "?": "The question mark opens the list of keys.",
    **dict.fromkeys("0123456789", "Digits choose answers and reasons."),
}


def bound(person: Person) -> dict[str, str]:
    """The key of each action for this person; "" for one that has none."""
    own = person.desk_keys if isinstance(person.desk_keys, dict) else {}
    taken = {key for name, key in own.items() if name in USUAL}
    free = {name: "" if key in taken else key for name, key in USUAL.items()}
    return {name: str(own.get(name, free[name])) for name in USUAL}


def read(data: Mapping[str, str]) -> dict[str, str]:
    """The keys that a posted form gives to the actions. Raises Invalid with the place of each that cannot be."""
    said = {name: _plain(str(data.get(name, ""))) for name in USUAL}
    words = {name: word.split(":")[0] for name, _, word in ACTIONS}
    problems = []
    for name, key in said.items():
        others = [words[other] for other, its in said.items() if other != name and its == key]
        if len(key) != 1 or not key.isprintable() or key.isspace():
            detail = "This is one sign of your keyboard."
        elif key in _TAKEN:
            detail = f"{_TAKEN[key]} Choose another key."
        elif others:
            detail = f"{key.upper()} cannot also be the key of “{others[0]}”. Choose another key for one of them."
        else:
            continue
        problems.append(Problem(f"/{name}", "key-taken" if others else "not-a-key", detail))
    if problems:
        raise Invalid("The keys stay as they were. " + problems[0].detail, errors=problems)
    return {name: key for name, key in said.items() if key != USUAL[name]}


def sheet(keys: Mapping[str, str], *, only: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The rows of the `?` sheet: those of `only`, else of every action, and what cannot be changed."""
    rows = [
        {"key": keys[name].upper(), "word": word} for name, _, word in ACTIONS if keys[name] and name in (only or USUAL)
    ]
    return [*rows, *({"key": key, "word": word} for key, word in _FIXED)]


def _plain(text: str) -> str:
    return text.strip().lower().replace("\u2212", "-")
