"""The house's way of writing numbers, times and digests: pure functions from values to plain text."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction

NARROW = "\u202f"  # between the thousands, and before the percent sign
FIXED = "\u00a0"  # between a number and its unit: the two stay on one line
MINUS = "\u2212"
DASH = "\u2013"
MILLION = 1_000_000
NOT_YET = "not yet"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}

Number = int | float | Decimal


def _exact(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def number(value: Number, *, places: int = 0, rounding: str = ROUND_HALF_UP) -> str:
    """Text with narrow spaces between the thousands, a true minus, and exactly `places` decimals."""
    rounded = _exact(value).quantize(Decimal(1).scaleb(-places), rounding=rounding)
    sign = MINUS if rounded < 0 else ""
    return sign + f"{abs(rounded):,f}".replace(",", NARROW)


def signed(value: Number, *, places: int = 0) -> str:
    """A change: `+294`, `−7.4`; nothing changed is `0` without a sign."""
    text = number(value, places=places)
    rises = _exact(value) > 0 and any(digit in text for digit in "123456789")
    falls_to_nothing = text.startswith(MINUS) and not any(digit in text for digit in "123456789")
    return f"+{text}" if rises else text.removeprefix(MINUS) if falls_to_nothing else text


def percent(millionths: int, *, places: int | None = None, rounding: str = ROUND_HALF_UP) -> str:
    """`61 %` from 610000 millionths; one decimal unless `places` says otherwise or the value is whole.

    Upper bounds are rounded up and a machine's confidence down, so that no text says more than is known.
    """
    hundredths = Decimal(millionths) / 10_000
    if places is None:
        places = 0 if hundredths == hundredths.to_integral_value() else 1
    return f"{number(hundredths, places=places, rounding=rounding)}{NARROW}%"


def percent_up(millionths: int, *, places: int | None = None) -> str:
    """A bound in percent, never smaller than it is."""
    return percent(millionths, places=places, rounding=ROUND_CEILING)


def percent_down(millionths: int, *, places: int | None = None) -> str:
    """A confidence in percent, never greater than it is: 0.979999 does not read as the 98 % it failed to reach."""
    return percent(millionths, places=places, rounding=ROUND_FLOOR)


def threshold(millionths: int) -> str:
    """`0.90`: at least two decimals, and as many of the six as are needed."""
    whole, rest = divmod(millionths, MILLION)
    return f"{whole}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def money(amount: Number, currency: str = "EUR", *, places: int = 0) -> str:
    """`€ 457`, `−€ 48`; a currency without a sign of its own is written by its code."""
    text = number(amount, places=places)
    sign = MINUS if text.startswith(MINUS) else ""
    return f"{sign}{SIGNS.get(currency, currency)}{FIXED}{text.removeprefix(MINUS)}"


def odds(millionths: int) -> str:
    """A rate in words a person can picture: 50000 is `1 in 20`; what is no such fraction stays a percentage."""
    share = Fraction(millionths, MILLION)
    return f"1 in {number(share.denominator)}" if share.numerator == 1 else percent(millionths)


def seconds_of(value: Number | timedelta) -> float:
    """Seconds, from seconds or from a timedelta."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def span(value: Number | timedelta) -> str:
    """A length of time: `4.1 s`, `38 s`, `1 min 52 s`, `38 min`, `2 h 14 min`, `22 d`; its sign is dropped."""
    total = abs(seconds_of(value))
    if total < 9.95:
        return f"{number(total, places=1)}{FIXED}s"
    whole = math.floor(total + 0.5)
    minutes, seconds = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if minutes == 0:
        return f"{seconds}{FIXED}s"
    if minutes < 10:
        return f"{minutes}{FIXED}min" + (f"{FIXED}{seconds}{FIXED}s" if seconds else "")
    if hours == 0:
        return f"{minutes}{FIXED}min"
    if hours < 48:
        return f"{hours}{FIXED}h" + (f"{FIXED}{minutes_left:02d}{FIXED}min" if minutes_left else "")
    return f"{hours // 24}{FIXED}d"


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError for a time without a zone: guessing one would be a false record."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown")
    return moment.astimezone(UTC)


def day(moment: datetime) -> str:
    """`21 Nov 2026`, of the UTC day."""
    at = utc(moment)
    return f"{at.day}{FIXED}{MONTHS[at.month - 1]}{FIXED}{at.year}"


def clock(moment: datetime) -> str:
    """`14:03`, UTC; the zone is named once by whoever shows it."""
    return f"{utc(moment):%H:%M}"


def clock_seconds(moment: datetime) -> str:
    """`14:03:07`, UTC."""
    return f"{utc(moment):%H:%M:%S}"


def when(moment: datetime) -> str:
    """`21 Nov 2026 14:03 UTC`."""
    return f"{day(moment)} {clock(moment)}{FIXED}UTC"


def due(moment: datetime, now: datetime) -> str:
    """What is due is told relatively: `in 2 h 14 min`, `38 min late`."""
    left = (utc(moment) - utc(now)).total_seconds()
    return f"in {span(left)}" if left >= 0 else f"{span(left)} late"


def bare_digest(value: str) -> str:
    """The digits of a digest without the name of its algorithm."""
    return value.rpartition(":")[2]


def short_digest(value: str) -> str:
    """`b27e…40`: four digits and two; what is no longer than that stays whole."""
    bare = bare_digest(value)
    return bare if len(bare) <= 8 else f"{bare[:4]}…{bare[-2:]}"
