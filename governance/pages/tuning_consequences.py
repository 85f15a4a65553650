"""What a threshold would mean, in the words and numbers of the page: one set of texts for every row of the table, so
that moving the handle only changes which one is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.pages.templatetags import _formats as f
from governance.policies.policy import Costs
from governance.tuning import costs as money
from governance.tuning.certify import Counts
from governance.tuning.planner import band_needs
from governance.tuning.reading import Reading, Row
from governance.tuning.words import at, bound, confidence, percent, target

PRODUCTIVE_SECONDS = 6 * 3600
ENOUGH_DAYS = 7
UNKNOWN = "not known yet"


@dataclass(frozen=True)
class Setting:
    """What the texts are written from: the outputs of the window, what is paid, and how long a review takes."""

    reading: Reading
    goal: float
    level: float
    certified: int | None  # by a certificate that stands
    is_exploration: bool
    outputs: int
    opens: datetime | None
    closes: datetime
    audit_rate: float
    costs: Costs | None
    seconds: int
    reviewers: float = 0.0  # who review here now, simulated ones left out

    @property
    def days(self) -> float:
        return (self.closes - self.opens).total_seconds() / 86_400 if self.opens else 0.0

    @property
    def is_daily(self) -> bool:
        return self.days >= ENOUGH_DAYS

    @property
    def unit(self) -> str:
        return "a day" if self.is_daily else f"per {f.number(1000)}"

    @property
    def volume(self) -> float:
        """Outputs in the unit that is shown."""
        return self.outputs / self.days if self.is_daily else 1000.0


@dataclass(frozen=True)
class _Side:
    """One threshold in the figures of the unit."""

    share: float
    estimate: float | None
    bound: float
    counts: Counts

    @classmethod
    def of(cls, row: Row | None) -> _Side:
        if row is None:  # nothing reaches a threshold so high: nothing goes out, nothing can be wrong
            return cls(0.0, 0.0, 0.0, Counts())
        return cls(row.share, row.estimate, row.bound, row.counts)


def told(rows: Sequence[Row], setting: Setting) -> dict[int, dict[str, str]]:
    """The texts of every threshold by name, against the threshold in force."""
    now = _Side.of(next((row for row in rows if row.threshold == setting.reading.in_force), None))
    return {row.threshold: _told(row, _Side.of(row), now, setting) for row in rows}


def costs_more(then: _Side, now: _Side, setting: Setting) -> float | None:
    """By how much a week, or per thousand outputs, `then` costs more than `now` at the estimates; None where a price or
    an estimate is missing."""
    costs, factor = setting.costs, 7 if setting.is_daily else 1
    if costs is None or then.estimate is None or now.estimate is None:
        return None
    prices = money.Prices(float(costs.review), float(costs.wrong_release))
    traffic = money.Traffic(setting.volume, setting.audit_rate)
    after, before = (
        money.daily_cost(traffic, prices, released_share=side.share, risk=side.estimate or 0.0, wrong_below=0.0)
        for side in (then, now)
    )
    return factor * (after - before)


def price(rows: Sequence[Row], threshold: int | None, setting: Setting) -> str:
    """`€ 48 a week`: what this threshold costs more than the one in force; empty where it costs no more."""
    sides = {row.threshold: _Side.of(row) for row in rows}
    now = sides.get(setting.reading.in_force or 0, _Side.of(None))
    more = costs_more(sides[threshold], now, setting) if threshold in sides else None
    if more is None or more < 0.5 or setting.costs is None:
        return ""
    return f"{f.money(round(more), setting.costs.currency)} {'a week' if setting.is_daily else setting.unit}"


def _told(row: Row, then: _Side, now: _Side, setting: Setting) -> dict[str, str]:
    traffic = money.Traffic(setting.volume, setting.audit_rate)
    reviews, before = (money.reviews_per_day(traffic, side.share) for side in (then, now))
    released = then.share * setting.volume
    texts = {
        "title": f"If the threshold were {at(row.threshold)}",
        "say": verdict(row, setting),
        "released": f"{_count(released)} {setting.unit}",
        "released_note": f"{_change(released - now.share * setting.volume)}; {percent(then.share, places=0)} of "
        f"{_count(setting.volume)}",
        "reviewed": f"{_count(reviews)} {setting.unit}",
        "reviewed_note": f"{_change(reviews - before)}; audits included",
        **_hours(reviews, before, setting), **_people(reviews, setting),
        **_wrong(then, now, setting), **_band(row, then, now, setting),
    }  # fmt: skip
    return texts | (_cost(then, now, setting.costs, setting, traffic) if setting.costs else {})


def verdict(row: Row, setting: Setting) -> str:
    """Whether this threshold is proven, in a sentence."""
    limit, aim = bound(row.bound), target(setting.goal)
    failing, start = setting.reading.failing, setting.reading.starts_at or 0
    if row.verdict == "passes" and setting.certified is not None and row.threshold >= setting.certified:
        return f"Certified: at most {aim} of what goes out alone is wrong, {confidence(setting.level)} confidence."
    if row.verdict == "passes" and not setting.is_exploration:
        return f"It passed when the look was taken, with a bound of {limit}; that no longer counts."
    if row.verdict == "passes":
        return f"A look would certify it now, with a bound of {limit}. This is exploration: no guarantee."
    if row.verdict == "fails":
        return f"Not certified: the bound is {limit}, over the target of {aim}."
    if failing is not None and row.threshold < failing.threshold:
        return f"Not tested, because {at(failing.threshold)} fails before it. The bound would be about {limit}."
    return f"Not tested: the tests start at {at(start)}. The bound here is {limit}."


def _wrong(then: _Side, now: _Side, setting: Setting) -> dict[str, str]:
    factor = setting.volume * (7 if setting.is_daily else 1)
    names = "Wrong and out, a week" if setting.is_daily else f"Wrong and out, {setting.unit}"
    before = "none" if now.share == 0 else f"at most {_count(now.bound * now.share * factor)}"
    value = UNKNOWN if then.estimate is None else f"about {_count(then.estimate * then.share * factor)}"
    note = f"at most {_count(then.bound * then.share * factor)}; now {before}"
    return {"wrong_name": names, "wrong": value, "wrong_note": note}


def _band(row: Row, then: _Side, now: _Side, setting: Setting) -> dict[str, str]:
    edge = setting.reading.in_force or 0
    if row.threshold == edge:
        return {"band_name": "Between the two", "band": "nothing", "band_note": "it is the threshold in force"}
    low, high = sorted((row.threshold, edge))
    upper, lower = (now, then) if row.threshold < edge else (then, now)
    between = lower.counts.minus(upper.counts)
    labels = sum(between.n_labelled)
    known = "none judged" if not labels else f"{_count(sum(between.wrong))} of {_count(labels)} judged"
    seen = known + (", all of them" if labels == between.total else f"; {_count(between.total)} in all")
    value = UNKNOWN if between.estimate is None else f"{percent(between.estimate)} wrong"
    more = band_needs(target=setting.goal, delta=setting.reading.delta, labels=labels, wrong=sum(between.wrong))
    if between.estimate is None:
        seen = f"needs {_count(more)} more audits at {at(low)}{f.DASH}{at(high)}"
    return {"band_name": f"{at(low)}{f.DASH}{at(high)} alone", "band": value, "band_note": seen}


def _hours(reviews: float, before: float, setting: Setting) -> dict[str, str]:
    def hours(count: float) -> str:
        return f"{f.number(count * setting.seconds / 3600, places=1)}{f.FIXED}h"

    return {"hours": f"{hours(reviews)} {setting.unit}", "hours_note": f"now {hours(before)}"}


def _people(reviews: float, setting: Setting) -> dict[str, str]:
    if not setting.is_daily:
        return {"people": UNKNOWN, "people_note": "needs seven days of outputs"}
    needed = money.reviewers_needed(reviews, handling_seconds=setting.seconds, productive_seconds=PRODUCTIVE_SECONDS)
    missing = money.reviewers_missing(needed, setting.reviewers)
    have = f"you have {f.number(setting.reviewers)}"
    note = f"needs {f.number(missing, places=1)} more reviewers; {have}" if missing >= 0.05 else have
    return {"people": f.number(needed, places=1), "people_note": note}


def _cost(then: _Side, now: _Side, costs: Costs, setting: Setting, traffic: money.Traffic) -> dict[str, str]:
    prices = money.Prices(float(costs.review), float(costs.wrong_release))

    def cost(side: _Side, risk: float) -> str:
        amount = money.daily_cost(traffic, prices, released_share=side.share, risk=risk, wrong_below=0.0)
        return f.money(round(amount, 2), costs.currency)

    value = UNKNOWN if then.estimate is None else f"{cost(then, then.estimate)} {setting.unit}"
    present = UNKNOWN if now.estimate is None else cost(now, now.estimate)
    return {"cost": value, "cost_note": f"at most {cost(then, then.bound)}; now {present}"}


def _change(value: float) -> str:
    text = f.signed(value)
    return "no change" if text == "0" else text


def _count(value: float) -> str:
    """A whole number; under ten one decimal, unless it is whole."""
    return f.number(value, places=0 if value >= 10 or value == round(value) else 1)
