"""The causal trace of an output: why it is what it is, step by step, each with its entry in the log.

It is read from the entries about the output, its items, seats and deliveries and the policy that judged it, with the
rows and payloads that the entries commit to. The number of queries does not grow with the story.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models.functions import Now

from governance.contracts.masking import MASK, mask, mask_fields
from governance.contracts.schema import Contract
from governance.evidence import log
from governance.evidence.leaf import time_text
from governance.models import Entry, Outcome, Output, Payload, Person
from governance.people import roles
from governance.policies.registry import compiled_contract
from reviews import trace_words
from reviews.models import Decision, Delivery, Item, Seat

MOST_ENTRIES: Final = 500
MOST_DELIVERIES: Final = 50
MOST_OUTCOMES: Final = 50
_OF_DECISIONS: Final = frozenset({"decided", "undone", "superseded", "corrected"})
_FREE_TEXT: Final = frozenset({"comment", "reason", "note"})
_TO_SOMEBODY: Final = frozenset({"assigned", "handed_over", "asked", "answered"})
_ANSWERS: Final = frozenset({"correction", "answer", "output"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads the story. `person` is None for a producer, who knows no names and reads no people's words."""

    person: Person | None
    sees_personal: bool
    sees_audits: bool
    may_sit: bool


def viewer_of(person: Person | None, system: UUID, *, sees_audits: bool = True) -> Viewer:
    """The viewer that a person is in a system, or (with None) its producer."""
    if person is None:
        return Viewer(None, sees_personal=True, sees_audits=sees_audits, may_sit=False)
    may_sit = roles.may(person, "review items", system) or roles.may(person, "adjudicate", system)
    return Viewer(person, roles.may(person, "see personal data", system), sees_audits, may_sit)


@dataclass(frozen=True, slots=True)
class Who:
    """The actor of a step. `name` is a person's, or what a machine or policy is called; None for a person unnamed."""

    kind: str
    id: str
    name: str | None
    roles: tuple[str, ...]
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """The entry that proves a step: its id, its leaf hash in hex, and whether the sealer has given it its place."""

    entry: UUID
    hash: str
    index: int | None

    @property
    def is_sealed(self) -> bool:
        return self.index is not None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `says` is a sentence, `kind` the entry's type (or `arrived`, `contract`, `telling`)."""

    at: datetime
    kind: str
    says: str
    who: Who | None = None
    proof: Proof | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def story(output: Output, viewer: Viewer) -> list[Step]:
    """The steps of the output that this viewer may see, in the order in which they happened.

    Whether the viewer may see the output at all is the door's question (blind items, other systems).
    """
    return _Telling(output, viewer).steps()


def as_json(output: Output, steps: Iterable[Step]) -> dict[str, Any]:
    """The story as the API tells it: `steps` in their order, and the same gathered by what they are about."""
    told = [_step_json(step) for step in steps]
    of = {name: [step for step in told if step["kind"] in kinds] for name, kinds in trace_words.GROUPS.items()}
    return {
        "output": str(output.pk),
        "contract": next((step["facts"] for step in told if step["kind"] == "contract"), None),
        "policy": {
            "version": output.policy.number if output.policy else None,
            "digest": f"sha256:{output.policy.digest}" if output.policy else None,
            "steps": of["policy"],
        },
        "verdict": next((step["facts"] for step in told if step["kind"] == "judged"), None),
        **{name: of[name] for name in ("routing", "claims", "decisions", "deliveries")},
        "outcomes": _outcomes(output),
        "entries": [step["entry"] | {"type": step["kind"]} for step in told if step["entry"]],
        "steps": told,
    }


def _outcomes(output: Output) -> list[dict[str, Any]]:
    """What was learnt of the output from outside, oldest first."""
    kept = Outcome.objects.filter(output=output).order_by("id")[:MOST_OUTCOMES]
    return [
        {"id": str(each.pk), "correct": each.is_correct, "source": each.source,
         "received_at": time_text(each.received_at),
         "observed_at": time_text(each.observed_at) if each.observed_at else None}
        for each in kept
    ]  # fmt: skip


def _step_json(step: Step) -> dict[str, Any]:
    who, proof = step.who, step.proof
    return {
        "at": time_text(step.at),
        "kind": step.kind,
        "says": step.says,
        "by": who
        and {"kind": who.kind, "id": who.id, "name": who.name, "roles": who.roles, "simulated": who.is_simulated},
        "entry": proof
        and {
            "id": str(proof.entry),
            "leaf_hash": proof.hash,
            "state": "sealed" if proof.is_sealed else "pending",
            "index": proof.index,
        },
        "facts": step.facts,
    }


class _Telling:
    """The rows behind one story, read once."""

    def __init__(self, output: Output, viewer: Viewer) -> None:
        self.output, self.viewer = output, viewer
        # An audit that is not held is the house's secret: a producer could send an output again until it has none.
        self.hides_audit = output.lane == "release" and not output.is_held and not viewer.sees_audits
        self.items = list(Item.objects.filter(output=output).select_related("queue").order_by("round"))
        self.seats = list(Seat.objects.filter(item__in=self.items).values_list("id", flat=True))
        self.deliveries = list(Delivery.objects.newest_first().filter(output=output)[:MOST_DELIVERIES])
        now = Decision.objects.filter(output=output).annotate(now=Now())
        self.decisions = {str(decision.pk): decision for decision in now}
        self.entries = self._entries()
        written = [entry.pk for entry, _ in self.entries]
        self.places = log.places(written)
        self.names = self._names()
        self.contract = self._contract()
        self.words = self._words()

    def steps(self) -> list[Step]:
        told: list[Step] = []
        for entry, leaf in self.entries:
            if not self._is_hidden(entry, leaf):
                told += self._first_steps(entry) if entry.type == "judged" else []
                told.append(self._step(entry, leaf))
        waiting = [delivery for delivery in reversed(self.deliveries) if self._is_waiting(delivery)]
        return told + [
            Step(d.due_at, "telling", trace_words.telling(d), facts={"event": d.event, "attempts": d.attempts})
            for d in waiting
        ]

    def _entries(self) -> list[tuple[Entry, dict[str, Any]]]:
        about = [self.output.pk, *(item.pk for item in self.items), *self.seats, *(d.pk for d in self.deliveries)]
        about += Outcome.objects.filter(output=self.output).order_by("-id").values_list("pk", flat=True)[:MOST_OUTCOMES]
        if self.output.policy_id:
            about.append(self.output.policy_id)
        rows = Entry.objects.filter(subject__in=about).order_by("at", "id")
        read = [(row, json.loads(bytes(row.leaf))) for row in rows[:MOST_ENTRIES]]
        judged = next((row.at for row, _ in read if row.type == "judged"), None)
        # What became of the policy version later is no cause of this output.
        return [(row, leaf) for row, leaf in read if row.subject_kind != "policy" or (judged and row.at <= judged)]

    def _names(self) -> dict[str, str]:
        if self.viewer.person is None:
            return {}
        ids = {leaf["actor"]["id"] for _, leaf in self.entries if leaf["actor"]["kind"] == "person"}
        ids |= {leaf["detail"]["to"] for entry, leaf in self.entries if entry.type in _TO_SOMEBODY}
        return {str(id): name for id, name in Person.objects.filter(pk__in=ids).values_list("id", "name")}

    def _contract(self) -> Contract | None:
        version = self.output.policy
        return compiled_contract(version.contract_id) if version and not self.viewer.sees_personal else None

    def _words(self) -> dict[UUID, dict[str, Any]]:
        """What people wrote, by entry and name, as far as this viewer may read it."""
        words: dict[UUID, dict[str, Any]] = {}
        rows = Payload.objects.filter(entry__in=[entry.pk for entry, _ in self.entries])
        for entry, name, content in rows.values_list("entry_id", "name", "content"):
            words.setdefault(entry, {})[name] = self._readable(name, bytes(content))
        return words

    def _readable(self, name: str, content: bytes) -> Any:
        if name in _ANSWERS:
            said = json.loads(content)
            return mask(self.contract, {"output": said})["output"] if self.contract else said
        if name in _FREE_TEXT and (self.viewer.person is None or self.contract):
            return None if self.viewer.person is None else MASK
        return content.decode()

    def _is_hidden(self, entry: Entry, leaf: Mapping[str, Any]) -> bool:
        """Whether this viewer must not know of the step, or not yet."""
        is_later = entry.subject_kind in ("item", "seat", "delivery") or entry.type in _OF_DECISIONS
        if is_later and self.hides_audit:
            return True
        if entry.type not in _OF_DECISIONS:
            return False
        decision = self.decisions.get(leaf.get("detail", {}).get("decision", ""))
        if decision is None:
            return True  # a decision that no row knows is shown to nobody before somebody has looked into it
        item = next(item for item in self.items if item.pk == decision.item_id)
        if self.viewer.person is None:
            return item.state != "closed" or decision.undone_at is not None or not self._is_out(decision)
        is_own = decision.person_id == self.viewer.person.pk
        return item.state != "closed" and self.viewer.may_sit and not is_own

    def _is_waiting(self, delivery: Delivery) -> bool:
        """Whether a delivery waits that this viewer may know of: until a decision is final, a producer does not."""
        if delivery.next_attempt_at is None or self.hides_audit:
            return False
        decision = self.decisions.get(str(delivery.decision))
        return self.viewer.person is not None or decision is None or self._is_out(decision)

    def _is_out(self, decision: Any) -> bool:
        """Whether producers may know of a person's decision: it is final, and not held back by a halt that stands."""
        halt = self.output.system.halt
        return decision.final_at <= decision.now and (halt is None or decision.final_at <= halt.halted_at)

    def _first_steps(self, entry: Entry) -> list[Step]:
        """What came before the verdict and shares its entry: the arrival and the contract check."""
        output, proof = self.output, self._proof(entry)
        problems = [problem for asked in self._verdict().get("trace", ()) for problem in asked.get("problems", ())]
        check = {"version": output.contract_version, "breached": output.is_breached, "problems": problems}
        return [
            Step(entry.at, "arrived", trace_words.arrived(output), None, proof, {"external_id": output.external_id}),
            Step(entry.at, "contract", trace_words.contract(output), None, proof, check),
        ]

    def _step(self, entry: Entry, leaf: Mapping[str, Any]) -> Step:
        facts = {**leaf.get("detail", {}), **leaf.get("decision", {}), **self.words.get(entry.pk, {})}
        if entry.type == "judged":
            facts = self._verdict()
        if entry.type == "routed":
            item = next(item for item in self.items if item.pk == entry.subject)
            facts |= {"says": item.route.get("sentence", ""), "trace": self._masked(item.route.get("trace", ()))}
        if entry.type == "erased" and self.viewer.person is None:
            facts.pop("because", None)
        if entry.type in _TO_SOMEBODY:
            facts["to_name"] = self.names.get(facts["to"])
        if decision := self.decisions.get(facts.get("decision", "")):
            facts |= {"final_at": time_text(decision.final_at), "undone": decision.undone_at is not None}
        who = self._who(leaf["actor"])
        return Step(entry.at, entry.type, trace_words.sentence(entry.type, who, facts), who, self._proof(entry), facts)

    def _verdict(self) -> dict[str, Any]:
        """The verdict as the producer was told it, personal values masked and a secret audit left out."""
        told: dict[str, Any] = json.loads(self.output.content.verdict)
        told["trace"] = self._masked(told.get("trace", ()))
        if self.hides_audit:
            told |= {"audit": None, "propensity": None}
        return told

    def _masked(self, trace: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        if self.contract is None:
            return [dict(asked) for asked in trace]
        return [{**asked, "values": mask_fields(self.contract, asked.get("values", {}))} for asked in trace]

    def _who(self, actor: Mapping[str, Any]) -> Who:
        name = self.names.get(actor["id"]) if actor["kind"] == "person" else actor["id"]
        return Who(actor["kind"], actor["id"], name, tuple(actor["roles"]), bool(actor.get("simulated")))

    def _proof(self, entry: Entry) -> Proof:
        return Proof(entry.pk, bytes(entry.leaf_hash).hex(), self.places.get(entry.pk))
