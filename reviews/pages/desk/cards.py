"""A card: one claimed item as a reviewer sees it. What she must not see yet is not in it at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from governance.contracts import masking
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING, decimal_of, same
from governance.models import Person
from governance.people import roles
from governance.policies.policy import Review
from reviews.decisions.answers import short_reading
from reviews.decisions.cases import Case, opinions
from reviews.pages.desk import form
from reviews.pages.desk.alike import Alike, alike
from reviews.pages.desk.asking import Asked, filled
from reviews.pages.desk.form import Choice, Typed
from reviews.pages.desk.keys import bound
from reviews.pages.showing import Shown, Text, is_viewed, show, text
from reviews.pages.showing.call import Call
from reviews.pages.showing.diff import Change, changes
from reviews.pages.showing.foreign import as_json
from reviews.pages.showing.tree import Value, plain_value
from reviews.queue.claims import Claim
from reviews.routing.urgency import due_words

MILLION: Final = 1_000_000
_MOST_ALTERNATIVES: Final = 5
_SHORT: Final = 3
_LINE: Final = 60
_WHOLE: Final = frozenset({"call", "fields", "conversation"})


@dataclass(frozen=True, slots=True)
class Alternative:
    """What else the AI considered; `number` is posted, `key` overrides to it. Confidence in millionths."""

    number: int
    said: Text
    confidence: int | None
    key: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the AI said: in a line, whole where the line does not hold it all, and how sure it was. `key` approves it
    where answers are single digits: whoever types the digit that she sees never types a wrong verdict."""

    line: Text
    is_long: bool
    whole: Shown | None
    confidence: int | None
    needed: int | None
    alternatives: tuple[Alternative, ...]
    others: int | None
    explanation: Text | None
    key: str

    @property
    def is_told_whole(self) -> bool:
        """Whether the whole stands in the place of the line: a call, fields, a text too long for one."""
        known = self.whole is not None and any(part.kind in _WHOLE for part in self.whole.parts)
        return known or (self.whole is not None and len(self.line.plain) > _LINE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one of two people answered, for whoever adjudicates; without a name. `verdict` is "" where she was blind."""

    verdict: str
    said: Text
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One item before its reviewer. `said`, `because` and `alike` are None or empty on a blind item."""

    claim: Claim
    question: str
    shown: Shown | None
    facts: tuple[tuple[str, Value], ...]
    said: Said | None
    because: str
    policy: int | None
    alike: Alike
    heard: tuple[Heard, ...]
    asked: tuple[Asked, ...]
    choices: tuple[Choice, ...]
    is_choice: bool
    review: Review
    typed: Typed
    keys: Mapping[str, str]

    @property
    def due(self) -> str:
        """When it is due, in the time of its queue."""
        return due_words(self.claim.calendar, self.claim.due_at, self.claim.now)

    @property
    def pk(self) -> Any:
        """The item's id: what the parts of the page are named after."""
        return self.claim.item

    @property
    def call(self) -> Call | None:
        """What the AI would run: shown after what was said before, not beside it."""
        parts = self.said.whole.parts if self.said and self.said.whole else ()
        return next((part for part in parts if isinstance(part, Call)), None)

    @property
    def seconds_left(self) -> int:
        return max(0, int((self.claim.expires_at - self.claim.now).total_seconds()))

    @property
    def is_measured(self) -> bool:
        """Whether a threshold sent it here, so that the two numbers say why."""
        return self.claim.rule.startswith("threshold:") and None not in (self.claim.confidence, self.claim.threshold)

    @property
    def reason_needed_for(self) -> str:
        """The verdicts that the policy wants a reason for; whoever is blind can only know that she rejects."""
        needed = self.review.reason_required
        return " ".join(verdict for verdict in needed if not self.claim.is_blind or verdict == "reject")

    @property
    def reason_verdicts(self) -> list[str]:
        return self.reason_needed_for.split()

    @property
    def reason_error(self) -> str:
        return self.typed.problem("/reasons")

    @property
    def comment_error(self) -> str:
        return self.typed.problem("/comment")

    @property
    def shown_ms(self) -> int:
        """When the card was made, in milliseconds since 1970, so that the time taken is known without scripts."""
        return int(self.claim.now.timestamp() * 1000)


def card(claim: Claim, person: Person, *, typed: Typed | None = None, with_cases: bool = True) -> Card:
    """The card of a claim for the person who has it. Never raises for what the item holds. A card that is shown already
    needs no cases like it again."""
    typed = typed or Typed()
    contract = claim.rules.contract
    sent, said, context = seen(claim, person)
    schema: Any = contract.output_schema if contract else True
    told = None if claim.is_blind else said
    asked = form.questions(schema, hidden=hidden_fields(claim, person), said=told, typed=typed)
    is_choice = form.is_choice(asked)
    others = () if claim.is_blind else alternatives(context, said)
    choices: Sequence[Choice] = ()
    if is_choice:
        name = asked[0].key
        first = [other["output"].get(name) for other in others if isinstance(other["output"], dict)]
        own = said.get(name, MISSING) if isinstance(said, dict) else MISSING
        choices = form.choices(asked[0], said=MISSING if claim.is_blind else own, first=first)
    given: Any = contract.input_schema if contract else True
    shown = None if sent is MISSING else show(given, sent, "What the AI was given")
    listed = {short_reading(contract, other["output"]) for other in others}
    attributes = {} if claim.is_blind else context.get("attributes") or {}
    verdict = json.loads(claim.verdict) if claim.verdict and not claim.is_blind else {}
    part = claim.rules.part or {}
    return Card(
        claim, _question(schema, claim.is_blind), shown,
        tuple((str(name), plain_value(value)) for name, value in list(attributes.items())[:2]),
        None if claim.is_blind else _said(claim, contract, said, context, others, choices, is_choice),
        str(verdict.get("because") or ""), None if claim.is_blind else part.get("version"),
        Alike() if claim.is_blind or not with_cases else alike(
            claim.system, given=sent, ai_said=_reading(claim, contract), besides=claim.output, contract=contract
        ),
        _heard(claim, contract, said),
        tuple(filled(asked, MISSING if claim.is_blind else said, typed, f"q{claim.item.hex[-8:]}")),
        # What stands beside its confidence already needs no second button.
        tuple(choice for choice in choices if choice.text not in listed), is_choice, claim.rules.review, typed,
        bound(person),
    )  # fmt: skip


def seen(claim: Claim, person: Person) -> tuple[Any, Any, dict[str, Any]]:
    """Input, answer and context as this person may see them; MISSING, None and {} where the content was erased."""
    sent, said, context = whole(claim)
    contract = claim.rules.contract
    if contract is None or sent is MISSING or sees_personal(claim, person):
        return sent, said, context
    masked = masking.mask(contract, {"input": sent, "output": said, "attributes": context.get("attributes") or {}})
    others = context.get("alternatives") or []
    # Nobody said where in free text personal data stands.
    explanation = masking.MASK if context.get("explanation") else None
    hidden = {
        **context, "attributes": masked["attributes"], "explanation": explanation,
        "alternatives": [{**other, **masking.mask(contract, {"output": other["output"]})} for other in others],
    }  # fmt: skip
    return masked["input"], masked["output"], hidden


def whole(claim: Claim) -> tuple[Any, Any, dict[str, Any]]:
    """Input, answer and context as they were sent; MISSING, None and {} where the content was erased."""
    if claim.input is None or claim.answer is None or claim.context is None:
        return MISSING, None, {}
    sent, said, context = (json.loads(part) for part in (claim.input, claim.answer, claim.context))
    return sent, said, context


def sees_personal(claim: Claim | Case, person: Person) -> bool:
    return roles.may(person, "see personal data", claim.system)


def hidden_fields(claim: Claim | Case, person: Person) -> frozenset[str]:
    """The members of the output that she is not asked about, because she may not see what they hold."""
    contract = claim.rules.contract
    if contract is None or sees_personal(claim, person):
        return frozenset()
    return frozenset(tokens[1] for tokens in contract.personal_data if tokens[0] == "output" and len(tokens) > 1)


def alternatives(context: dict[str, Any], said: Any) -> list[dict[str, Any]]:
    """What else the AI considered, as sent, without its answer itself; the first few."""
    found = [other for other in context.get("alternatives") or [] if isinstance(other, dict) and "output" in other]
    return [other for other in found if not same(other["output"], said)][:_MOST_ALTERNATIVES]


def _said(
    claim: Claim, contract: Contract | None, said: Any, context: dict[str, Any], others: Sequence[dict[str, Any]],
    choices: Sequence[Choice], is_choice: bool,
) -> Said:  # fmt: skip
    line = short_reading(contract, said)
    rows = []
    for number, other in enumerate(others):
        words = short_reading(contract, other["output"])
        key = next((choice.key for choice in choices if choice.text == words), "") if is_choice else str(number + 1)
        rows.append(Alternative(number, text(words), _millionths(other.get("confidence")), key))
    known = [row.confidence for row in rows if row.confidence is not None]
    rest = MILLION - (claim.confidence or 0) - sum(known) if claim.confidence is not None and known else None
    whole = None
    schema: Any = contract.output_schema if contract else True
    is_more = isinstance(said, dict) and len(said) > len(contract.correct_when if contract else ())
    if is_more or len(line) > _LINE or is_viewed(schema, said):
        whole = show(schema, said, "The whole answer")
        line = next((part.plain for part in whole.parts if isinstance(part, Call)), line)
    explanation = context.get("explanation")
    return Said(
        text(line), len(line) > _SHORT, whole, claim.confidence, claim.threshold, tuple(rows),
        rest if rest is not None and rest >= 5_000 else None,
        text(explanation if isinstance(explanation, str) else as_json(explanation)) if explanation else None,
        line if is_choice and line in form.DIGITS and all(choice.key == choice.label for choice in choices) else "",
    )  # fmt: skip


def _reading(claim: Claim, contract: Contract | None) -> str:
    return short_reading(contract, json.loads(claim.answer)) if claim.answer is not None else ""


def _heard(claim: Claim, contract: Contract | None, said: Any) -> tuple[Heard, ...]:
    """Both answers for the third person, in an order that does not tell whose they are."""
    if claim.number != 3:
        return ()
    heard, ai = [], short_reading(contract, said)
    for opinion in opinions(claim.item):
        own = short_reading(contract, opinion.output) if opinion.output is not None else ai
        verdict = "" if claim.is_blind and opinion.verdict != "reject" else opinion.verdict
        shown = "" if opinion.verdict == "reject" else own
        is_correction = opinion.verdict == "override" and not claim.is_blind
        heard.append(Heard(verdict, text(shown), changes(ai, shown) if is_correction and len(shown) > _LINE else ()))
    return tuple(sorted(heard, key=lambda each: (each.said.plain, each.verdict)))


def _question(schema: Any, is_blind: bool) -> str:
    title = schema.get("title") if isinstance(schema, dict) else None
    if isinstance(title, str) and title:
        return title
    return "What is the right answer?" if is_blind else "Is this answer right?"


def _millionths(confidence: Any) -> int | None:
    number = decimal_of(confidence)
    return int(number * MILLION) if number is not None and 0 <= number <= 1 else None
