"""Where the threshold stands, in a plain sentence, what to do next, and what a certificate would take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from governance.pages.templatetags import _formats as f
from governance.tuning import planner
from governance.tuning.planner import Plan
from governance.tuning.reading import Reading, unseen
from governance.tuning.words import at, bound, percent, target


def next_step(
    state: str, *, has_newer: bool, more: int | None, costs_more: str, days: float | None, is_all_reviewed: bool
) -> str:
    """One sentence for each state: what its owner does now."""
    if state in ("certified", "certified-provisional"):
        if not has_newer:
            return "The threshold in force is the certified one. Nothing to do until the next look."
        price = (
            f" It costs {costs_more} more than the one in force, so more goes out but no money is saved."
            if costs_more
            else ""
        )
        return f"Propose it; others sign, and nothing changes before they have.{price}"
    if state == "violated":
        return (
            "Raise the threshold or restore the policy before, then look again. Where the audits have alarmed, the "
            "incident says what was found."
        )
    if state == "expired":
        return (
            "Take a look when the next one is due; until then the threshold in force stays, and nothing vouches for it."
        )
    if state == "frozen":
        return "See that the audits are judged; then look again. Another model needs evidence of its own first."
    if more and days is not None and days >= 1:
        return f"Wait: at the present flow the missing verdicts are there in about {f.number(days)} days."
    if is_all_reviewed:
        return "Go on deciding: each verdict counts, and the planner below says how many are missing."
    return "Audit more, accept a higher target, or improve the model: the planner below says what each takes."


def why_not(read: Reading, goal: float, *, more: int | None) -> list[str]:
    """The failing step in words, sentence by sentence; empty when nothing failed. `more` verdicts would let it pass."""
    step = read.failing
    if step is None:
        return []
    told = [
        f"The tests go down from {at(read.starts_at or step.threshold)} and stop at the first threshold that fails, "
        f"which is {at(step.threshold)}."
    ]
    reviewed, released = step.n_labelled
    seen = f"{f.number(sum(step.wrong))} of {f.number(reviewed + released)} verdicts there say wrong"
    if step.estimate is None:
        told.append("None of what went out alone there has been audited, so nothing is known of it.")
    else:
        told.append(
            f"{seen}. The best estimate is {percent(step.estimate)}, but as much as "
            f"{bound(min(1.0, step.bound * unseen(read, goal)))} could be wrong, and the target is {target(goal)}."
        )
        if unseen(read, goal) > 1.0:
            told.append("Errors that reviewers miss are in that bound: known answers have measured how many they find.")
        if step.estimate >= read.target:
            missed = ", with what reviewers may miss beside it," if step.estimate < goal else ""
            told.append(f"The estimate itself{missed} is not under the target, so more audits alone would not help.")
        elif more:
            told.append(
                f"If exactly that share stays wrong, about {f.number(more)} more verdicts would just do. The planner "
                "leaves room for chance."
            )
    told.append(f"By chance alone, so good a result would come up in {percent(step.p)} of samples of what is too bad; "
                f"allowed is {percent(read.delta)}.")  # fmt: skip
    return told


@dataclass(frozen=True)
class Planned:
    """The planner's answer in words; `refusal` says why there is none."""

    plan: Plan | None
    sentences: tuple[str, ...] = ()
    refusal: str = ""


def planned(
    *, goal: float, used_target: float, delta: float, expected: float, per_day: float, rate: float, have: int
) -> Planned:  # fmt: skip
    """What would certify. `goal` is the policy's target as it is told, `used_target` what the test uses of it."""
    if not expected < used_target:
        return Planned(
            None, refusal=f"Nothing certifies {target(goal)} while {percent(expected)} is expected to be wrong."
        )
    try:
        found = planner.plan(
            target=used_target, delta=delta, expected_risk=expected, released_per_day=per_day, rate=rate, have=have
        )
    except ValueError:
        return Planned(None, refusal="The expected risk is too near the target to be told apart from it.")
    told = [
        f"{f.number(found.audits)} verdicts certify {target(goal)} in four cases of five if {percent(expected)} is "
        f"wrong; {f.number(found.at_best)} would do if none were. {f.number(found.more)} are missing."
    ]
    if not found.more:
        told.append("They are there: take the look when it is due.")
    elif not per_day:
        told.append("How many come a day is known after seven days; until then, give it below.")
    elif found.days is None:
        told.append("Nothing is audited at this rate, so they never come.")
    else:
        told.append(
            f"At {f.number(found.audits_per_day, places=1)} audits a day that takes {f.number(found.days)} days."
        )
    if found.more and found.rate_needed is not None:
        told.append(
            f"An audit rate of {percent(found.rate_needed)} brings them within {f.number(found.within_days)} days."
        )
    elif found.more and per_day:
        told.append(f"Even auditing everything would take more than {f.number(found.within_days)} days.")
    return Planned(found, tuple(told))
