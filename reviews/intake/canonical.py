"""The canonical text of a body's parts, fast: the bytes of `policies.canonical` from an encoder ten times as quick.

Pure. The two differ only in numbers with an exponent or with four zeros behind the point; where the bytes look as if
they held one, the slow one is asked.
"""

from __future__ import annotations

from typing import Any

import msgspec
import re2

from governance.policies.canonical import canonical_bytes

_encode = msgspec.json.Encoder(order="sorted").encode
may_differ = re2.compile(rb"[0-9]e|0\.0000").search


def text(value: Any) -> bytes:
    """`canonical_bytes(value)`, for what came out of JSON. Raises Invalid as that does."""
    data = quick(value)
    return exact(value) if may_differ(data) else data


def quick(value: Any) -> bytes:
    """The canonical bytes, unless `may_differ` finds something in them."""
    try:
        return _encode(value)
    except OverflowError:  # an integer beyond 64 bits
        return exact(value)


def exact(value: Any) -> bytes:
    """The canonical bytes in any case, slowly."""
    return canonical_bytes(msgspec.to_builtins(value))
