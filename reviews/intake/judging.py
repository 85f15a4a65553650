"""What the policy in force says of an arrival, and what becomes of it: released, blocked, or an item for people.

No queries: the policy is an argument. Whatever goes wrong while judging, a person decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from governance.contracts import pointer
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING
from governance.policies.candidate import MILLION, Candidate
from governance.policies.judge import Verdict, is_drawn, judge
from governance.policies.registry import InForce
from governance.policies.validated import name_of
from governance.refusals import Problem
from reviews.intake.arrivals import Arrival
from reviews.intake.macs import Blocks, blocks, mac

_NO_POLICY: Final = "No policy is in force here, so a person decides."


@dataclass(frozen=True, slots=True)
class Dice:
    """The installation's draw key that new outputs are drawn with, and its version."""

    key: bytes
    version: int
    _blocks: Blocks = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_blocks", blocks(self.key))

    def draw(self, system: str, external_id: str) -> int:
        """`draw_of` under this key."""
        return int.from_bytes(mac(*self._blocks, f"{system}\0{external_id}".encode())[:8], "big")

    @classmethod
    def newest(cls, keys: Mapping[int, bytes]) -> Dice:
        """The key of the highest version."""
        version = max(keys)
        return cls(keys[version], version)


@dataclass(slots=True)
class Judged:
    """An arrival with its verdict. `purpose` is what its item is for, None when no person is needed. `case` is the same
    number for outputs of one case, None for an output by itself. `admission` is the hash of the entry that let its
    model in, None where nobody had to."""

    arrival: Arrival
    candidate: Candidate
    verdict: Verdict
    draw: int
    purpose: str | None
    is_blind: bool
    status: str
    case: int | None = None
    admission: str | None = None

    @property
    def resolved_by(self) -> str | None:
        return None if self.status == "in_review" else "policy"


def pronounce(arrival: Arrival, force: InForce | None, *, system: str, dice: Dice, at: datetime) -> Judged:
    """The verdict on one arrival, received `at` in the system of this id. Never raises for what the arrival holds."""
    body = arrival.body
    draw = dice.draw(system, body.external_id)
    candidate, verdict = _verdict(arrival, force, draw, at)
    if verdict.lane == "release":
        status = "in_review" if verdict.is_held else "released"
        purpose, is_blind = ("audit", True) if verdict.is_audit else (None, False)
    elif verdict.lane == "block":
        status, purpose, is_blind = "blocked", None, False
    else:
        status, purpose = "in_review", "review"
        share = force.policy.review.blind_share if force is not None else 0
        # Only what a threshold sent here can become a label; in a broken output people have to see what is broken.
        is_blind = (
            share > 0
            and verdict.rule.startswith("threshold:")
            and is_drawn(dice.draw(f"{system}/blind", body.external_id), share)
        )
    case = _case(candidate, force.contract, dice, system) if force is not None else None
    admission = force.admission(name_of(candidate)) if force is not None and force.admitted else None
    return Judged(arrival, candidate, verdict, draw, purpose, is_blind, status, case, admission)


def _case(candidate: Candidate, contract: Contract, dice: Dice, system: str) -> int | None:
    """A number for the case that the contract's pointer names: 64 bits under the draw key, so that the table of outputs
    holds nobody's reference."""
    tokens = contract.case
    named = pointer.get(getattr(candidate, tokens[0]), tokens[1:])
    if named is MISSING or not isinstance(named, (str, int, Decimal)) or isinstance(named, bool) or named == "":
        return None
    said = hashlib.blake2b(f"{system}\0{named}".encode(), digest_size=8, key=dice.key[:64])
    return int.from_bytes(said.digest(), "big", signed=True)


def _verdict(arrival: Arrival, force: InForce | None, draw: int, at: datetime) -> tuple[Candidate, Verdict]:
    body = arrival.body
    problems: tuple[Problem, ...] = ()
    failure: str | None = None
    if force is not None:
        try:
            problems = force.contract.check(input=body.input, output=body.output)
        except Exception as error:  # noqa: BLE001  fail closed: an output that cannot be checked goes to a person
            failure = type(error).__name__
    candidate = Candidate(
        arrival.confidence, body.input, body.output, body.attributes, body.model, body.model_version,
        body.prompt_version, at, problems,
    )  # fmt: skip
    if force is None:
        return candidate, _unjudged("no-policy", _NO_POLICY, result=True)
    if failure is not None:
        because = f"The contract could not be checked ({failure}), so a person decides."
        return candidate, _unjudged("judging-error", because, result="error")
    return candidate, judge(
        force.policy, candidate, draw=draw, unapproved=force.is_unapproved, halted=force.is_halted,
        risk_tier=force.risk_tier, admitted=force.admitted,
    )  # fmt: skip


def _unjudged(rule: str, because: str, *, result: bool | str) -> Verdict:
    trace: dict[str, Any] = {"rule": rule, "result": result, "then": "review", "values": {}}
    return Verdict("review", rule, because, None, None, MILLION, False, False, False, (trace,), [], {})
