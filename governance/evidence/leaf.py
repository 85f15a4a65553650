"""The leaf of the evidence log: canonical bytes, their hash, and salted commitments to what must stay erasable.

Pure. The form is RFC 8785 restricted so that sorted, compact JSON gives the same bytes: snake-case keys, no floats,
integers within ±(2^53 − 1), no lone surrogates. Hashing follows RFC 9162: leaf = SHA-256(0x00 ‖ bytes).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_BYTES = 65_535
_MAX_INTEGER = 2**53 - 1
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class MalformedLeaf(ValueError):
    """The entry cannot be written in canonical form; a defect of the caller, never of the input."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """What the log says of a payload that it does not hold."""

    name: str
    salt: bytes
    content: bytes

    @property
    def digest(self) -> str:
        """HMAC-SHA256 of the payload under its salt, as 64 hex digits."""
        return commit(self.salt, self.name, self.content)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "alg": "hmac-sha256", "len": len(self.content), "digest": self.digest}


def commit(salt: bytes, name: str, content: bytes) -> str:
    """The commitment to `content` under `name`: HMAC-SHA256(salt, "ev1:" + name + NUL + content), in hex."""
    return hmac.digest(salt, b"ev1:" + name.encode() + b"\0" + content, "sha256").hex()


def salt_for(key: bytes, name: str) -> bytes:
    """The salt of one payload, derived from the 32 random bytes kept for its entry: showing one salt shows no other.

    The one-step derivation of NIST SP 800-56C, SHA-256(secret ‖ label): the secret is uniform and of one length, so
    that a single hash is as strong as an HMAC here.
    """
    return hashlib.sha256(key + salt_label(name)).digest()


def salt_label(name: str) -> bytes:
    """What tells the salts under one key apart; it ends, so that no label begins with another."""
    return b"salt2:" + name.encode() + b"\0"


def time_text(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def leaf_bytes(entry: Mapping[str, Any]) -> bytes:
    """The canonical bytes of an entry. Raises MalformedLeaf when it holds what the form does not allow."""
    check(entry)
    try:
        content = _encode(entry).encode()
    except (UnicodeEncodeError, ValueError, TypeError) as error:
        raise MalformedLeaf(str(error)) from error
    if len(content) > MAX_BYTES:
        raise MalformedLeaf(f"An entry may have {MAX_BYTES} bytes; this one has {len(content)}.")
    return content


def leaf_hash(content: bytes) -> bytes:
    """SHA-256(0x00 ‖ content), the 32 bytes that PostgreSQL computes as well."""
    return hashlib.sha256(b"\0" + content).digest()


def check(value: object) -> None:
    """Refuses what would not be canonical: floats, large integers, keys of another form."""
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not -_MAX_INTEGER <= value <= _MAX_INTEGER:
            raise MalformedLeaf(f"{value} is beyond 2^53 - 1.")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or not _KEY.match(key):
                raise MalformedLeaf(f"{key!r} is no key of an entry.")
            check(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            check(inner)
    else:
        raise MalformedLeaf(f"A {type(value).__name__} has no canonical form here.")
