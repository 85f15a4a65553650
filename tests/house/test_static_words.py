"""Numbers, times and signs are written the one way that the house writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Engine

from governance.pages.templatetags import _formats as f
from governance.pages.templatetags import _signs

SPRITE = Path(__file__).resolve().parents[2] / "templates/_sprite.html"
ENGINE = Engine(libraries={"words": "governance.pages.templatetags.words"})
NOON = datetime(2026, 11, 21, 14, 3, 7, tzinfo=UTC)


def render(text: str, **context: Any) -> str:
    return ENGINE.from_string("{% load words %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (610_000, "61\u202f%"),
        (614_000, "61.4\u202f%"),
        (0, "0\u202f%"),
        (1_000_000, "100\u202f%"),
        (999_960, "100.0\u202f%"),
    ],
)
def test_a_share_in_millionths_reads_as_percent(value: int, text: str) -> None:
    assert f.percent(value) == text


def test_a_confidence_under_its_threshold_never_reads_as_having_reached_it() -> None:
    assert render("{{ c|percent_down }}", c=979_999) == "97.9\u202f%"


def test_an_upper_bound_never_reads_as_less_than_it_is() -> None:
    assert render("{{ b|percent_up:1 }}", b=20_001) == "2.1\u202f%"


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (13_083, 0, "13\u202f083"),
        (-7.4, 1, "\u22127.4"),
        (1_234_567, 0, "1\u202f234\u202f567"),
        (0, 0, "0"),
        (2.5, 0, "3"),
    ],
)
def test_numbers_have_narrow_spaces_and_a_true_minus(value: float, places: int, text: str) -> None:
    assert f.number(value, places=places) == text


@pytest.mark.parametrize(("value", "text"), [(294, "+294"), (-7, "\u22127"), (0, "0"), (0.04, "0"), (-0.04, "0")])
def test_a_change_shows_its_sign_unless_nothing_changed(value: float, text: str) -> None:
    assert f.signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(900_000, "0.90"), (1_000_000, "1.00"), (975_500, "0.9755"), (1, "0.000001")]
)
def test_a_threshold_keeps_every_decimal_it_has(value: int, text: str) -> None:
    assert f.threshold(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.1, "4.1 s"),
        (9.97, "10 s"),
        (38, "38 s"),
        (59.6, "1 min"),
        (112, "1 min 52 s"),
        (38 * 60 + 12, "38 min"),
        (2 * 3600 + 14 * 60, "2 h 14 min"),
        (3 * 3600 + 120, "3 h 02 min"),
        (4 * 3600, "4 h"),
        (22 * 86400, "22 d"),
        (timedelta(seconds=14), "14 s"),
    ],
)
def test_a_length_of_time_reads_as_people_say_it(seconds: float | timedelta, text: str) -> None:
    assert f.span(seconds).replace("\u00a0", " ") == text


def test_times_are_shown_in_utc_whatever_zone_they_came_in() -> None:
    moved = NOON.astimezone(timezone(timedelta(hours=5)))
    assert f.when(moved).replace("\u00a0", " ") == "21 Nov 2026 14:03 UTC"
    assert f.clock_seconds(moved) == "14:03:07"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        f.when(NOON.replace(tzinfo=None))


def test_only_what_is_due_is_told_relatively() -> None:
    assert f.due(NOON + timedelta(hours=2, minutes=14), NOON).replace("\u00a0", " ") == "in 2 h 14 min"
    assert f.due(NOON - timedelta(minutes=38), NOON).replace("\u00a0", " ") == "38 min late"


def test_a_digest_is_short_to_read_and_whole_to_copy() -> None:
    html = render("{% digest d %}", d="sha256:b27e" + "0" * 58 + "40")
    assert "b27e…40" in html
    assert "b27e" + "0" * 58 + "40" in html


@pytest.mark.parametrize(
    "word", ["number", "percent", "percent_up", "threshold", "span", "when", "day", "money", "signed"]
)
def test_what_is_not_known_never_reads_as_nought(word: str) -> None:
    assert render("{{ x|" + word + " }}", x=None) == "not yet"


def test_none_of_a_thing_reads_none() -> None:
    assert render("{{ x|tally }} {{ y|tally }}", x=0, y=1204) == "none 1\u202f204"


@pytest.mark.parametrize("tag", ["lane x word", "verdict x word", "seal x word", "digest word", "icon x word"])
def test_a_hostile_word_is_escaped_in_every_sign(tag: str) -> None:
    kind = {"lane": "release", "verdict": "approve", "seal": "sealed", "icon": "release"}.get(tag.split()[0], "")
    assert "<script" not in render("{% " + tag + " %}", x=kind, word='"><script>alert(1)</script>')


@pytest.mark.parametrize("status", sorted(_signs.STATUSES))
def test_every_status_has_a_glyph_and_a_word(status: str) -> None:
    html = render("{% status s %}", s=status)
    assert "<use" in html
    assert re.search(r">\s*\w[\w ]+</span>", html)


def test_a_quiet_sign_keeps_its_word_for_those_who_hear_it() -> None:
    assert 'class="vh">Override</span>' in render("{% verdict 'override' quiet=True %}")


def test_an_unknown_lane_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(KeyError):
        render("{% lane 'green' %}")


def test_every_icon_is_in_the_sprite_and_nothing_else_is() -> None:
    drawn = re.findall(r'<symbol id="i-([a-z]+)"', SPRITE.read_text(encoding="utf-8"))
    assert sorted(drawn) == sorted(_signs.ICONS)


def test_a_bar_never_leaves_its_track() -> None:
    assert 'width="100.00"' in render("{% meter 3000000 %}")


def test_an_interval_apart_from_the_line_is_marked_and_one_across_it_is_not() -> None:
    assert "worst" in render("{% whisker 97000 81000 116000 160000 51000 %}")
    assert "worst" not in render("{% whisker 52000 50000 55000 160000 51000 %}")


def test_one_value_is_no_line() -> None:
    assert render("{% spark v %}", v=[3]) == "not yet"
