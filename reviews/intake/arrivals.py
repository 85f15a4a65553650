"""An output at the door: what came, its digest and its confidence, before anything judged it. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from msgspec import Raw, structs

from reviews.intake import bodies, canonical
from reviews.intake.bodies import NULL, Body, stated_confidence


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
    confidence = bodies.confidence_of(body)
    plain = body if bodies.is_canonical(body) else _restated(body)
    whole = canonical.quick(plain)
    text = canonical.quick
    if canonical.may_differ(whole):
        text, whole = canonical.exact, canonical.exact({**structs.asdict(body), "confidence": stated_confidence(body)})
    context = {
        "alternatives": body.alternatives, "attributes": body.attributes, "callback_url": body.callback_url,
        "explanation": body.explanation,
    }  # fmt: skip
    if confidence is None and plain.confidence != NULL:
        context["stated_confidence"] = stated_confidence(body)
    return Arrival(body, sha256(whole).digest(), confidence, text(body.input), text(body.output), text(context))


def _restated(body: Body) -> Body:
    return structs.replace(body, confidence=Raw(canonical.quick(stated_confidence(body))))
