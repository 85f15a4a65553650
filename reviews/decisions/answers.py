"""A reviewer's answer read against contract and policy: what it means, or everything that is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from governance.contracts import masking, pointer
from governance.contracts.correctness import is_correct
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING, same
from governance.policies.canonical import canonical_bytes
from governance.policies.policy import Review
from governance.refusals import Invalid, Problem

VERDICTS: Final = ("approve", "override", "reject")
MOST_COMMENT: Final = 4000
_MOST_REASONS: Final = 20
_READING: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person decided. `output` is her own answer, MISSING where she gave none; `is_correct` says whether the AI
    was right by it."""

    verdict: str
    output: Any
    is_correct: bool
    reasons: tuple[str, ...]
    comment: str


def read_answer(
    contract: Contract | None, review: Review, ai: Any, *, is_blind: bool, verdict: str | None, output: Any = MISSING,
    reasons: Sequence[str] = (), comment: str = "",
) -> Answer:  # fmt: skip
    """The answer that these members state, judged against what the AI said (`ai`).

    A blind item takes the person's own output without a verdict, or `reject`; the verdict follows from `correct_when`.
    Elsewhere an approval carries no other output and an override has to change something: an edit is neither lost as
    an approval nor claimed where there is none. Raises Invalid with a pointer for every problem.
    """
    problems: list[Problem] = []
    problems += _text_problems(comment)
    if is_blind:
        verdict = _blind_verdict(contract, ai, verdict, output, problems)
    elif verdict not in VERDICTS:
        problems.append(Problem("/verdict", "unknown-choice", "This is approve, override or reject."))
    _check_output(contract, ai, is_blind, verdict, output, problems)
    known = tuple(dict.fromkeys(reasons))
    problems += _reason_problems(review, verdict, reasons, is_blind=is_blind)
    if problems or verdict is None:
        raise Invalid(f"The decision cannot be taken as it is. {problems[0].detail}", errors=problems)
    right = verdict == "approve" or (verdict == "override" and _is_right(contract, ai, output))
    return Answer(verdict, output if verdict == "override" or is_blind else MISSING, right, known, comment.strip())


def short_reading(contract: Contract | None, output: Any) -> str:
    """An answer in a line: its values at the `correct_when` pointers, at most 200 characters, personal data masked."""
    if output is MISSING:
        return ""
    if contract is not None:
        output = masking.mask(contract, {"output": output})["output"]
    places = contract.correct_when if contract else ()
    values = [pointer.get(output, tokens[1:]) for tokens in places] or [output]
    said = ", ".join(_said(value) for value in values if value is not MISSING)
    return said if len(said) <= _READING else f"{said[: _READING - 1]}…"


def _said(value: Any) -> str:
    return value if isinstance(value, str) else canonical_bytes(value).decode()


def _is_right(contract: Contract | None, ai: Any, output: Any) -> bool:
    return same(ai, output) if contract is None else is_correct(contract, ai, output)


def _blind_verdict(
    contract: Contract | None, ai: Any, verdict: str | None, output: Any, problems: list[Problem]
) -> str | None:
    if verdict == "reject":
        return verdict
    if verdict is not None:
        detail = "A blind item takes your own answer without a verdict, or reject."
        problems.append(Problem("/verdict", "blind", detail))
        return None
    if output is MISSING:
        problems.append(Problem("/output", "missing-field", "Give your own answer; the AI's is hidden until then."))
        return None
    return "approve" if _is_right(contract, ai, output) else "override"


def _check_output(
    contract: Contract | None, ai: Any, is_blind: bool, verdict: str | None, output: Any, problems: list[Problem]
) -> None:
    if output is MISSING:
        if verdict == "override":
            problems.append(Problem("/output", "missing-field", "An override carries the corrected output."))
        return
    if verdict == "reject":
        problems.append(Problem("/output", "contradiction", "A rejection carries no output; to correct it, override."))
        return
    try:
        canonical_bytes(output)
    except Invalid as error:
        problems.append(Problem("/output", "not-storable", error.sentence))
        return
    if contract is not None:
        problems += contract.check(output=output)
    if is_blind or verdict not in VERDICTS:
        return
    unchanged = same(ai, output)
    if verdict == "approve" and not unchanged:
        detail = "An approval changes nothing; to send another output, override."
        problems.append(Problem("/output", "contradiction", detail))
    if verdict == "override" and unchanged:
        detail = "This is the AI's own output, with nothing changed: approve it instead."
        problems.append(Problem("/output", "unchanged", detail))


def _reason_problems(review: Review, verdict: str | None, reasons: Sequence[str], *, is_blind: bool) -> list[Problem]:
    codes = {reason.code for reason in review.reasons}
    problems = [
        Problem(f"/reasons/{index}", "unknown-reason", "The policy has no such reason.")
        for index, code in enumerate(reasons[:_MOST_REASONS])
        if code not in codes
    ]
    if len(reasons) > _MOST_REASONS:
        problems.append(Problem("/reasons", "too-many", f"At most {_MOST_REASONS} reasons are kept."))
    # Whoever answers blind does not know that she overrides, so only a rejection can be asked for its reason.
    asked = verdict == "reject" if is_blind else verdict is not None
    if asked and verdict in review.reason_required and not reasons:
        problems.append(Problem("/reasons", "required", f"The policy asks for a reason when you {verdict}."))
    return problems


def _text_problems(comment: str) -> list[Problem]:
    if len(comment) > MOST_COMMENT:
        return [Problem("/comment", "too-long", f"A comment has at most {MOST_COMMENT} characters.")]
    try:
        canonical_bytes(comment)
    except Invalid as error:
        return [Problem("/comment", "not-storable", error.sentence)]
    return []
