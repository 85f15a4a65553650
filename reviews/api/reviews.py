"""Doors for reviewers: take the next item, keep it, give it back, decide it."""

from __future__ import annotations

from typing import Any, ClassVar, Final, cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import Caller
from governance.api.docs import MAYBE_TEXT, described, of
from governance.api.parsing import members, text
from governance.contracts.values import MISSING
from governance.people.actors import Actor
from governance.policies.operators import instant
from governance.refusals import Invalid, Problem
from reviews import queue
from reviews.api import shapes
from reviews.decisions import Decided, decide
from reviews.queue import Claim
from reviews.queue.cards import card

MOST_REASONS: Final = 50


class Door(APIView):
    """What all doors of the queue share: a person's key with the scope to review."""

    required_scopes: ClassVar[dict[str, str]] = {"POST": "reviews:write"}


class Next(Door):
    """`POST` takes the most urgent item for this reviewer; with `?ahead=1` the one after it, softly."""

    @described(
        "Take the most urgent item", body=of({"queue": MAYBE_TEXT}, optional=("queue",)),
        answers={200: shapes.CARD, 204: None}, problems=(401, 403), parameters=shapes.asked("ahead"),
        scope="reviews:write", more="`ahead=1` takes the one after it, softly, for 60 seconds.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = members(request.data, allowed=("queue",))
        ahead = request.query_params.get("ahead", "") in ("1", "true")
        slug = text(body, "queue", longest=64) if body.get("queue") is not None else None
        claim = queue.claim_next(actor_of(request), queue=slug or None, ahead=ahead)
        return Response(status=204) if claim is None else Response(shown(claim))


class Claimed(Door):
    """`POST` takes a given item."""

    @described(
        "Take a given item", body=of({}), answers={200: shapes.CARD}, problems=(401, 403, 404, 409),
        scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        members(request.data, allowed=())
        return Response(shown(queue.claim_item(actor_of(request), id)))


class Renew(Door):
    """`POST` keeps the item in hand for another lease; a soft claim becomes the one in hand."""

    @described(
        "Keep an item in hand", body=shapes.TOKEN, answers={200: shapes.OBJECT}, problems=(401, 403, 404, 409),
        scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("claim_token",), required=("claim_token",))
        return Response(told(queue.renew(actor_of(request), id, token(body))))


class Release(Door):
    """`POST` gives the item back to its queue."""

    @described(
        "Give an item back", body=shapes.TOKEN, answers={204: None}, problems=(401, 403, 404, 409),
        scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("claim_token",), required=("claim_token",))
        queue.release(actor_of(request), id, token(body))
        return Response(status=204)


class Skip(Door):
    """`POST` passes the item on to others."""

    @described(
        "Pass an item on to others", body=shapes.TOKEN_AND_REASON, answers={204: None},
        problems=(401, 403, 404, 409), scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("claim_token", "reason"), required=("claim_token",))
        queue.skip(actor_of(request), id, token(body), text(body, "reason"))
        return Response(status=204)


class Escalate(Door):
    """`POST` hands the item to the queue above its own."""

    @described(
        "Hand an item to the queue above", body=shapes.TOKEN_AND_REASON, answers={204: None},
        problems=(401, 403, 404, 409), scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("claim_token", "reason"), required=("claim_token",))
        queue.escalate(actor_of(request), id, token(body), text(body, "reason"))
        return Response(status=204)


class Hold(Door):
    """`POST` puts the item off until a time."""

    @described(
        "Put an item off", body=shapes.HOLD, answers={204: None}, problems=(401, 403, 404, 409),
        scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("claim_token", "until", "reason"), required=("claim_token", "until"))
        until = instant(text(body, "until", longest=64))
        if until is None:
            raise _wrong("/until", "This is a time such as 2026-03-01T14:00:00Z.")
        queue.hold(actor_of(request), id, token(body), until=until, reason=text(body, "reason"))
        return Response(status=204)


class Decide(Door):
    """`POST` takes the decision on the item in hand."""

    @described(
        "Decide the item in hand", body=shapes.DECISION_SENT, answers={200: shapes.DECIDED},
        problems=(401, 403, 404, 409), scope="reviews:write",
        more="A blind item takes an `output` without a verdict. 409 when the claim is lost or the item closed.",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(
            request.data, allowed=("claim_token", "verdict", "output", "reasons", "comment", "took_ms"),
            required=("claim_token",),
        )  # fmt: skip
        took = body.get("took_ms")
        if took is not None and type(took) is not int:
            raise _wrong("/took_ms", "This is a whole number of milliseconds.")
        decided = decide(actor_of(request), item=id, token=token(body), took_ms=took, **said(body))
        return Response(outcome(decided))


def actor_of(request: Request) -> Actor:
    """Who asks."""
    return cast(Caller, request.user).actor


def said(body: dict[str, Any]) -> dict[str, Any]:
    """The members of a body that make a decision. A null output beside approve or reject is none."""
    verdict = text(body, "verdict", longest=16) if body.get("verdict") is not None else None
    output = body.get("output", MISSING)
    if output is None and verdict in ("approve", "reject"):
        output = MISSING
    reasons = [] if body.get("reasons") is None else body["reasons"]
    if not isinstance(reasons, list) or len(reasons) > MOST_REASONS or not all(isinstance(r, str) for r in reasons):
        raise _wrong("/reasons", "This is a list of the policy's reason codes.")
    comment = text(body, "comment", longest=4000) if body.get("comment") is not None else ""
    return {"verdict": verdict, "output": output, "reasons": reasons, "comment": comment}


def token(body: dict[str, Any]) -> UUID:
    """The claim's token. Raises Invalid for what is none."""
    try:
        return UUID(text(body, "claim_token", longest=64))
    except ValueError as error:
        raise _wrong("/claim_token", "This is the token that came with the claim.") from error


def shown(claim: Claim) -> dict[str, Any]:
    """`{item, claim}`: the card and the lease on it."""
    return {"item": card(claim), **told(claim)}


def told(claim: Claim) -> dict[str, Any]:
    """`{claim}`: the lease alone."""
    return {"claim": {"token": claim.token, "expires_at": claim.expires_at, "soft": claim.is_soft}}


def outcome(decided: Decided) -> dict[str, Any]:
    """`{decision, item, final_at}`."""
    return {"decision": decided.decision, "item": {"state": decided.item_state}, "final_at": decided.final_at}


def _wrong(pointer: str, detail: str) -> Invalid:
    return Invalid(f"{pointer}: {detail}", errors=[Problem(pointer, "invalid", detail)])
