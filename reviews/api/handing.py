"""Doors for working together on an item: hand it over, ask a colleague."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.docs import ID, TEXT, described, of
from governance.api.parsing import members, text
from governance.models import Person
from governance.refusals import Invalid, Problem
from reviews.api.reviews import Door, actor_of, token
from reviews.queue import handing

_UNKNOWN = "Nobody with this address reviews here."


class HandOver(Door):
    """`POST` gives the item in hand to a colleague."""

    @described(
        "Hand an item to a colleague", body=of({"claim_token": ID, "to": TEXT, "note": TEXT}, optional=("note",)),
        answers={204: None}, problems=(401, 403, 404, 409, 422), scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("claim_token", "to", "note"), required=("claim_token", "to"))
        handing.hand_over(actor_of(request), id, token(body), to=_colleague(text(body, "to")), note=text(body, "note"))
        return Response(status=204)


class AskAColleague(Door):
    """`POST` asks a colleague; nothing waits for her."""

    @described(
        "Ask a colleague about an item", body=of({"to": TEXT, "text": TEXT}), answers={201: of({"id": ID})},
        problems=(401, 403, 404, 409, 422), scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("to", "text"), required=("to", "text"))
        note = handing.ask(actor_of(request), id, to=_colleague(text(body, "to")), text=text(body, "text"))
        return Response({"id": str(note.pk)}, status=201)


def _colleague(email: str) -> Person:
    found = Person.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if found is None:
        raise Invalid(_UNKNOWN, errors=[Problem("/to", "unknown", _UNKNOWN)])
    return found
