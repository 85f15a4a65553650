"""Values that mean harm, and what a page must not show of them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.template.loader import render_to_string
from hypothesis import strategies as st

from reviews.pages.showing import show

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=//evil.example/x.png onerror=alert(1)>",
    "</span></li></ol></section><h1>forged</h1>",
    '"><svg onload=alert(1)>',
    "{{ settings.SECRET_KEY }}{% debug %}",
)
HIDDEN = "pay\u202eback\u200b\u2066"
_KEYS = "role who from content text value name action tool arguments kwargs args function confidence tool_calls x"
NAMES = st.sampled_from([*_KEYS.split(), ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(MARKUP),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=16,
)  # fmt: skip
# What the renderers themselves draw with.
_OURS = frozenset(
    "section header h2 h3 p div span small b ol ul li dl dt dd table caption thead tbody tr th td code del ins svg "
    "path rect use title output button input kbd find-text scan-view".split()
)


class _Reader(HTMLParser):
    """Reads markup as a browser would: what it says, and every element that is not ours or does something."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.foreign: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _OURS:
            self.foreign.append(tag)
        self.foreign += [name for name, _ in attrs if name.startswith("on") or name in ("style", "src", "srcdoc")]
        self.foreign += [
            f"{name}={to}" for name, to in attrs if name.endswith("href") and not (to or "").startswith("#")
        ]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def deep(levels: int = 400) -> Any:
    """A value that is nested that deeply."""
    value: Any = MARKUP[0]
    for _ in range(levels):
        value = {"a": [value]}
    return value


def page(schema: Any, value: Any) -> str:
    """The value as the page's markup, which holds no element that the value brought."""
    shown = show(schema, value, "Given")
    parts = "".join(render_to_string("_part.html", {"part": part}) for part in shown.parts)
    facts = "".join(render_to_string("_value.html", {"value": fact}) for _, fact in shown.facts)
    markup = parts + facts
    assert _Reader(markup).foreign == []
    assert "\u202e" not in markup
    return markup


def words(markup: str) -> str:
    """What the markup says, its white space as single spaces."""
    return " ".join("".join(_Reader(markup).said).split())
