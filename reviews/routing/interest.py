"""Who has an interest in an output, and which outputs are alike. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from governance.contracts import pointer
from governance.contracts.masking import EVERY
from governance.contracts.pointer import Tokens
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING
from governance.policies import fields
from governance.policies.candidate import Candidate
from governance.policies.canonical import canonical_bytes

MOST = 20


def addresses(contract: Contract | None, candidate: Candidate) -> list[str]:
    """The e-mail addresses, in lower case, among its personal data: whom the output is about. At most twenty."""
    if contract is None:
        return []
    body = {"input": candidate.input, "output": candidate.output, "attributes": candidate.attributes}
    said = {
        value.strip().lower()
        for tokens in contract.personal_data
        for value in _values(body, tokens)
        if isinstance(value, str) and "@" in value and len(value) <= 254
    }
    return sorted(said)[:MOST]


def likeness(affinity: str | None, candidate: Candidate) -> str:
    """What outputs of the same person share: sixteen hex digits of the digest of the field's value; "" for none."""
    if affinity is None:
        return ""
    value = fields.parse(affinity).read(candidate)
    if value is MISSING or value is None:
        return ""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()[:16]


def _values(value: Any, tokens: Tokens) -> Iterator[Any]:
    if not tokens:
        yield from _flat(value)
    elif tokens[0] == EVERY and isinstance(value, (dict, list)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _values(member, tokens[1:])
    elif isinstance(value, (dict, list)):
        member = pointer.child(value, tokens[0])
        if member is not MISSING:
            yield from _values(member, tokens[1:])


def _flat(value: Any) -> Iterator[Any]:
    """The value, and those within it: what is personal may be an object."""
    yield value
    if isinstance(value, (dict, list)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _flat(member)
