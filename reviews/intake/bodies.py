"""What a producer may send: the body of `POST outputs/`, read strictly and with a pointer to whatever is wrong.

Pure. Refused with 422: unknown members, NUL, lone surrogates, NaN and numbers that no double can hold, more than 64
levels; with 413 what is longer than an output may be. A *confidence* that is no number between 0 and 1 (a text, a
boolean, null, -1, 2, or none at all) does not make a body invalid: it is taken in as unknown, which never releases.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

import msgspec

from governance.policies.candidate import confidence_millionths
from governance.refusals import Invalid, Problem, Refused
from reviews.intake import faults

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
_LONGEST_NUMBER: Final = 64  # characters; nobody knows a confidence to sixty digits, and reading more would cost time
NULL: Final = msgspec.Raw(b"null")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class TooLarge(Refused):
    """More was sent than one request may bring."""

    code = "too_large"
    status = 413


class Malformed(Invalid):
    """What was sent is no JSON."""

    code = "malformed"


class Alternative(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False, kw_only=True):
    """Another answer that the AI considered. Members in the order of the canonical form."""

    confidence: float | None = None
    output: Any


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False, kw_only=True):
    """One output as its producer sent it. Members in the order of the canonical form."""

    alternatives: Annotated[list[Alternative], msgspec.Meta(max_length=1000)] = []
    attributes: dict[str, Any] = {}
    callback_url: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    confidence: msgspec.Raw = NULL
    explanation: Any = None
    external_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    input: Any
    model: Name | None = None
    model_version: Name | None = None
    output: Any
    prompt_version: Name | None = None
    system: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


_body = msgspec.json.Decoder(Body).decode
_any = msgspec.json.Decoder().decode


def read(raw: bytes) -> Body:
    """The body that these bytes state. Raises Invalid with pointers, TooLarge beyond 1 MiB."""
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"One output may have {MAX_BYTES:,} bytes; this one has {len(raw):,}.")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and faults.depth(raw) > MAX_DEPTH:
        raise Invalid("The body is nested too deeply.", errors=[faults.too_deep(MAX_DEPTH)])
    try:
        body = _body(raw)
        # The decoder passes over what is kept raw without looking into it.
        _any(body.confidence)
    except msgspec.ValidationError as error:
        raise _invalid(faults.found_in(raw) or [faults.mistake(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        if found := faults.found_in(raw):
            raise _invalid(found) from error
        raise Malformed("This is no JSON.", errors=[Problem("", "malformed", faults.sentence(str(error)))]) from error
    if b"\\" in raw and b"\\u0000" in raw and (nul := faults.found_in(raw)):
        raise _invalid(nul)
    return body


def _invalid(problems: list[Problem]) -> Invalid:
    return Invalid("The output cannot be taken in as it is.", errors=problems)


_NUMBER = re.compile(rb"-?[0-9]")
_PLAIN_SHARE = re.compile(rb"0\.([0-9]{1,6})\Z")
# At most fifteen digits come out of a double as they went in; the rest is looked at by `canonical.may_differ`.
_CANONICAL_SHARE = re.compile(rb"0\.[0-9]{0,14}[1-9]\Z")


def confidence_of(body: Body) -> int | None:
    """The stated confidence in millionths, rounded down; None when it is no number between 0 and 1."""
    raw = bytes(body.confidence)
    plain = _PLAIN_SHARE.match(raw)
    if plain is not None:
        return int(plain[1].ljust(6, b"0"))
    if not _NUMBER.match(raw) or len(raw) > _LONGEST_NUMBER:
        return None
    try:
        return confidence_millionths(Decimal(raw.decode()))
    except InvalidOperation:
        return None


def is_canonical(body: Body) -> bool:
    """Whether the stated confidence was written in its canonical form, as far as that is seen at once."""
    return _CANONICAL_SHARE.match(body.confidence) is not None


def stated_confidence(body: Body) -> Any:
    """The confidence as it was stated, whatever it was."""
    return _any(body.confidence)
