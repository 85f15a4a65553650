"""The certificate in one sentence, or why there is none. Pure; the same words on the page, the terminal and the API."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from governance.tuning.certify import MILLION
from governance.tuning.reading import Reading

NARROW = "\u202f"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
ASSUMING = ", assuming reviewers miss nothing"


def percent(share: float, *, places: int = 1, rounding: str = ROUND_HALF_UP) -> str:
    """`2.0 %` of a share of 1."""
    value = (Decimal(str(share)) * 100).quantize(Decimal(1).scaleb(-places), rounding=rounding)
    return f"{value}{NARROW}%"


def at(threshold: int) -> str:
    """`0.83` of millionths."""
    whole, rest = divmod(threshold, MILLION)
    return f"{whole}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def confidence(delta: float) -> str:
    """`97.5 %`: how sure a level makes, never rounded up; as many decimals as it needs, at most two."""
    value = (Decimal(1) - Decimal(str(delta))) * 100
    short = value.quantize(Decimal("0.01"), rounding=ROUND_FLOOR).normalize()
    return f"{short:f}{NARROW}%"


def target(share: float) -> str:
    """The target with one decimal, more where it needs them."""
    value = Decimal(str(share)) * 100
    short = value.quantize(Decimal("0.1"))
    return f"{short if short == value else value.normalize():f}{NARROW}%"


def certified(threshold: int, *, goal: float, delta: float, is_provisional: bool) -> str:
    sure = f"with {confidence(delta)} confidence{ASSUMING if is_provisional else ''}"
    return f"Certified at {at(threshold)}: at most {target(goal)} of what goes out alone is wrong, {sure}."


def unproven(reading: Reading, goal: float, *, more: int | None) -> str:
    """Says how many more verdicts (`more`, at the level of the next look) could settle it, or that more would not."""
    failing = reading.failing
    if failing is None:
        return "Unproven: nothing that a threshold decides has arrived yet."
    where = f"at {at(failing.threshold)}"
    if more:
        what = "blind audits" if failing.n_total[1] else "decided outputs"
        count = f"{more:,}".replace(",", NARROW)
        return f"Unproven: about {count} more {what} could show that at most {target(goal)} is wrong {where}."
    if failing.estimate is None:
        return f"Unproven: none of what went out alone {where} has been audited."
    estimate = percent(failing.estimate)
    if failing.estimate >= reading.target and failing.estimate < goal:
        return (
            f"Unproven: the best estimate {where} is {estimate} wrong, and with what reviewers may miss beside that "
            f"it is not under the target of {target(goal)}."
        )
    if failing.estimate >= reading.target:
        return f"Unproven: the best estimate {where} is {estimate} wrong, not under the target of {target(goal)}."
    return f"Unproven: {estimate} wrong {where} is too near the target of {target(goal)} to be told apart from it."


def violated(reading: Reading, goal: float) -> str:
    where = "" if reading.in_force is None else f" at {at(reading.in_force)}, in force,"
    least = percent(reading.lower_bound or 0.0, rounding=ROUND_FLOOR)
    return f"Violated:{where} at least {least} of what goes out alone is wrong; the target is {target(goal)}."


def alarmed(wrong: int, audits: int, goal: float) -> str:
    counted = f"{wrong} of {audits} wrong"
    return f"Violated: since this was certified the audits have alarmed, {counted}; the target is {target(goal)}."


def bound(share: float, *, places: int = 1) -> str:
    """An upper bound, never smaller than it is."""
    return percent(share, places=places, rounding=ROUND_CEILING)


def expired(threshold: int | None, at_time: datetime) -> str:
    what = "The last look" if threshold is None else f"The certificate at {at(threshold)}"
    return f"{what} expired on {at_time.day} {MONTHS[at_time.month - 1]} {at_time.year}: evidence ages, so look again."


def frozen(because: str) -> str:
    return f"Frozen: {because}"
