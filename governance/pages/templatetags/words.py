"""Template words: every number, time, digest and sign on every page is written through these.

Filters take None and answer "not yet", so that what is not known never reads as nought.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.clock import now as postgres_now
from governance.pages.templatetags import _formats as f
from governance.pages.templatetags import _signs

register = template.Library()


def _known(write: Callable[..., str], value: Any, *args: Any, **named: Any) -> str:
    return f.NOT_YET if value is None or value == "" else write(value, *args, **named)


@register.filter
def number(value: Any, places: int = 0) -> str:
    """13083 → `13 083`; `|number:1` keeps one decimal."""
    return _known(f.number, value, places=places)


@register.filter
def tally(value: Any) -> str:
    """A count of things: nought of them reads `none`."""
    return "none" if value == 0 else _known(f.number, value)


@register.filter
def signed(value: Any, places: int = 0) -> str:
    """A change: `+294`, `−7.4`."""
    return _known(f.signed, value, places=places)


@register.filter
def percent(millionths: Any, places: int | None = None) -> str:
    """610000 → `61 %`, rounded to the nearest."""
    return _known(f.percent, millionths, places=places)


@register.filter
def percent_up(millionths: Any, places: int | None = None) -> str:
    """An upper bound: rounded up."""
    return _known(f.percent_up, millionths, places=places)


@register.filter
def percent_down(millionths: Any, places: int | None = None) -> str:
    """A confidence or a lower bound: rounded down."""
    return _known(f.percent_down, millionths, places=places)


@register.filter
def share(fraction: Any, places: int | None = None) -> str:
    """0.61 → `61 %`, for a fraction between nought and one that is not in millionths."""
    return _known(lambda value: f.percent(round(Decimal(str(value)) * f.MILLION), places=places), fraction)


@register.filter
def threshold(millionths: Any) -> str:
    """900000 → `0.90`."""
    return _known(f.threshold, millionths)


@register.filter
def odds(millionths: Any) -> str:
    """50000 → `1 in 20`."""
    return _known(f.odds, millionths)


@register.filter
def money(amount: Any, currency: str = "EUR") -> str:
    """457 → `€ 457`."""
    return _known(f.money, amount, currency)


@register.filter
def span(value: Any) -> str:
    """Seconds or a timedelta → `2 h 14 min`."""
    return _known(f.span, value)


@register.filter
def place(index: int | None) -> str:
    """`Sealed 18 204`, an entry's place in the log; "" while it waits for one."""
    return "" if index is None else f"Sealed {f.number(index)}"


@register.filter
def day(moment: Any) -> str:
    """`21 Nov 2026`."""
    return _known(f.day, moment)


@register.filter
def clock(moment: Any) -> str:
    """`14:03`, UTC."""
    return _known(f.clock, moment)


@register.filter
def clock_seconds(moment: Any) -> str:
    """`14:03:07`, UTC."""
    return _known(f.clock_seconds, moment)


@register.filter
def when(moment: Any) -> str:
    """`21 Nov 2026 14:03 UTC`."""
    return _known(f.when, moment)


@register.filter
def due(moment: Any, now: datetime | None = None) -> str:
    """`in 2 h 14 min` or `38 min late`, against the given time or this moment."""
    return _known(f.due, moment, now or postgres_now())


@register.filter
def short_digest(value: Any) -> str:
    """`b27e…40` as plain text; `{% digest %}` also keeps the whole within reach."""
    return _known(f.short_digest, value)


@register.simple_tag(name="time")
def time_element(moment: datetime | None, shape: str = "when") -> SafeString | str:
    """A <time> element with its machine form; shape is one of when, day, clock, clock_seconds."""
    if moment is None:
        return f.NOT_YET
    write = {"when": f.when, "day": f.day, "clock": f.clock, "clock_seconds": f.clock_seconds}[shape]
    return format_html('<time datetime="{}">{}</time>', f.utc(moment).isoformat(), write(moment))


register.simple_tag(_signs.icon, name="icon")
register.simple_tag(_signs.lane, name="lane")
register.simple_tag(_signs.verdict, name="verdict")
register.simple_tag(_signs.status, name="status")
register.simple_tag(_signs.seal, name="seal")
register.simple_tag(_signs.digest, name="digest")
register.simple_tag(_signs.meter, name="meter")
register.simple_tag(_signs.whisker, name="whisker")
register.simple_tag(_signs.spark, name="spark")
