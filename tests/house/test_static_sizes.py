"""Style sheets and scripts stay small: each file by its lines, the whole by its weight on the wire."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
SHEETS = sorted((STATIC / "css").glob("*.css"))
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
MOST_CSS_LINES = 199
MOST_JS_LINES = 79
MOST_BYTES_ON_THE_WIRE = 70_000
MOST_FONT_BYTES = 100_000
LAYERS = "@layer reset, tokens, base, layout, components, charts, utilities;"


def named(path: Path) -> str:
    return str(path.relative_to(STATIC))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", SHEETS, ids=named)
def test_a_style_sheet_stays_under_two_hundred_lines(path: Path) -> None:
    assert lines(path) <= MOST_CSS_LINES


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_a_script_stays_under_eighty_lines(path: Path) -> None:
    assert lines(path) <= MOST_JS_LINES


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_a_script_imports_nothing_and_evaluates_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"^\s*import\b|\bimport\s*\(|\beval\s*\(|new Function\b|innerHTML|insertAdjacentHTML|document\.write",
        text,
        re.M,
    )


@pytest.mark.parametrize("path", SHEETS, ids=named)
def test_every_rule_of_a_style_sheet_lies_in_a_layer(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    depth, heads, head = 0, [], ""
    for sign in text:
        if sign == "{":
            if depth == 0:
                heads.append(head.strip())
            depth, head = depth + 1, ""
        elif sign in "};":
            depth, head = depth - (sign == "}"), ""
        else:
            head += sign
    assert depth == 0, "a brace is missing"
    assert heads
    assert all(head.startswith(("@layer ", "@font-face")) for head in heads)


def test_the_order_of_the_layers_is_said_once_in_the_first_sheet() -> None:
    saying = [path.name for path in SHEETS if re.search(r"@layer [a-z]+,", path.read_text(encoding="utf-8"))]
    assert saying == ["reset.css"]
    assert LAYERS in (STATIC / "css/reset.css").read_text(encoding="utf-8")


def test_every_style_sheet_is_linked_once_and_reset_first() -> None:
    assets = (STATIC.parent / "templates/_assets.html").read_text(encoding="utf-8")
    linked = re.findall(r"static 'css/([a-z-]+\.css)'", assets)
    assert linked[0] == "reset.css"
    assert sorted(linked) == [path.name for path in SHEETS]


def test_sheets_and_scripts_together_stay_under_seventy_kilobytes_on_the_wire() -> None:
    sent = [*SHEETS, *SCRIPTS, *(STATIC / "vendor").rglob("*.js")]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in sent) <= MOST_BYTES_ON_THE_WIRE


def test_fonts_together_stay_under_a_hundred_kilobytes() -> None:
    fonts = list((STATIC / "vendor/plex").glob("*.woff2"))
    assert fonts
    assert sum(path.stat().st_size for path in fonts) <= MOST_FONT_BYTES
