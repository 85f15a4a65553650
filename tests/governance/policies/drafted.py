"""What a browser sends of the editor's form when nothing, or something, was changed; whole documents for it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from django.template.loader import render_to_string
from hypothesis import strategies as st

from governance.policies import draftconditions, drafting
from governance.policies.draftvalues import Control
from tests.governance.policies import invented
from tests.governance.policies.asking import conditions

HOSTILE = '"><script>alert(1)</script>\n{{ 7 }} \u202e\u0000 & <b onload=x>'


class Browser(HTMLParser):
    """The controls of a page as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: dict[str, str] = {}
        self.tags: set[str] = set()
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        own = dict(attrs)
        name, value = own.get("name") or "", own.get("value") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in own or self._select not in self.said):
            self.said[self._select] = value
        elif tag == "input" and own.get("type") == "checkbox":
            self.said |= {name: "on"} if "checked" in own else {}
        elif tag == "input" and name:
            self.said[name] = one_line(value)

    def handle_endtag(self, tag: str) -> None:
        self._select = "" if tag == "select" else self._select


def sent(document: dict[str, Any]) -> dict[str, str]:
    """What a browser sends of the unchanged form, without the page around it (which is slow to make)."""
    form = drafting.form(document)
    controls = [form.threshold, form.audit_rate, form.target, *form.due_in, *form.to]
    for part in form.parts:
        controls += [*part.controls, *([part.id] if part.id else []), *_asked(part.when)]
    said = {control.name: control.value if control.options else one_line(control.value) for control in controls}
    return said | ({"audit_hold": "on"} if form.audit_hold else {})


def _asked(node: Any) -> Iterator[Control]:
    yield from getattr(node, "controls", ())
    yield from [node.joined] if isinstance(node, draftconditions.Group) else []
    for part in getattr(node, "parts", ()):
        yield from _asked(part)


def one_line(text: str) -> str:
    """What a browser makes of the value of a control of one line: it has no line breaks, and no document has a NUL."""
    return text.replace("\r", "").replace("\n", "").replace("\0", "\ufffd")


def page(document: dict[str, Any]) -> str:
    shown = {"form": drafting.form(document), "errors": {}, "at": "", "here": "/draft/", "fields": ()}
    return render_to_string("_draft_form.html", shown)


names = st.sampled_from(["a", "b", "seniors"])
destinations = st.fixed_dictionaries(
    {"queue": names},
    optional={
        "skills": st.lists(names, max_size=2, unique=True), "priority": st.integers(0, 100),
        "reviewers": st.sampled_from([1, 2]),
    },
)  # fmt: skip
lengths = st.sampled_from(["PT0S", "PT0H", "PT90M", "P1D", "P2W", "PT1H30M", "P1DT12H", "PT24H", "PT3723S", "PT1M30S"])
whens = conditions().map(lambda condition: condition.data)
routes = st.lists(st.tuples(whens, destinations), max_size=3).map(
    lambda found: [{"id": f"t{n}", "when": when, **to} for n, (when, to) in enumerate(found)]
)
queues = st.fixed_dictionaries(
    {name: st.none() | st.just({}) | st.fixed_dictionaries({}, optional={
        "mode": st.sampled_from(["pull", "assign"]), "capacity": st.integers(1, 1000),
        "affinity": st.sampled_from(["input.x", 'input."a.b"']),
        "calendar": st.just({"time_zone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}),
    }) for name in ("a", "b", "seniors")}
)  # fmt: skip
routings = st.fixed_dictionaries({}, optional={"default": destinations, "rules": routes, "queues": queues})
LADDER = [{"after": "PT0H", "do": "remind"}, {"after": "PT90M", "do": "escalate"},
          {"after": "P1D", "do": "resolve", "as": "reject"}]  # fmt: skip
steps = st.sampled_from([[], LADDER, [{"after": "P1W", "do": "raise"}]])
due = lengths.filter(lambda text: text not in ("PT0S", "PT0H"))
ladders = st.fixed_dictionaries({}, optional={"due_in": due, "on_breach": steps})
others = st.fixed_dictionaries(
    {},
    optional={
        "routing": routings, "sla": ladders, "guards": st.just({"backlog": 10}), "risk": st.just({"target": 0.0123}),
        "review": st.just({"undo_seconds": 9}), "retention": st.just({"content_days": 7}),
    },
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Whole documents, valid and now and then hostile in what a form shows as text."""
    document = draw(invented.documents)
    asked = draw(st.lists(whens, max_size=3, unique_by=str))
    because = draw(st.sampled_from([{}, {"because": "Two\nlines, <b>bold</b>."}, {"because": " spaced "}]))
    document["rules"] += [invented.rule("review", when, f"n{n}", **because) for n, when in enumerate(asked)]
    return document | draw(others)
