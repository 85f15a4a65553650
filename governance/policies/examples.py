"""Tests of a policy: outputs whose lane every policy of the system has to get right, or say why it does not."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from governance import clock
from governance.contracts.schema import Contract
from governance.evidence.record import record
from governance.models import Example, Output, OutputContent, PolicyVersion, System
from governance.people.actors import Actor
from governance.policies import modelversions, registry, steps
from governance.policies.candidate import Candidate
from governance.policies.judge import Verdict, judge
from governance.policies.policy import Policy
from governance.refusals import Conflict, Invalid, Problem

MOST: Final = 200
MOST_NOTE: Final = 500
_NEVER_DRAWN: Final = 2**64 - 1


class Tried(NamedTuple):
    """An example, and what a policy says of it: None where its content was erased, so that nothing can be said."""

    example: Example
    verdict: Verdict | None

    @property
    def is_broken(self) -> bool:
        if self.verdict is None:
            return False
        lane, expected = self.verdict.lane, self.example.expected
        return lane == "release" if expected == "review" else lane != expected

    @property
    def sentence(self) -> str:
        """`msg-12 must go to review, and would go out alone by threshold:default`."""
        if self.verdict is None:
            return f"{self.example.output.external_id} was erased, so it tests nothing any more"
        said = {"release": "go out alone", "review": "go to review", "block": "be blocked"}
        expected, lane = said[self.example.expected], said[self.verdict.lane]
        would = f"would {lane} by {self.verdict.rule}"
        return f"{self.example.output.external_id} must {expected}, and {would}"


def pin(output: Output, *, expected: str, by: Actor, note: str = "") -> Example:
    """Keeps an output as an example of what every policy has to do. Raises Invalid, Conflict when it is one already or
    the system keeps as many as it may, NotAllowed and NotFound."""
    person = steps.person(by, "pin an example", output.system)
    note = note.strip()
    if expected not in Example.EXPECTED:
        raise Invalid(f"An example goes to one of {', '.join(Example.EXPECTED)}.")
    if len(note) > MOST_NOTE or "\0" in note:
        raise Invalid(f"A note has at most {MOST_NOTE} characters.")
    if Example.objects.kept(output.system).count() >= MOST:
        raise Conflict(f"A system keeps at most {MOST} examples: drop one first.")
    id = clock.new_id()
    try:
        with transaction.atomic():
            entry = record(
                "example_pinned", actor=by, kind="example", id=id, system=output.system_id,
                detail={"output": str(output.pk), "expected": expected},
                payloads={"note": note.encode()} if note else None,
            )  # fmt: skip
            return Example.objects.create(
                id=id, system=output.system, output=output, expected=expected, note=note, pinned_by=person,
                entry_id=entry.id,
            )  # fmt: skip
    except IntegrityError as error:
        if "one_example_an_output" in str(error):
            raise Conflict("This output is an example already.") from error
        raise


@transaction.atomic
def drop(example: Example, *, by: Actor) -> None:
    """Takes an example back. Raises Conflict when that is done already, NotAllowed and NotFound."""
    steps.person(by, "drop an example", example.system)
    Example.objects.select_for_update(of=("self",)).get(pk=example.pk)
    entry = record(
        "example_dropped", actor=by, kind="example", id=example.pk, system=example.system_id,
        detail={"output": str(example.output_id), "expected": example.expected},
    )  # fmt: skip
    if not Example.objects.filter(pk=example.pk, dropped_at=None).update(dropped_at=Now(), entry_id=entry.id):
        raise Conflict("This example was dropped already.")


def tried(system: System, policy: Policy, contract: Contract) -> list[Tried]:
    """Every example of the system beside what a policy says of it, under a contract."""
    kept = list(Example.objects.kept(system).told()[:MOST])
    contents = OutputContent.objects.in_bulk([example.output_id for example in kept]) if kept else {}
    admitted = modelversions.admitted(system.pk) if kept and policy.models is not None else {}
    return [Tried(one, _verdict(one.output, contents.get(one.output_id), policy, contract, admitted)) for one in kept]


def under_the_policy_in_force(system: System) -> list[Tried]:
    """Every example of the system, the latest first; without a policy in force nothing is said of them."""
    current = system.in_force
    if current is None:
        return [Tried(one, None) for one in Example.objects.kept(system).told()[:MOST]]
    return tried(system, registry.compiled(current.pk), registry.compiled_contract(current.contract_id))


def verdict_on(version: PolicyVersion, output: Output) -> Verdict | None:
    """What a version says of an output on record; None where its content was erased."""
    policy, contract = registry.compiled(version.pk), registry.compiled_contract(version.contract_id)
    content = OutputContent.objects.filter(output=output).first()
    return _verdict(output, content, policy, contract, modelversions.admitted(output.system_id))


def broken(version: PolicyVersion) -> list[Tried]:
    """The examples that a version gets wrong now."""
    policy, contract = registry.compiled(version.pk), registry.compiled_contract(version.contract_id)
    return [one for one in tried(version.system, policy, contract) if one.is_broken]


def check(system: System, policy: Policy, contract: Contract, *, despite: str) -> list[UUID]:
    """The examples that a policy text breaks, once there is a reason. Raises Invalid, each of them named, without."""
    wrong = [one for one in tried(system, policy, contract) if one.is_broken]
    if wrong and not despite.strip():
        count = f"{len(wrong)} examples" if len(wrong) > 1 else "an example"
        raise Invalid(
            f"This policy breaks {count} of what it must do. Say why that is right, or change it.",
            errors=[Problem("/despite", "breaks-example", f"{one.sentence}.") for one in wrong],
        )
    return [one.example.pk for one in wrong]


def check_signature(version: PolicyVersion) -> None:
    """Raises Conflict for a proposal that breaks an example which was pinned after somebody gave its reasons."""
    known = {UUID(id) for id in version.breaks}
    new = [one for one in broken(version) if one.example.pk not in known]
    if new:
        raise Conflict("It breaks an example that was pinned since it was proposed: it has to be proposed again.")


def candidate_of(output: Output, content: OutputContent, contract: Contract) -> Candidate:
    """An output on record as a policy sees it, checked against a contract."""
    given, answer = json.loads(content.input), json.loads(content.answer)
    attributes: Any = json.loads(content.context).get("attributes") or {}
    return Candidate(
        output.confidence, given, answer, attributes, output.model or None, output.model_version or None,
        output.prompt_version, output.received_at, contract.check(input=given, output=answer),
    )  # fmt: skip


def _verdict(
    output: Output, content: OutputContent | None, policy: Policy, contract: Contract, admitted: Any
) -> Verdict | None:  # fmt: skip
    if content is None or not bytes(content.salt_key):
        return None
    return judge(policy, candidate_of(output, content, contract), draw=_NEVER_DRAWN, admitted=admitted)
