"""Doors for deciding many like items at once: look at them, decide those chosen, read it again, take the whole back."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.docs import ANYTHING, ID, MAYBE_TIME, TEXT, TIME, WHOLE, YES_NO, described, list_of, of
from governance.api.parsing import members, text
from governance.refusals import Invalid, Problem
from reviews.api import shapes
from reviews.api.reviews import actor_of, said
from reviews.decisions import bulk
from reviews.decisions.bulk import Bulk

_SHARE: Final = {"type": "number"}
LIKE: Final = of({
    "items": list_of(of({"id": ID, "output": ID, "external_id": TEXT, "created_at": TIME, "due_at": MAYBE_TIME})),
    "most": WHOLE, "recheck_share": _SHARE, "undo_seconds": WHOLE,
})  # fmt: skip
SENT: Final = of(
    {"id": ID, "items": list_of(ID), "verdict": shapes.VERDICT, "output": ANYTHING, "reasons": shapes.CODES,
     "comment": TEXT},
    optional=("id", "output", "reasons", "comment"),
)  # fmt: skip
MADE: Final = of(
    {"id": ID, "decided": WHOLE, "left": WHOLE, "rechecked": WHOLE, "final_at": MAYBE_TIME, "undone": YES_NO},
    optional=("undone",),
)


class Like(APIView):
    """`GET` and `POST reviews/{id}/like/`."""

    required_scopes: ClassVar = {"GET": "reviews:write", "POST": "reviews:write"}

    @described(
        "The items like this one", answers={200: LIKE}, scope="reviews:write",
        more="The same rule asked for a person and the AI said the same; the most urgent first, this one before them. "
             "None that is blind, takes two reviewers, or is in somebody's hands.",
    )  # fmt: skip
    def get(self, request: Request, id: UUID) -> Response:
        found = [
            {"id": each.item, "output": each.output, "external_id": each.external_id, "created_at": each.created_at,
             "due_at": each.due_at}
            for each in bulk.alike(actor_of(request), id)
        ]  # fmt: skip
        undo = int(bulk.UNDO.total_seconds())
        return Response({"items": found, "most": bulk.MOST, "recheck_share": bulk.RECHECKED, "undo_seconds": undo})

    @described(
        "Decide like items at once", body=SENT, answers={200: MADE}, problems=(401, 403, 404, 409),
        scope="reviews:write",
        more="All or none of `items`, but for those that somebody else took meanwhile (`left`). Each has a claim and a "
             "decision of its own in the log, with this id; a random part (`rechecked`) goes to somebody else, blind. "
             "The same body again under the same `id` decides nothing more and answers as the first time; another "
             "body under it is a 409.",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(
            request.data, allowed=("id", "items", "verdict", "output", "reasons", "comment"),
            required=("items", "verdict"),
        )  # fmt: skip
        made = bulk.decide_many(
            actor_of(request), like=id, items=_ids(body["items"]), **_said(body),
            id=_id(text(body, "id", longest=64), "/id") if "id" in body else None,
        )  # fmt: skip
        return Response(told(made))


class AtOnce(APIView):
    """`GET reviews/bulk/{id}/`."""

    required_scopes: ClassVar = {"GET": "reviews:write"}

    @described("What you decided at once", answers={200: MADE}, scope="reviews:write")
    def get(self, request: Request, id: UUID) -> Response:
        made, is_undone = bulk.at_once(actor_of(request), id)
        return Response(told(made) | {"undone": is_undone})


class UndoAtOnce(APIView):
    """`POST reviews/bulk/{id}/undo/`."""

    required_scopes: ClassVar = {"POST": "reviews:write"}

    @described(
        "Take back all that was decided at once", body=of({}), answers={200: of({"undone": WHOLE})},
        problems=(401, 403, 404, 409), scope="reviews:write",
        more="The items are back in their queue. 409 when it is final, was taken back, or a re-check is decided.",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        members(request.data, allowed=())
        return Response({"undone": bulk.undo_many(actor_of(request), id)})


def told(made: Bulk) -> dict[str, Any]:
    """What was decided at once as JSON."""
    return {"id": made.id, "decided": made.decided, "left": made.left, "rechecked": made.rechecked,
            "final_at": made.final_at}  # fmt: skip


def _said(body: dict[str, Any]) -> dict[str, Any]:
    answer = said(body)
    if answer["verdict"] is None:
        raise _wrong("/verdict", "This is approve, override or reject.")
    return answer


def _ids(sent: Any) -> list[UUID]:
    if not isinstance(sent, list) or len(sent) > bulk.MOST or not all(isinstance(each, str) for each in sent):
        raise _wrong("/items", f"This is a list of at most {bulk.MOST} ids of items.")
    return [_id(each, f"/items/{place}") for place, each in enumerate(sent)]


def _id(written: str, pointer: str) -> UUID:
    try:
        return UUID(written)
    except ValueError as error:
        raise _wrong(pointer, "This is an id.") from error


def _wrong(pointer: str, detail: str) -> Invalid:
    return Invalid(f"{pointer}: {detail}", errors=[Problem(pointer, "invalid", detail)])
