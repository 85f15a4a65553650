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

_INNER: Final = bytes(sign ^ 0x36 for sign in range(256))
_OUTER: Final = bytes(sign ^ 0x5C for sign in range(256))
_PADDING: Final = bytes(32)
_encode = msgspec.json.Encoder(order="sorted").encode
COMMITTED: Final = ("input", "output", "context", "gate_inputs")
_PARTS: Final = [
    (f"salt1:{name}".encode(), f"ev1:{name}\0".encode(), f'"name":"{name}"}}') for name in COMMITTED
]  # what `leaf.salt_for` and `leaf.commit` put before the name and the content


def judge_of(force: InForce | None) -> Actor:
    """Who judged: the policy version, or the intake itself where no policy is in force."""
    return actors.policy(force.slug, force.number) if force else actors.machine("intake")


def gate(judged: Judged, *, contract: str | None, dice: Dice) -> dict[str, Any]:
    """The `gate` member: what the verdict rests on, in integers."""
    body, verdict = judged.arrival.body, judged.verdict
    return {
        "confidence": judged.arrival.confidence,
        "segment": verdict.segment,
        "model": body.model,
        "model_version": body.model_version,
        "prompt_version": body.prompt_version,
        "contract": contract,
        "breached": verdict.is_breached,
        "rule": verdict.rule,
        "lane": verdict.lane,
        "threshold": verdict.threshold,
        "audit": verdict.is_audit,
        "draw": f"{judged.draw:016x}",
        "draw_key": dice.version,
        "propensity": verdict.propensity,
        "conditions": verdict.conditions,
    }


def blocks(key: bytes) -> tuple[bytes, bytes]:
    """The outer and the inner block of HMAC-SHA256 under a key of 32 bytes (RFC 2104)."""
    block = key + _PADDING
    return block.translate(_OUTER), block.translate(_INNER)


def mac(outer: bytes, inner: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 under the key of these blocks. Two plain hashes take less time than OpenSSL's own set-up."""
    return sha256(outer + sha256(inner + message).digest()).digest()


class Template:
    """The leaves of one chunk: same system, policy, sender and moment."""

    def __init__(self, *, origin: str, at: datetime, force: InForce | None, sender: Actor, dice: Dice) -> None:
        self.contract = force.contract.version if force else None
        self.dice = dice
        causes = [force.activation] if force else []
        actor, moment = _text(judge_of(force).as_json()), leaf.time_text(at)
        self._head = f'{{"actor":{actor},"at":"{moment}","causes":{_text(causes)},"commitments":['
        self._middle = f'],"detail":{_text({"sent_by": sender.as_json()})},"gate":'
        policy = f',"policy":{_text(force.part())}' if force else ""
        self._after_id = f'","log":{_text(origin)}{policy},"subject":{{"id":"'
        self._tail = '","kind":"output","prev":null,"rev":1},"type":"judged","v":1}'

    def fill(self, judged: Judged, *, entry: str, output: str, salt_key: bytes, gate_inputs: bytes) -> bytes:
        """The leaf of one output. `entry` and `output` are ids as text. Raises MalformedLeaf when it grows too long."""
        arrival, salts = judged.arrival, blocks(salt_key)
        commitments = ",".join([
            f'{{"alg":"hmac-sha256","digest":"{mac(*blocks(mac(*salts, salt)), name + content).hex()}",'
            f'"len":{len(content)},{end}'
            for (salt, name, end), content in zip(
                _PARTS, (arrival.input, arrival.output, arrival.context, gate_inputs), strict=True
            )
        ])  # fmt: skip
        conditions = _text(gate(judged, contract=self.contract, dice=self.dice))
        content = (
            f'{self._head}{commitments}{self._middle}{conditions},"id":"{entry}{self._after_id}{output}{self._tail}'
        ).encode()
        if len(content) > leaf.MAX_BYTES:
            raise leaf.MalformedLeaf(f"The entry of one verdict has {len(content)} bytes.")
        return content


def _text(value: Any) -> str:
    return _encode(value).decode()
