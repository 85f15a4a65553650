"""A conversation: who said what, in the shapes in which chats are kept. What is no conversation is left to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from governance.contracts.masking import MASK
from reviews.pages.showing.foreign import Text, as_json, text

MOST_TURNS: Final = 400
_LONG: Final = 1_600
_SPEAKERS: Final = ("role", "who", "from", "speaker", "author", "sender")
_CONTENTS: Final = ("content", "text", "value", "message")
_SIDES: Final = {
    "customer": "customer", "user": "customer", "human": "customer", "client": "customer", "caller": "customer",
    "agent": "agent", "assistant": "agent", "ai": "agent", "bot": "agent", "gpt": "agent", "model": "agent",
    "system": "system", "developer": "system", "tool": "tool", "function": "tool", "ipython": "tool",
}  # fmt: skip
# What the formats carry that says nothing to a reader unless it says something.
_SILENT: Final[tuple[Any, ...]] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a turn. `is_machine` for what a program wrote or reads; `label` says what it is, "" for speech."""

    text: Text
    is_machine: bool = False
    label: str = ""
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: the speaker as named, on which `side` ("customer", "agent", "system", "tool", ""), and the pieces.
    `is_long` asks for a box of its own."""

    who: Text
    side: str
    blocks: tuple[Block, ...]
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    title: str
    turns: tuple[Turn, ...]
    kind: str = "conversation"

    @property
    def plain(self) -> str:
        return "\n".join(f"{turn.who.plain}: {' '.join(b.text.plain for b in turn.blocks)}" for turn in self.turns)


def conversation(schema: dict[str, Any], value: Any, title: str) -> Conversation | None:
    """The turns of an array of {role, content} and its kin, tool messages included; None for anything else.

    Every member of a turn is shown: what the formats do not name stands below the turn as JSON.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_TURNS:
        return None
    turns = []
    for each in value:
        turn = _turn(each)
        if turn is None:
            return None
        turns.append(turn)
    return Conversation(title, tuple(turns))


def _turn(turn: Any) -> Turn | None:
    if not isinstance(turn, dict):
        return None
    by = next((name for name in _SPEAKERS if isinstance(turn.get(name), str) and turn[name].strip()), None)
    where = next((name for name in _CONTENTS if name in turn), None)
    called = _called(turn)
    if by is None or (where is None and not called):
        return None
    side = _SIDES.get(turn[by].strip().lower(), "")
    said = _said(turn[where], side == "tool") if where else []
    if said is None:
        return None
    rest = {
        name: member for name, member in turn.items()
        if name not in (by, where, "name", "tool_calls", "function_call") and member not in _SILENT
    }  # fmt: skip
    blocks = [*said, *called, *([Block(text(as_json(rest)), True, "also sent")] if rest else [])]
    size = sum(len(segment.text) for block in blocks for segment in block.text.segments)
    return Turn(_who(turn, turn[by], side), side, tuple(blocks), is_long=size > _LONG)


def _who(turn: dict[str, Any], role: str, side: str) -> Text:
    shown = role[:1].upper() + role[1:] if side else role
    name = turn.get("name")
    return text(f"{shown} {name}"[:120] if isinstance(name, str) and name else shown[:120])


def _said(content: Any, is_machine: bool) -> list[Block] | None:
    """The pieces of what a turn says; None for what no chat format has."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Block(text(content), is_machine, is_masked=content == MASK)]
    if not isinstance(content, list) or not all(isinstance(part, (str, dict)) for part in content):
        return None
    blocks = []
    for part in content:
        inner = part if isinstance(part, str) else _words(part)
        if inner is not None:
            blocks.append(Block(text(inner), is_machine))
        else:
            blocks.append(Block(text(as_json(part)), True, _kind(part)))
    return blocks


def _words(part: dict[str, Any]) -> str | None:
    """The words of a part that is nothing but words."""
    said = part.get("text")
    return said if isinstance(said, str) and set(part) <= {"type", "text"} else None


def _kind(part: dict[str, Any]) -> str:
    kind = part.get("type")
    return text(kind[:40]).plain if isinstance(kind, str) else ""


def _called(turn: dict[str, Any]) -> list[Block]:
    """The tools that a turn calls; a bare `function_call` is the older form of one."""
    listed = turn.get("tool_calls")
    calls = list(listed) if isinstance(listed, list) else [] if listed in _SILENT else [listed]
    calls += [] if turn.get("function_call") in _SILENT else [turn["function_call"]]
    return [Block(text(_call(call)), True, "calls") for call in calls]


def _call(call: Any) -> str:
    inner = call
    if isinstance(call, dict) and set(call) <= {"id", "type", "index", "function"}:
        inner = call.get("function")
    if isinstance(inner, dict) and isinstance(inner.get("name"), str) and set(inner) <= {"name", "arguments"}:
        given = inner.get("arguments", {})
        return f"{inner['name']} {given if isinstance(given, str) else as_json(given)}"
    return as_json(call)
