"""The entry that proves a verdict: the same bytes as the evidence room writes."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from uuid_utils.compat import uuid7

from governance.contracts.schema import compile_contract
from governance.evidence import leaf, record
from governance.people.actors import CONSOLE
from governance.policies.document import parse_policy
from governance.policies.registry import InForce
from governance.policies.validated import Name
from reviews.intake import canonical
from reviews.intake.arrivals import arrive
from reviews.intake.judging import Dice, pronounce
from reviews.intake.macs import blocks, mac
from reviews.intake.proof import COMMITTED, Template, gate, judge_of
from tests import cast
from tests.reviews.intake.sent import body
from tests.reviews.intake.test_canonical import TEXTS, VALUES

DICE = Dice(b"k" * 32, 3)
AT = datetime(2026, 3, 1, 12, 30, 15, 4, tzinfo=UTC)
SYSTEM = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
RULES = [
    {"id": "sevens", "when": {"field": "output.digit", "op": "eq", "value": 7}, "then": "review", "because": "Sevens."},
    {"id": "chat", "when": {"field": "attributes.channel", "op": "eq", "value": "chat"}, "then": "release"},
]


def in_force(**blocks: Any) -> InForce:
    policy = parse_policy(cast.policy(rules=RULES, **blocks))
    contract = compile_contract(cast.contract())
    return InForce(
        SYSTEM, "digits", "Digits", "limited", uuid7(), 4, policy.digest, False, uuid7(), "ab" * 32, policy, contract,
        False, uuid7(),
    )  # fmt: skip


@given(VALUES, VALUES, TEXTS.filter(lambda text: 0 < len(text) < 120), st.booleans())
def test_the_template_writes_the_bytes_that_the_evidence_room_writes(
    answer: Any, channel: Any, model: str, has_policy: bool
) -> None:
    is_let_in = len(model) % 2 == 0
    force = in_force(validated_for=[{"model": "another"}]) if has_policy else None
    if force and is_let_in:
        force = replace(force, admitted={Name(model, "3.1", ""): "cd" * 32})
    arrival = arrive(body(output=answer, attributes={"channel": channel}, model=model))
    judged = pronounce(arrival, force, system=str(SYSTEM), dice=DICE, at=AT)
    salt_key, inputs, output = os.urandom(32), canonical.text(judged.verdict.gate_inputs), uuid7()
    contents = (arrival.input, arrival.output, arrival.context, inputs)
    contract = force.contract.version if force else None
    slow = record.draft(
        "judged", actor=judge_of(force), subject=record.Subject("output", output, SYSTEM), at=AT,
        causes=[force.activation, *force.admitted.values()] if force else [], policy=force.part() if force else None,
        commitments=[
            leaf.Commitment(name, leaf.salt_for(salt_key, name), content)
            for name, content in zip(COMMITTED, contents, strict=True)
        ],
        keep=False, gate=to_builtins(gate(judged, contract=contract, draw_key=DICE.version)),
        detail={"sent_by": CONSOLE.as_json()},
    )  # fmt: skip
    template = Template(origin=settings.EVIDENCE_ORIGIN, at=AT, force=force, sender=CONSOLE, dice=DICE)
    fast = template.fill(judged, entry=str(slow.id), output=str(output), salt_key=salt_key, gate_inputs=inputs)
    assert fast == slow.leaf


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_two_plain_hashes_are_the_hmac(key: bytes, message: bytes) -> None:
    assert mac(*blocks(key), b"ev1:input\0" + message).hex() == leaf.commit(key, "input", message)


def test_the_gate_says_what_the_verdict_rests_on_in_integers() -> None:
    judged = pronounce(arrive(body(output={"digit": 1})), in_force(), system=str(SYSTEM), dice=DICE, at=AT)
    assert to_builtins(gate(judged, contract="1.0.0", draw_key=DICE.version)) == {
        "confidence": 950_000, "segment": None, "model": "digits-lr", "model_version": "3.1", "prompt_version": None,
        "contract": "1.0.0", "breached": False, "rule": "chat", "lane": "review", "threshold": None, "audit": False,
        "draw": f"{judged.draw:016x}", "draw_key": 3, "propensity": 1_000_000,
        "conditions": [{"rule": "sevens", "result": False}, {"rule": "chat", "result": "missing"}],
    }  # fmt: skip


def test_no_text_of_the_producer_enters_the_entry_beside_names_of_models() -> None:
    secret = "a-word-that-must-not-leak"
    parts = {"input": {"email": secret}, "output": secret, "explanation": secret, "attributes": {"channel": secret}}
    judged = pronounce(arrive(body(secret, **parts)), in_force(), system=str(SYSTEM), dice=DICE, at=AT)
    template = Template(origin="o", at=AT, force=in_force(), sender=CONSOLE, dice=DICE)
    content = template.fill(judged, entry=str(uuid7()), output=str(uuid7()), salt_key=b"s" * 32, gate_inputs=b"{}")
    assert secret.encode() not in content
    assert json.loads(content)["type"] == "judged"
