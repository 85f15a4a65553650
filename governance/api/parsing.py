"""Bodies as JSON, strictly: what cannot be stored, compared or shown again is refused before anything reads it."""

import json
import re
from collections.abc import Mapping
from typing import IO, Any, Final

import msgspec
from django.conf import settings
from rest_framework.parsers import BaseParser

from governance.api.problems import Malformed, TooLarge
from governance.refusals import Invalid, Problem

DEEPEST: Final = 64
# An escape stands after an even number of backslashes; a text that merely spells one is harmless.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_decode = msgspec.json.Decoder().decode


def decode(data: bytes) -> Any:
    """The value of one JSON text.

    Raises Malformed for what is no JSON, and Invalid for NaN, infinities and numbers out of range, NUL characters, lone
    surrogates, and nesting deeper than 64. Of repeated keys the last counts.
    """
    try:
        value = _decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _why(data, error) from None
    if b"\\u0000" in data and _NUL.search(data):
        raise _invalid("nul", "Text holds a NUL character.")
    if data.count(b"{") + data.count(b"[") > DEEPEST and depth(value) > DEEPEST:
        raise _too_deep()
    return value


def depth(value: Any) -> int:
    """How deeply objects and arrays are nested: 0 for a bare number or text, 1 for `{}`."""
    level, found = [value], 0
    while containers := [inner for inner in level if type(inner) in (dict, list)]:
        found += 1
        if found > DEEPEST:
            break
        level = [part for inner in containers for part in (inner.values() if type(inner) is dict else inner)]
    return found


def _why(data: bytes, error: Exception) -> Malformed | Invalid:
    """The refusal for what the fast decoder would not read; a slower one tells apart why."""
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, msgspec.ValidationError):
        return _invalid("not-finite", "A number is infinite or out of range.")
    found: list[str] = []

    def no_number(name: str) -> float:
        found.append(name)
        return 0.0

    try:
        value = json.loads(data.decode("utf-8"), parse_constant=no_number)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return _invalid("lone-surrogate", "Text holds a lone surrogate, which is not valid Unicode.")
    except UnicodeDecodeError:
        return Malformed("The body is not UTF-8.")
    except RecursionError:
        return _too_deep()
    except ValueError as no_json:
        return Malformed(f"The body is not JSON: {str(no_json).rstrip('.')}.")
    if found:
        return _invalid("not-finite", f"{found[0]} is no number that JSON knows.")
    return Malformed("The body is not JSON.")


def _too_deep() -> Invalid:
    return _invalid("too-deep", f"Objects and arrays may be nested {DEEPEST} deep.")


def _invalid(code: str, sentence: str) -> Invalid:
    return Invalid(sentence, errors=[Problem("", code, sentence)])


class JSONParser(BaseParser):
    """`application/json`, up to `view.largest_body` bytes (1 MiB unless the view says otherwise)."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        view = (parser_context or {}).get("view")
        return decode(read(stream, most=getattr(view, "largest_body", settings.MAX_OUTPUT_BYTES)))


def read(stream: IO[bytes], *, most: int) -> bytes:
    """The whole body. Raises TooLarge when it has more than `most` bytes."""
    data = stream.read(most + 1)
    if len(data) > most:
        raise TooLarge(f"A body here has at most {most:,} bytes.")
    return data


def members(data: Any, *, allowed: tuple[str, ...], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body as an object. Raises Invalid naming every unknown and every missing member."""
    if not isinstance(data, dict):
        raise _invalid("wrong-type", "The body has to be a JSON object.")
    errors = [Problem(f"/{key}", "unknown-field", "This field is not known.") for key in data if key not in allowed]
    errors += [Problem(f"/{key}", "missing-field", "This is missing.") for key in required if key not in data]
    if errors:
        raise Invalid(f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
    return data


def text(data: Mapping[str, Any], key: str, *, longest: int = 2000, default: str = "") -> str:
    """A text member. Raises Invalid for other types and for more than `longest` characters."""
    value = data.get(key, default)
    if not isinstance(value, str) or len(value) > longest:
        detail = f"This is a text of at most {longest} characters."
        raise Invalid(f"/{key}: {detail}", errors=[Problem(f"/{key}", "wrong-type", detail)])
    return value
