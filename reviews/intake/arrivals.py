"""An output at the door: what came, its digest and its confidence, before anything judged it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

from reviews.intake import bodies, canonical
from reviews.intake.bodies import Body


class Arrival(NamedTuple):
    """A body with what is kept of it: canonical texts, the digest that tells a repeat from a conflict, and the
    confidence in millionths (None when it cannot be trusted)."""

    body: Body
    digest: bytes
    confidence: int | None
    input: bytes
    output: bytes
    context: bytes


def arrive(body: Body) -> Arrival:
    """The arrival that a body is. Raises Invalid for what has no canonical form."""
    arrival, whole = _written(body, canonical.quick)
    if canonical.may_differ(whole):
        arrival, whole = _written(body, canonical.exact)
    return arrival


def _written(body: Body, text: Callable[[Any], bytes]) -> tuple[Arrival, bytes]:
    """The arrival, and the canonical form of the whole body with its defaults, which is put together from its parts."""
    confidence, stated = bodies.confidence_of(body), text(bodies.stated_confidence(body))
    input, output = text(body.input), text(body.output)
    before = b'{"alternatives":%b,"attributes":%b,"callback_url":%b,' % (
        text(body.alternatives), text(body.attributes), text(body.callback_url),
    )  # fmt: skip
    explanation = b'"explanation":%b' % text(body.explanation)
    names = (body.external_id, body.model, body.model_version, body.prompt_version, body.system)
    external_id, model, model_version, prompt_version, system = map(text, names)
    whole = b"".join((
        before, b'"confidence":', stated, b",", explanation, b',"external_id":', external_id, b',"input":', input,
        b',"model":', model, b',"model_version":', model_version, b',"output":', output, b',"prompt_version":',
        prompt_version, b',"system":', system, b"}",
    ))  # fmt: skip
    unread = b',"stated_confidence":%b' % stated if confidence is None and stated != b"null" else b""
    context = b"%b%b%b}" % (before, explanation, unread)
    return Arrival(body, sha256(whole).digest(), confidence, input, output, context), whole
