"""The history of decisions: who may see which, what it can be asked for, and what a decision looks like in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import Q

from governance.contracts.masking import MASK, mask
from governance.contracts.schema import Contract
from governance.models import Payload, Person
from governance.people import roles
from governance.people.actors import Actor
from governance.policies.candidate import MILLION
from governance.policies.operators import instant
from governance.refusals import Invalid, NotAllowed, Problem
from reviews.models import Decision
from reviews.models.decisions import DecisionQuerySet
from reviews.routing.rulebook import rulebook

FILTERS: Final = ("system", "reviewer", "verdict", "rule", "reason", "model_version", "policy", "from", "to", "q")
# The id of a decision is made a moment before or after the time it is decided at.
_SLACK: Final = timedelta(minutes=10)
_decode = msgspec.json.decode


def seen_by(actor: Actor) -> DecisionQuerySet:
    """The decisions that this actor may know of.

    A person sees her own and, where her role says so, everybody's; but in a round that is not closed only her own,
    wherever she could sit in it. A producer sees those on its system's outputs, without known answers, and without
    audits that are not held unless its key reads evidence. Raises NotAllowed for somebody who may see none at all.
    """
    found = Decision.objects.all()
    if actor.key is not None:
        found = found.filter(system=actor.key.system_id)
        if "evidence:read" not in actor.key.scopes:
            hidden = Q(purpose="known_answer") | Q(purpose="audit", output__is_held=False)
            found = found.exclude(hidden & ~Q(person=actor.person) if actor.person else hidden)
        elif actor.person is None:
            found = found.exclude(purpose="known_answer")
    return found if actor.person is None else _of_person(found, actor.person)


def _of_person(found: DecisionQuerySet, person: Person) -> DecisionQuerySet:
    own = Q(person=person)
    if not roles.may(person, "see history"):
        raise NotAllowed("Your role does not include the history of decisions.")
    in_history = _within(roles.systems_for(person, "see history"))
    # Known answers are their reviewer's alone: to her they look like the others, and they change nobody's counts.
    everybodys = _within(roles.systems_for(person, "see everybody's decisions")) & ~Q(purpose="known_answer")
    could_sit = _within(roles.systems_for(person, "review items"))
    return found.filter(in_history, own | (everybodys & (~could_sit | Q(item__state="closed"))))


def _within(systems: set[UUID] | None) -> Q:
    return Q(pk__isnull=False) if systems is None else Q(system_id__in=systems)


def asked_for(decisions: DecisionQuerySet, asked: Mapping[str, str], *, reader: Actor) -> DecisionQuerySet:
    """The decisions that the filters select; none finds by what the reader sees masked or without a name.

    Raises Invalid for filters and values that mean nothing.
    """
    for name in asked:
        if name not in (*FILTERS, "cursor", "limit", "format"):
            raise _wrong(name, f"This filter is not known. Known are {', '.join(FILTERS)}.")
        if "\0" in asked[name]:
            raise _wrong(name, "This holds a NUL character.")
        if name in _READ:
            decisions = decisions.filter(_READ[name](asked[name]))
    if "reviewer" in asked:
        decisions = decisions.filter(_reviewer(asked["reviewer"], reader))
    if asked.get("q", "").strip():
        decisions = decisions.with_words(asked["q"], unmasked_in=_unmasked_in(reader))
    return _between(decisions, asked)


def _verdict(text: str) -> Q:
    if text not in Decision.VERDICTS:
        raise _wrong("verdict", f"This is one of {', '.join(Decision.VERDICTS)}.")
    return Q(verdict=text)


def _policy(text: str) -> Q:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _wrong("policy", "This is the number of a policy version.")
    return Q(policy__number=int(text))


def _reviewer(text: str, reader: Actor) -> Q:
    try:
        return Q(person=UUID(text))
    except ValueError:
        if reader.person is None:
            raise _wrong("reviewer", "This is the id of a reviewer.") from None
        return Q(person__email=text.lower())


def _unmasked_in(reader: Actor) -> set[UUID] | None:
    """The systems whose comments this reader sees as they were written; None for all."""
    return None if reader.person is None else roles.systems_for(reader.person, "see personal data")


_READ: Final[dict[str, Callable[[str], Q]]] = {
    "system": lambda text: Q(system__slug=text),
    "rule": lambda text: Q(rule=text),
    "model_version": lambda text: Q(model_version=text),
    "reason": lambda text: Q(reasons__contains=[text]),
    "verdict": _verdict,
    "policy": _policy,
}


def _between(decisions: DecisionQuerySet, asked: Mapping[str, str]) -> DecisionQuerySet:
    if "from" in asked:
        start = _moment("from", asked["from"])
        decisions = decisions.filter(pk__gte=_first_id(start - _SLACK), decided_at__gte=start)
    if "to" in asked:
        end = _moment("to", asked["to"])
        decisions = decisions.filter(pk__lt=_first_id(end + _SLACK), decided_at__lt=end)
    return decisions


def _first_id(moment: datetime) -> UUID:
    """The smallest version 7 id of that millisecond (RFC 9562, section 5.7)."""
    milliseconds = min(max(int(moment.timestamp() * 1000), 0), 2**48 - 1)
    return UUID(int=milliseconds << 80)


def _moment(name: str, text: str) -> datetime:
    moment = instant(f"{text}T00:00:00Z") or instant(text.replace(" ", "+"))
    # Around it there has to be room for the slack.
    if moment is not None and 1 < moment.year < 9999:
        return moment
    raise _wrong(name, "This is a day such as 2026-03-01, or a time such as 2026-03-01T00:00:00Z.")


def told(decisions: Sequence[Decision], reader: Actor) -> list[dict[str, Any]]:
    """The decisions as the API and the exports tell them: a constant number of queries, whatever their number."""
    rows = Payload.objects.filter(entry__in=[d.entry_id for d in decisions], name__in=("output", "comment"))
    kept: dict[UUID, dict[str, bytes]] = {}
    for entry, name, content in rows.values_list("entry_id", "name", "content"):
        kept.setdefault(entry, {})[name] = bytes(content)
    return [_told(decision, kept.get(decision.entry_id, {}), reader) for decision in decisions]


def _told(decision: Decision, kept: Mapping[str, bytes], reader: Actor) -> dict[str, Any]:
    successor = getattr(decision, "superseded_by", None)
    return {
        "id": decision.pk,
        "system": decision.system.slug,
        "item": decision.item_id,
        "output": decision.output_id,
        "external_id": decision.output.external_id,
        "reviewer": _named(decision.person, reader),
        "round": decision.round,
        "seat": decision.seat,
        "verdict": decision.verdict,
        "correction": _correction(decision, kept.get("output"), reader),
        "reasons": decision.reasons,
        "comment": _comment(decision, kept.get("comment"), reader),
        "correct": decision.is_correct,
        "blind": decision.is_blind,
        "ai_said": decision.ai_said,
        "person_said": decision.person_said,
        "confidence": None if decision.confidence is None else decision.confidence / MILLION,
        "rule": decision.rule,
        "model_version": decision.model_version or None,
        "policy": decision.policy.number if decision.policy else None,
        "decided_at": decision.decided_at.astimezone(UTC),
        "final_at": decision.final_at.astimezone(UTC),
        "undone_at": decision.undone_at.astimezone(UTC) if decision.undone_at else None,
        "took_ms": decision.took_ms,
        "supersedes": decision.supersedes_id,
        "superseded_by": successor.pk if successor else None,
    }


def _named(person: Person, reader: Actor) -> dict[str, Any]:
    # A producer knows no names: to programs that act for nobody, people are who they are in the log.
    return {
        "id": person.pk, "name": None if reader.person is None else person.name, "simulated": person.is_simulated,
    }  # fmt: skip


def _correction(decision: Decision, content: bytes | None, reader: Actor) -> Any:
    if content is None or decision.verdict != "override":
        return None
    output = _decode(content)
    contract = _hiding(decision, reader)
    return output if contract is None else mask(contract, {"output": output})["output"]


def _comment(decision: Decision, content: bytes | None, reader: Actor) -> str:
    # Nobody said where in free text personal data stands.
    return "" if content is None else content.decode() if _hiding(decision, reader) is None else MASK


def _hiding(decision: Decision, reader: Actor) -> Contract | None:
    """The contract whose personal fields this reader must not see; None when nothing has to be hidden."""
    if reader.person is None or roles.may(reader.person, "see personal data", decision.system_id):
        return None
    contract = rulebook(decision.policy_id).contract
    return contract if contract and contract.personal_data else None


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(f"{name}: {detail}", errors=[Problem(f"?{name}", "invalid", detail)])
