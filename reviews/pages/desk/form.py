"""The decision form of a card: what is asked, with which keys, what was typed, and what the post says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict

from governance.contracts import calls, forms
from governance.contracts.forms import Field
from governance.contracts.values import MISSING, same
from governance.refusals import Invalid, Problem

PREFIX: Final = "field:"
# Says of an array that it was asked for, so that one whose rows are all gone is empty and not untouched.
ROWS: Final = "rows:"
MOST_CHOICES: Final = 20
DIGITS: Final = "1234567890"


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer as a button. `text` is posted, `key` decides by the keyboard ("" for none)."""

    text: str
    label: str
    key: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody sent that was not taken: shown again, with every problem at its place."""

    verdict: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    comment: str = ""
    sentence: str = ""
    errors: tuple[Problem, ...] = ()

    @property
    def has_text(self) -> bool:
        """Whether there is something that would be a pity to lose."""
        return bool(any(self.fields.values()) or self.reasons or self.comment)

    @property
    def told(self) -> list[tuple[str, str]]:
        """What was typed, each by the way to its field in words: the second of several is called 2."""
        return [(_way(name), said) for name, said in self.fields.items()]

    def problem(self, place: str, *, besides: Sequence[str] = ()) -> str:
        """The sentences of the problems at a place of the form or below it, but for those at or below `besides`."""
        found = [
            problem.detail for problem in self.errors
            if _is_at(problem.pointer, place) and not any(_is_at(problem.pointer, other) for other in besides)
        ]  # fmt: skip
        return " ".join(dict.fromkeys(found))


def questions(schema: Any, *, hidden: frozenset[str], said: Any = None, typed: Typed | None = None) -> list[Field]:
    """The questions of an output schema, without those whose present value this person may not see.

    Where the answer is a call, the action that was typed, else the one that was said, decides what is asked for.
    """
    texts = dict(typed.fields) if typed else {}
    base = said if isinstance(said, dict) else {}
    asked = forms.fields(schema, {**base, **{name: text for name, text in texts.items() if text}})
    # Where the whole is one question, nothing can be asked without what is hidden.
    return [question for question in asked if (question.key not in hidden if question.pointer else not hidden)]


def is_choice(asked: Sequence[Field]) -> bool:
    """Whether the whole answer is one pick among a few: then every answer is a button with a key."""
    return len(asked) == 1 and asked[0].kind == "enum" and 1 < len(asked[0].options) <= MOST_CHOICES


def choices(question: Field, *, said: Any = MISSING, first: Sequence[Any] = ()) -> list[Choice]:
    """The answers to pick from, but for the one that was `said`; those in `first` lead. Digits are their own keys."""
    options = list(zip(question.options, question.choices, strict=True))
    if said is not MISSING:
        options = [pair for pair in options if not same(pair[1], said)]

    def rank(pair: tuple[Any, Any]) -> int:
        return next((place for place, value in enumerate(first) if same(value, pair[1])), len(first))

    options.sort(key=rank)
    labels = [label for (_, label), _ in options]
    if labels and all(len(label) == 1 and label in DIGITS for label in labels):
        return [Choice(text, label, label) for (text, label), _ in options]
    keys = [*DIGITS, *[""] * len(options)]
    return [Choice(text, label, key) for ((text, label), _), key in zip(options, keys, strict=False)]


def typed_in(data: QueryDict) -> Typed:
    """What the form sent, to be shown again."""
    fields = {name.removeprefix(ROWS): "" for name in data if name.startswith(ROWS)}
    fields |= {name.removeprefix(PREFIX): str(data[name]) for name in data if name.startswith(PREFIX)}
    return Typed(data.get("verdict", ""), fields, tuple(data.getlist("reasons")), data.get("comment", ""))


def read(
    data: QueryDict, *, schema: Any, asked: Sequence[Field], said: Any, others: Sequence[Any], is_blind: bool
) -> dict[str, Any]:
    """The arguments of `decide` that a posted form states. Raises Invalid where a field cannot be read.

    `others` are the alternatives, which are sent by their number. An approval carries an edited form along, so that
    the verb can refuse it: an edit is never lost as an approval.
    """
    given: dict[str, Any] = {"reasons": data.getlist("reasons"), "comment": data.get("comment", "")}
    verdict = data.get("verdict", "")
    if verdict == "reject":
        return {**given, "verdict": "reject"}
    if "answer" in data and len(asked) == 1:
        output = _output(schema, asked, {asked[0].name: str(data["answer"])}, MISSING if is_blind else said)
        return {**given, "verdict": None if is_blind else "override", "output": output}
    if "alternative" in data and not is_blind:
        return {**given, "verdict": "override", "output": _alternative(str(data["alternative"]), others)}
    fields = typed_in(data).fields
    if is_blind:
        output = _output(schema, asked, fields, MISSING)
        return {**given, "verdict": None, "output": output} if fields else given
    if verdict == "approve" and forms.is_untouched(asked, fields, said):
        return {**given, "verdict": "approve"}
    output = _output(schema, asked, fields, said) if fields else MISSING
    if verdict == "approve" and (output is MISSING or same(output, said)):
        return {**given, "verdict": "approve"}
    return {**given, "verdict": verdict or None, "output": output}


def _output(schema: Any, asked: Sequence[Field], fields: Mapping[str, str], base: Any) -> Any:
    action = next((fields[name] for name in calls.ACTIONS if name in fields), None)
    output, problems = forms.read_form(schema, asked, fields, calls.for_action(schema, base, action))
    if problems:
        raise Invalid(problems[0].detail, errors=problems)
    return output


def _alternative(number: str, others: Sequence[Any]) -> Any:
    if not number.isdecimal() or int(number) >= len(others):
        detail = "The AI gave no such alternative."
        raise Invalid(detail, errors=[Problem("/output", "unknown-choice", detail)])
    return others[int(number)]


def _way(name: str) -> str:
    steps = [str(int(step) + 1) if step.isdecimal() else step for step in name.split("/")]
    return " ".join(steps).capitalize()


def _is_at(pointer: str, place: str) -> bool:
    return pointer == place or pointer.startswith(f"{place}/")
