"""How the journeys read an answer: as a browser would, with everything noted that foreign text must never cause."""

import csv
import io
import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from governance.project.headers import HEADERS
from tests.journeys.corpus import COMPUTED, INVISIBLE, MARK

_VOID = frozenset("area base br col embed hr img input link meta source track wbr rect path circle line".split())
_NEVER = frozenset(
    "style base iframe object embed math frame applet plaintext xmp noscript img video audio foreignobject".split()
)
_ADDRESSES = frozenset(
    {"href", "src", "action", "formaction", "data-url", "poster", "srcset", "xlink:href", "ping", "hx-get"}
)
_OURS = ("/", "?", "#")
# What an answer was, to compare with and to bring back; <word-diff> names what hides in it.
_AS_IT_IS = {("ask-change", "data-was")}
# The only places where a page of ours lets htmx act.
_TOKEN, _SUMS = ("body", "hx-headers"), "history-sums"
# What a person types stands in a field as it is.
_FIELDS = frozenset({"textarea", "option", "title"})
# Where letters that run from right to left move nothing that is ours: an isolating element, or a block of its own.
_ISOLATED = _FIELDS | {"bdi"}
_BLOCKS = frozenset({"h1", "h2", "h3", "td", "th", "dt", "dd", "pre"})


class Page(HTMLParser):
    """A page, and in `wrong` all on it that foreign text has caused."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.open: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.feed(markup)
        self.close()

    @property
    def text(self) -> str:
        return "".join(self.said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _NEVER or (tag == "meta" and "http-equiv" in given):
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.wrong.append("a script of its own")
        for name, value in given.items():
            self._check(tag, name, value)
        if tag == "aside" and given.get("id") == _SUMS and given.get("hx-get", "").startswith("/history/sums/"):
            given = {name: value for name, value in given.items() if not name.startswith("hx-")}
        self.wrong.extend(f"{name} of <{tag}>" for name in given if "hx-" in name and (tag, name) != _TOKEN)
        if tag not in _VOID:
            self.open.append((tag, given.get("class", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        names = [name for name, _ in self.open]
        if tag in names:
            del self.open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        tags = {tag for tag, _ in self.open}
        if "script" in tags and data.strip():
            self.wrong.append(f"script text {data[:60]!r}")
        if not tags & _FIELDS and (hidden := _hidden(data)):
            self.wrong.append(f"{hidden} hidden in {self._place()}: {data[:60]!r}")
        if MARK in data and not (tags & _ISOLATED or self._is_foreign() or self.open[-1][0] in _BLOCKS):
            self.wrong.append(f"not isolated in {self._place()}: {data[:60]!r}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"a comment {data[:60]!r}")

    def _check(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name in ("style", "srcdoc"):
            self.wrong.append(f"{name} of <{tag}>")
        if name in _ADDRESSES and not (value.startswith(_OURS) and not value.startswith("//")):
            self.wrong.append(f"{name}={value[:60]!r} of <{tag}>")
        if (tag, name) not in _AS_IT_IS and name != "value" and (hidden := _hidden(value)):
            self.wrong.append(f"{hidden} hidden in {name} of <{tag}>")

    def _is_foreign(self) -> bool:
        return any("foreign" in kind.split() for _, kind in self.open)

    def _place(self) -> str:
        return " ".join(f"{tag}.{kind}" if kind else tag for tag, kind in self.open[-4:])


def page(answer: Any, *, status: int = 200, said: str = "") -> Page:
    """A page that was asked for, after everything about it that must hold was checked. `said` is foreign text that must
    not stand in it as it is."""
    body = _checked(answer, status, "text/html; charset=utf-8")
    read = Page(body)
    assert not read.wrong, read.wrong[:5]
    if any(sign in said for sign in "<>\"'&"):
        assert said not in body
    assert not [word for word in COMPUTED if word in body]
    return read


def document(answer: Any, *, status: int = 200) -> Any:
    """A JSON answer."""
    return json.loads(_checked(answer, status, "application/json"))


def rows(answer: Any) -> list[dict[str, str]]:
    """A CSV answer: every cell a text and no formula."""
    body = _checked(answer, 200, "text/csv; charset=utf-8")
    assert answer["Content-Disposition"].startswith("attachment;")
    read = list(csv.DictReader(io.StringIO(body, newline="")))
    for row in read:
        assert None not in row, "a text has ended its cell"
        for cell in row.values():
            if not _is_number(cell):
                assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")), cell[:60]
    return read


def headers_hold(headers: Mapping[str, str]) -> None:
    """The answer says to the browser what ours all say."""
    for name, value in HEADERS.items():
        assert headers[name] == value, name


def _checked(answer: Any, status: int, kind: str) -> str:
    body = b"".join(answer) if answer.streaming else answer.content
    assert answer.status_code == status, (answer.status_code, body[:600])
    assert answer["Content-Type"] == kind
    headers_hold(answer.headers)
    assert "no-store" in answer["Cache-Control"]
    return str(body.decode())


def _hidden(said: str) -> str:
    return " ".join(sorted({f"U+{ord(sign):04X}" for sign in said if sign in INVISIBLE}))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
