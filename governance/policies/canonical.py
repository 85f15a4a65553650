"""One text for one value: the bytes that digests, idempotency and evidence are computed over."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from governance.refusals import Invalid

# An escaped NUL after an even number of backslashes; a payload that merely spells "\u0000" is harmless.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def canonical_bytes(value: Any) -> bytes:
    """The UTF-8 JSON of `value`: keys sorted, no spaces, nothing escaped that need not be.

    Raises Invalid for what JSON cannot carry (NaN, infinities, other types, keys of mixed types), for lone surrogates
    and for NUL, which PostgreSQL cannot store.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Invalid("Text holds a lone surrogate, which is not valid Unicode.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("The value cannot be written as JSON: it holds a number or a type that JSON lacks.") from error
    if b"\\u0000" in data and _NUL.search(data):
        raise Invalid("Text holds a NUL character.")
    return data


def digest(value: Any) -> str:
    """SHA-256 of `canonical_bytes(value)` as 64 lower-case hex digits. Raises Invalid as that does."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
