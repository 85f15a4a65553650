"""YAML and JSON text as plain values, with the line of every path. Safe types only, nothing shared, nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from json import decoder
from typing import Any, Final, cast

import yaml

from governance.contracts.reading import join
from governance.refusals import Invalid, Problem

MOST_NODES: Final = 50_000
DEEPEST: Final = 64
LONGEST: Final = 1_048_576
_LAST = re.compile(r'(?:\.?[A-Za-z0-9_$-]+|\[\d+\]|\["[^\]]*"\])$')
_text: Final[Callable[[str, int, bool], tuple[str, int]]] = decoder.scanstring  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
# The core schema of YAML 1.2: `no` is a text, 010 is ten, 12:30 is no number of seconds.
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Source:
    """A document as plain values. `lines` has the line, counted from 1, of every path such as policy.rules[0].when."""

    data: Any
    lines: dict[str, int]

    def line(self, path: str) -> int:
        """The line of a path, or of the nearest one above it."""
        while path not in self.lines and (above := _LAST.sub("", path)) != path:
            path = above
        return self.lines.get(path, 1)


def read(text: str, *, is_json: bool) -> Source:
    """The document in a text. Raises Invalid with a problem whose pointer is `line N`.

    Refused: duplicate keys, keys that are no text, tags, merge keys, aliases that hold themselves or grow the document
    beyond 50,000 values, more than 64 levels, more than 1 MiB, NaN and infinities.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise _wrong(1, "too-long", "A system file is at most 1 MiB long.")
    return _Json(text).read() if is_json else _Yaml().read(text)


def _wrong(line: int, code: str, detail: str) -> Invalid:
    return Invalid(f"Line {line}: {detail}", errors=(Problem(f"line {line}", code, detail),))


class _Lines:
    """Counts values and notes the line of each."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.count = 0

    def note(self, at: str, line: int, depth: int) -> None:
        self.lines.setdefault(at, line)
        self.count += 1
        if self.count > MOST_NODES:
            raise _wrong(
                line, "too-many", f"The document holds more than {MOST_NODES} values once aliases are followed."
            )
        if depth > DEEPEST:
            raise _wrong(line, "too-deep", f"The document is more than {DEEPEST} levels deep.")


class _Yaml(_Lines):
    def read(self, text: str) -> Source:
        try:
            node = yaml.compose(text, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _wrong(mark.line + 1 if mark else 1, "not-yaml", f"This is not YAML: {error.problem}.") from error
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise _wrong(
                1, "not-yaml", "This is not YAML: it holds characters or depths that YAML does not allow."
            ) from error
        if node is None:
            raise _wrong(1, "empty", "The file is empty.")
        return Source(self.value(node, "", 1), self.lines)

    def value(self, node: yaml.Node, at: str, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.note(at, line, depth)
        if isinstance(node, yaml.MappingNode):
            self._untagged(node, "map", line)
            return self._mapping(node, at, depth)
        if isinstance(node, yaml.SequenceNode):
            self._untagged(node, "seq", line)
            return [self.value(item, join(at, index), depth + 1) for index, item in enumerate(node.value)]
        self._untagged(node, "str", line)
        return self._scalar(cast(yaml.ScalarNode, node), line)

    def _mapping(self, node: yaml.MappingNode, at: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or not isinstance(self._scalar(key, line), str):
                raise _wrong(line, "not-a-key", "A key must be text; write it in quotes.")
            if key.value == "<<" and key.style is None:
                raise _wrong(line, "merge-key", "Merge keys are not read; write the keys out.")
            if key.value in found:
                raise _wrong(line, "duplicate-key", f"The key {key.value} stands here twice.")
            self.lines.setdefault(join(at, key.value), line)
            found[key.value] = self.value(item, join(at, key.value), depth + 1)
        return found

    def _untagged(self, node: yaml.Node, kind: str, line: int) -> None:
        # The base loader resolves every plain node to str, map or seq; anything else was written as a tag.
        if node.tag not in (_TAG + kind, "!"):
            raise _wrong(line, "tag", "Tags are not read; write plain values.")

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text: str = node.value
        if node.style is not None:
            return text
        if _NULL.fullmatch(text):
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NOT_FINITE.fullmatch(text):
            raise _wrong(line, "not-a-number", "A number must be finite.")
        if _FLOAT.fullmatch(text):
            return _finite(text, line)
        return text


def _finite(text: str, line: int) -> float:
    number = float(text)
    if number - number != 0.0:
        raise _wrong(line, "not-a-number", "A number must be finite.")
    return number


class _Json(_Lines):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def read(self) -> Source:
        try:
            # Only to be told what is wrong by the parser that everybody knows; the values are read below, with lines.
            json.loads(self.text)
            data, _ = self.value(self._after(0), "", 1)
        except json.JSONDecodeError as error:
            raise _wrong(error.lineno, "not-json", f"This is not JSON: {error.msg}.") from error
        except (RecursionError, ValueError) as error:
            raise _wrong(1, "not-json", "This is not JSON: it is too deep, or a number in it is too long.") from error
        return Source(data, self.lines)

    def value(self, start: int, at: str, depth: int) -> tuple[Any, int]:
        """The value that starts here, and the position after it."""
        line = self._line(start)
        self.note(at, line, depth)
        mark = self.text[start]
        if mark == "{":
            return self._object(start, at, depth)
        if mark == "[":
            return self._array(start, at, depth)
        if mark == '"':
            text, end = _text(self.text, start + 1, True)
            return text, end
        match = cast(re.Match[str], _SCALAR.match(self.text, start))
        value = json.loads(match.group())
        if isinstance(value, float) and value - value != 0.0:
            raise _wrong(line, "not-a-number", "A number must be finite.")
        return value, match.end()

    def _object(self, start: int, at: str, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        position = self._after(start + 1)
        while self.text[position] != "}":
            position = self._after(position + 1) if self.text[position] == "," else position
            line = self._line(position)
            key, position = _text(self.text, position + 1, True)
            if key in found:
                raise _wrong(line, "duplicate-key", f"The key {key} stands here twice.")
            self.lines.setdefault(join(at, key), line)
            found[key], position = self.value(self._after(self._after(position) + 1), join(at, key), depth + 1)
            position = self._after(position)
        return found, position + 1

    def _array(self, start: int, at: str, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        position = self._after(start + 1)
        while self.text[position] != "]":
            position = self._after(position + 1) if self.text[position] == "," else position
            value, position = self.value(position, join(at, len(found)), depth + 1)
            found.append(value)
            position = self._after(position)
        return found, position + 1

    def _after(self, position: int) -> int:
        return cast(re.Match[str], _SPACE.match(self.text, position)).end()

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1
