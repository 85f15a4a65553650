"""No template carries a script, a style, a handler or a hole in the escaping, and none outgrows its size."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MOST_LINES = 79

DJANGO = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
FORBIDDEN = {
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE),
    "script with a body": re.compile(r"<script[^>]*>\s*[^<\s]", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "style attribute": re.compile(r"\sstyle\s*=\s*[\"']|<[^<>]*\sstyle\s*=", re.IGNORECASE),
    "event handler": re.compile(r"\son[a-z]+\s*=\s*[\"']|<[^<>]*\son[a-z]+\s*=", re.IGNORECASE),
    "htmx handler": re.compile(
        r"\b(?:data-)?hx-on\b|\bhx-(?:vals|headers|vars)\s*=\s*['\"]\s*js(?:avascript)?:", re.IGNORECASE
    ),
    "javascript address": re.compile(r"(?:href|action|src)\s*=\s*['\"]?\s*javascript:", re.IGNORECASE),
    "base element": re.compile(r"<base\b", re.IGNORECASE),
    "address of another host": re.compile(r"(?:src|href)\s*=\s*['\"](?:https?:)?//", re.IGNORECASE),
}
FORBIDDEN_DJANGO = {
    "safe filter": re.compile(r"\|\s*(?:safe|safeseq)\b"),
    "escaping switched off": re.compile(r"\{%\s*autoescape\s+off"),
    "debug": re.compile(r"\{%\s*debug\s*%\}"),
}


def faults(text: str) -> list[str]:
    """The names of the rules that a template's text breaks."""
    plain = DJANGO.sub("x", text)
    found = [name for name, rule in FORBIDDEN.items() if rule.search(plain)]
    return found + [name for name, rule in FORBIDDEN_DJANGO.items() if rule.search(text)]


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 10


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_carries_no_script_style_handler_or_unescaped_value(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_stays_under_eighty_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<script>alert(1)</script>", "inline script"),
        ('<script src="a.js">alert(1)</script>', "script with a body"),
        ("<STYLE>p{}</STYLE>", "style element"),
        ('<p class="a"\n style="color:red">', "style attribute"),
        ('<p {% if x > 1 %}class="a"{% endif %} onclick="x()">', "event handler"),
        ('<p title="a > b" onclick="x()">', "event handler"),
        ('<p title="a > b" style="color:red">', "style attribute"),
        ('<p hx-on:click="x()">', "htmx handler"),
        ("<p hx-vals='js:{a: 1}'>", "htmx handler"),
        ('<a href="javascript:x()">', "javascript address"),
        ('<img src="//elsewhere.example/x.png">', "address of another host"),
        ("{{ output|safe }}", "safe filter"),
        ("{% autoescape off %}", "escaping switched off"),
    ],
)
def test_the_lint_finds_what_it_forbids(text: str, fault: str) -> None:
    assert fault in faults(text)


def test_the_lint_lets_ordinary_templates_pass() -> None:
    text = (
        '<script src="{% static \'js/a.js\' %}" defer></script><p data-on="1">The style of one = another; {{ x }}</p>'
    )
    assert faults(text) == []
