"""HMAC-SHA256 (RFC 2104) by two plain hashes over blocks made beforehand: OpenSSL's own set-up takes twice as long.

Pure.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_INNER: Final = bytes(sign ^ 0x36 for sign in range(256))
_OUTER: Final = bytes(sign ^ 0x5C for sign in range(256))
_BLOCK: Final = 64

Blocks = tuple[bytes, bytes]


def blocks(key: bytes) -> Blocks:
    """The outer and the inner block under a key."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return block.translate(_OUTER), block.translate(_INNER)


def mac(outer: bytes, inner: bytes, message: bytes) -> bytes:
    """The 32 bytes of HMAC-SHA256 under the key of these blocks."""
    return sha256(outer + sha256(inner + message).digest()).digest()
