"""Signs: a glyph and its word, and the small figures that sit in a line of text or of a table."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from governance.pages.templatetags import _formats as f

ICONS = frozenset(
    (
        *("release", "review", "block", "approve", "override", "reject", "seal", "pending", "broken"),
        *("mark", "arrow", "up", "down", "search", "check", "person", "doc", "send", "eye", "bell", "clock"),
        *("hold", "skip", "undo", "stop"),
    )
)
LANES = {"release": "Release", "review": "Review", "block": "Block"}
VERDICTS = {"approve": "Approve", "override": "Override", "reject": "Reject"}
STATUSES = {
    "released": ("lane", "release", "Released"),
    "in_review": ("lane", "review", "In review"),
    "blocked": ("lane", "block", "Blocked"),
    "approved": ("verdict", "approve", "Approved"),
    "overridden": ("verdict", "override", "Overridden"),
    "rejected": ("verdict", "reject", "Rejected"),
}
SEALS = {"sealed": ("seal", "Sealed"), "pending": ("pending", "Pending"), "broken": ("broken", "Does not verify")}


def icon(name: str, label: str = "") -> SafeString:
    """A glyph of the sprite, as tall as its text; without a label it is silent. Raises KeyError for an unknown one."""
    if name not in ICONS:
        raise KeyError(f"there is no icon {name!r}")
    if label:
        return format_html('<svg class="i" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name)
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', name)


def _signed(kind: str, key: str, word: str, quiet: bool) -> SafeString:
    inner = format_html('<span class="vh">{}</span>', word) if quiet else format_html(" {}", word)
    return format_html('<span class="{0}" data-{0}="{1}">{2}{3}</span>', kind, key, icon(key), inner)


def lane(value: str, word: str = "", quiet: bool = False) -> SafeString:
    """A lane's glyph and word; `word` replaces the word, `quiet` hides it from the eye only."""
    return _signed("lane", value, word or LANES[value], quiet)


def verdict(value: str, word: str = "", quiet: bool = False) -> SafeString:
    """A verdict's glyph and word; takes `approve` as well as `approved`."""
    if value in VERDICTS:
        return _signed("verdict", value, word or VERDICTS[value], quiet)
    kind, key, said = STATUSES[value]
    return _signed(kind, key, word or said, quiet)


def status(value: str, word: str = "", quiet: bool = False) -> SafeString:
    """An output's status with the glyph of the lane or of the verdict that led there."""
    kind, key, said = STATUSES[value]
    return _signed(kind, key, word or said, quiet)


def seal(state: str | bool, word: str = "") -> SafeString:
    """Whether an entry is sealed: `sealed`, `pending` or `broken`; True and False mean the first two."""
    key = ("sealed" if state else "pending") if isinstance(state, bool) else state
    glyph, said = SEALS[key]
    return format_html('<span class="seal" data-state="{}">{} {}</span>', key, icon(glyph), word or said)


def digest(value: str | None) -> SafeString | str:
    """A digest, short to read, whole on hover, on focus and when copied."""
    if not value:
        return f.NOT_YET
    return format_html(
        '<span class="digest" tabindex="0"><span class="short" aria-hidden="true">{}</span>'
        '<span class="whole">{}</span></span>',
        f.short_digest(value),
        f.bare_digest(value),
    )


def _across(millionths: int | float) -> str:
    return f"{min(max(float(millionths), 0.0), f.MILLION) / 10_000:.2f}"


def meter(millionths: int, needed: int | None = None, first: bool = False) -> SafeString:
    """A bar of a share in millionths, with the line that was needed; silent, since its number stands beside it."""
    line = format_html('<path class="needed" d="M{0} 0V10"/>', _across(needed)) if needed is not None else ""
    return format_html(
        '<svg class="meter fig" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" y="4.5" width="100" height="1"/><rect class="{}" y="1.5" width="{}" height="7"/>{}</svg>',
        "mass" if first else "mass-2",
        _across(millionths),
        line,
    )


def whisker(estimate: int, low: int, high: int, scale: int, line: int | None = None) -> SafeString:
    """An estimate and its interval on an axis from nought to `scale` (millionths), marked when apart from `line`."""
    top = max(scale, high, 1)
    at = [f"{150 * value / top:.2f}" for value in (low, estimate, high)]
    apart = line is not None and not low <= line <= high
    mark = format_html('<path class="perfect" d="M{0} 1V13"/>', f"{150 * line / top:.2f}") if line is not None else ""
    return format_html(
        '<svg class="fig" data-fit="row" viewBox="0 0 150 14" width="150" height="14" aria-hidden="true">'
        '<path class="track-line" d="M0 7H150"/>{}<path class="whisker{}" d="M{} 7H{}"/>'
        '<circle class="point{}" cx="{}" cy="7" r="3"/></svg>',
        mark,
        " worst" if apart else "",
        at[0],
        at[2],
        " worst" if apart else "",
        at[1],
    )


def spark(values: Sequence[float], target: float | None = None) -> SafeString | str:
    """A line of values over time with nought as its base and, if given, the target; `not yet` under two values."""
    if len(values) < 2:
        return f.NOT_YET
    top = max([*values, target or 0, 1e-9])
    heights = [25 - 21 * value / top for value in values]
    points = format_html_join(
        " ", "{},{}", ((f"{150 * i / (len(values) - 1):.1f}", f"{y:.1f}") for i, y in enumerate(heights))
    )
    line = format_html('<path class="target" d="M0 {}H150"/>', f"{25 - 21 * target / top:.1f}") if target else ""
    return format_html(
        '<svg class="fig" data-fit="row" viewBox="0 0 158 28" width="158" height="28" aria-hidden="true">'
        '<path class="grid" d="M0 25H150"/>{}<polyline class="estimate" points="{}"/>'
        '<circle class="point" cx="150" cy="{}" r="3"/></svg>',
        line,
        points,
        f"{heights[-1]:.1f}",
    )
