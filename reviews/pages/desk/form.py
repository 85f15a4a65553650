"""The decision form of a card: what is asked, with which keys, what was typed, and what the post says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.http import QueryDict

from governance.contracts import forms
from governance.contracts.forms import Field
from governance.contracts.values import MISSING, same
from governance.refusals import Invalid, Problem

PREFIX: Final = "field:"
MOST_CHOICES: Final = 20
DIGITS: Final = "1234567890"


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer as a button. `text` is posted, `key` decides by the keyboard ("" for none)."""

    text: str
    label: str
    key: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the form with the text in it and what is wrong with that."""

    field: Field
    id: str
    text: str
    error: str = ""

    @property
    def name(self) -> str:
        return PREFIX + self.field.name


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
        return bool(self.fields or self.reasons or self.comment)

    def problem(self, place: str) -> str:
        """The sentences of the problems at a place of the form or below it."""
        found = [p.detail for p in self.errors if p.pointer == place or p.pointer.startswith(f"{place}/")]
        return " ".join(dict.fromkeys(found))


def questions(schema: Any, *, hidden: frozenset[str]) -> list[Field]:
    """The questions of an output schema, without those whose present value this person may not see."""
    return [question for question in forms.fields(schema) if question.name not in hidden]


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


def filled(asked: Sequence[Field], output: Any, typed: Typed | None, id: str) -> list[Asked]:
    """The questions with the texts to show: what was typed, else the output's own values."""
    rows = []
    for number, question in enumerate(asked):
        value = output.get(question.name, MISSING) if isinstance(output, dict) and question.pointer else output
        text = "" if value is MISSING else question.shown(value)
        row = Asked(question, f"{id}-{number}", text)
        if typed is not None:
            row = replace(
                row, text=typed.fields.get(question.name, text), error=typed.problem(f"/output{question.pointer}")
            )
        rows.append(row)
    return rows


def typed_in(data: QueryDict) -> Typed:
    """What the form sent, to be shown again."""
    fields = {name.removeprefix(PREFIX): str(data[name]) for name in data if name.startswith(PREFIX)}
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
    output = _output(schema, asked, fields, said) if fields else MISSING
    if verdict == "approve" and (output is MISSING or same(output, said)):
        return {**given, "verdict": "approve"}
    return {**given, "verdict": verdict or None, "output": output}


def _output(schema: Any, asked: Sequence[Field], fields: Mapping[str, str], base: Any) -> Any:
    output, problems = forms.read_form(schema, asked, fields, base)
    if problems:
        raise Invalid(problems[0].detail, errors=problems)
    return output


def _alternative(number: str, others: Sequence[Any]) -> Any:
    if not number.isdecimal() or int(number) >= len(others):
        detail = "The AI gave no such alternative."
        raise Invalid(detail, errors=[Problem("/output", "unknown-choice", detail)])
    return others[int(number)]
