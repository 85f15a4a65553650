"""Signed notes as C2SP writes them: a text, an empty line, and a line for each signature. Ed25519 (RFC 8032).

Pure. Two kinds of key: a log's own (0x01) and a witness's (0x04), whose cosignature carries the time it was made.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LOG_KEY: Final = 1
WITNESS_KEY: Final = 4
MOST_BYTES: Final = 1_000_000
MOST_SIGNATURES: Final = 100
_FIELD: Final = 2**255 - 19
# The y of every point whose order divides eight: a signature under such a key says nothing about who made it.
_LOW_ORDER: Final = frozenset({
    0, 1, _FIELD - 1,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
})  # fmt: skip
_NAME = re.compile(r"[^\s+]{1,255}\Z")


class NotVerified(ValueError):
    """The note, key or signature cannot be relied on; the text says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key with the name it signs under: `name+id+base64(kind ‖ key)`, a "vkey"."""

    name: str
    public: bytes
    kind: int = LOG_KEY

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise NotVerified("The name of a key holds no space and no plus sign.")
        if self.kind not in (LOG_KEY, WITNESS_KEY) or not is_usable(self.public):
            raise NotVerified("This is not a canonical Ed25519 key.")

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of a vkey. Raises NotVerified when it is none, or its id is another key's."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise NotVerified("A key is written as name+id+base64.")
        data = _decoded(parts[2])
        key = cls(parts[0], data[1:], data[0] if data else 0)
        if parts[1] != key.id.hex():
            raise NotVerified("The id of the key does not belong to it.")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def verify(self, text: str, signature: bytes) -> int | None:
        """The time of a witness's cosignature in seconds, None for a log's signature. Raises NotVerified."""
        signed, moment = text.encode(), None
        if self.kind == WITNESS_KEY:
            moment = int.from_bytes(signature[:8], "big")
            signature, signed = signature[8:], _cosigned(text, moment)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, signed)
        except InvalidSignature as error:
            raise NotVerified(f"The signature of {self.name} is not valid.") from error
        return moment


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key: `PRIVATE+KEY+name+id+base64(kind ‖ seed)`, as Go's note package writes it."""

    name: str
    seed: bytes
    kind: int = LOG_KEY

    @classmethod
    def make(cls, name: str, kind: int = LOG_KEY) -> Self:
        private = Ed25519PrivateKey.generate()
        raw = (serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return cls(name, private.private_bytes(*raw), kind)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The signer of a private key's text. Raises NotVerified, without repeating the text."""
        parts = text.strip().split("+", 4)
        data = _decoded(parts[4]) if len(parts) == 5 and parts[:2] == ["PRIVATE", "KEY"] else b""
        if len(data) != 33:
            raise NotVerified("A private key is written as PRIVATE+KEY+name+id+base64.")
        signer = cls(parts[2], data[1:], data[0])
        if parts[3] != signer.key.id.hex():
            raise NotVerified("The id of the private key does not belong to it.")
        return signer

    @property
    def key(self) -> Key:
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return Key(
            self.name, public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw), self.kind
        )

    def as_text(self) -> str:
        """The private key itself: for its file and nothing else."""
        return (
            f"PRIVATE+KEY+{self.name}+{self.key.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.seed).decode()}"
        )

    def sign(self, text: str, *, moment: int = 0) -> str:
        """The signature's line. `moment` in seconds is what a witness's cosignature states."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        stamp = moment.to_bytes(8, "big") if self.kind == WITNESS_KEY else b""
        signed = _cosigned(text, moment) if self.kind == WITNESS_KEY else text.encode()
        return line_of(self.name, self.key.id + stamp + private.sign(signed))


@dataclass(frozen=True, slots=True)
class Opened:
    """A note with at least one good signature: its text, and the lines by the keys that made them."""

    text: str
    signed_by: dict[Key, str]


def make(text: str, signers: Iterable[Signer]) -> str:
    """The note with the signatures of these signers."""
    return text + "\n" + "".join(signer.sign(text) for signer in signers)


def line_of(name: str, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(signature).decode()}\n"


def take_apart(note: str) -> tuple[str, list[tuple[str, bytes, str]]]:
    """The text, and for each signature its key's name, its bytes (with the key id in front) and its line.

    Raises NotVerified when it is no note.
    """
    if len(note.encode()) > MOST_BYTES or any(sign < " " and sign != "\n" for sign in note):
        raise NotVerified("This is not a note.")
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NotVerified("A note ends with its signatures, below an empty line.")
    signatures = []
    for line in lines[:-1].split("\n"):
        parts = line.removeprefix("— ").split(" ")
        if not line.startswith("— ") or len(parts) != 2 or not _NAME.match(parts[0]):
            raise NotVerified("A signature is a line with a dash, a name and base64.")
        data = _decoded(parts[1])
        if len(data) < 5:
            raise NotVerified("A signature is longer than the id of its key.")
        signatures.append((parts[0], data, line + "\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise NotVerified("A note has at most a hundred signatures.")
    return text + "\n", signatures


def open(note: str, keys: Iterable[Key]) -> Opened:
    """The note, when a known key has signed it. Unknown keys are passed over; a known key with a bad signature spoils
    the whole note, and so do two known keys of one name and id. Raises NotVerified."""
    text, signatures = take_apart(note)
    known: dict[tuple[str, bytes], Key] = {}
    for key in keys:
        if (key.name, key.id) in known:
            raise NotVerified("Two keys cannot be told apart.")
        known[key.name, key.id] = key
    signed_by: dict[Key, str] = {}
    for name, signature, line in signatures:
        found = known.get((name, signature[:4]))
        if found is not None and found not in signed_by:
            found.verify(text, signature[4:])
            signed_by[found] = line
    if not signed_by:
        raise NotVerified("No trusted key has signed this note.")
    return Opened(text, signed_by)


def is_usable(public: bytes) -> bool:
    """Whether 32 bytes are a canonical Ed25519 key of full order. Others verify differently in different libraries."""
    if len(public) != 32:
        return False
    y = int.from_bytes(public, "little") & (2**255 - 1)
    return y < _FIELD and y not in _LOW_ORDER


def _cosigned(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotVerified("This is not base64.") from error
    if base64.b64encode(data).decode() != text:
        raise NotVerified("This is not the base64 of anything.")
    return data
