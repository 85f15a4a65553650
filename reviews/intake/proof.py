"""The entry `judged` that proves an arrival's verdict: the bytes of `evidence.record.draft`, written by a template.

What all outputs of a chunk share is encoded once. A property test holds the two to the same bytes.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from governance.evidence import leaf
from governance.people import actors
from governance.people.actors import Actor
from governance.policies.registry import InForce
from reviews.intake.judging import Dice, Judged
from reviews.intake.macs import blocks, mac

_encode = msgspec.json.Encoder(order="deterministic").encode
COMMITTED: Final = ("input", "output", "context", "gate_inputs")
_PARTS: Final = [
    (leaf.salt_label(name), f"ev1:{name}\0".encode(), f'"name":"{name}"}}') for name in COMMITTED
]  # what `leaf.salt_for` and `leaf.commit` put beside the key and before the content


def judge_of(force: InForce | None) -> Actor:
    """Who judged: the policy version, or the intake itself where no policy is in force."""
    return actors.policy(force.slug, force.number) if force else actors.machine("intake")


class Gate(msgspec.Struct, gc=False):
    """The `gate` member: what the verdict rests on, in integers. Members in the order of the canonical form."""

    audit: bool
    breached: bool
    conditions: list[dict[str, Any]]
    confidence: int | None
    contract: str | None
    draw: str
    draw_key: int
    lane: str
    model: str | None
    model_version: str | None
    prompt_version: str | None
    propensity: int
    rule: str
    segment: str | None
    threshold: int | None


def gate(judged: Judged, *, contract: str | None, draw_key: int) -> Gate:
    """The gate of a verdict under a contract of this version."""
    body, verdict = judged.arrival.body, judged.verdict
    return Gate(
        verdict.is_audit, verdict.is_breached, verdict.conditions, judged.arrival.confidence, contract,
        f"{judged.draw:016x}", draw_key, verdict.lane, body.model, body.model_version, body.prompt_version,
        verdict.propensity, verdict.rule, verdict.segment, verdict.threshold,
    )  # fmt: skip


class Template:
    """The leaves of one chunk: same system, policy, sender and moment."""

    def __init__(self, *, origin: str, at: datetime, force: InForce | None, sender: Actor, dice: Dice) -> None:
        self.contract = force.contract.version if force else None
        self.draw_key = dice.version
        self._causes = [force.activation] if force else []
        actor, moment = _text(judge_of(force).as_json()), leaf.time_text(at)
        self._start = f'{{"actor":{actor},"at":"{moment}","causes":'
        self._head = self._begun(None)
        self._middle = f'],"detail":{_text({"sent_by": sender.as_json()})},"gate":'
        policy = f',"policy":{_text(force.part())}' if force else ""
        self._after_id = f'","log":{_text(origin)}{policy},"subject":{{"id":"'
        self._tail = '","kind":"output","prev":null,"rev":1},"type":"judged","v":1}'

    def _begun(self, admission: str | None) -> str:
        """The leaf as far as its commitments; it cites what put the policy in force, and what let the model in."""
        causes = [*self._causes, *([admission] if admission else [])]
        return f'{self._start}{_text(causes)},"commitments":['

    def fill(self, judged: Judged, *, entry: str, output: str, salt_key: bytes, gate_inputs: bytes) -> bytes:
        """The leaf of one output. `entry` and `output` are ids as text. Raises MalformedLeaf when it grows too long."""
        arrival = judged.arrival
        commitments = ",".join([
            f'{{"alg":"hmac-sha256","digest":"{mac(*blocks(sha256(salt_key + salt).digest()), name + content).hex()}",'
            f'"len":{len(content)},{end}'
            for (salt, name, end), content in zip(
                _PARTS, (arrival.input, arrival.output, arrival.context, gate_inputs), strict=True
            )
        ])  # fmt: skip
        conditions = _text(gate(judged, contract=self.contract, draw_key=self.draw_key))
        head = self._begun(judged.admission) if judged.admission else self._head
        content = (
            f'{head}{commitments}{self._middle}{conditions},"id":"{entry}{self._after_id}{output}{self._tail}'
        ).encode()
        if len(content) > leaf.MAX_BYTES:
            raise leaf.MalformedLeaf(f"The entry of one verdict has {len(content)} bytes.")
        return content


def _text(value: Any) -> str:
    return _encode(value).decode()
