"""Doors for decisions: the history, taking one back, correcting one that is final."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging
from governance.api.authentication import must_be_fresh
from governance.api.docs import PAGING, described, of
from governance.api.parsing import members
from governance.api.rendering import JSONRenderer
from reviews.api import shapes
from reviews.api.reviews import actor_of, outcome, said, shown
from reviews.decisions import export, history, supersede, taking, undo
from reviews.models import Decision


class Lines(BaseRenderer):
    """`?format=jsonl`; the export writes it."""

    media_type = "application/x-ndjson"
    format = "jsonl"


class Sheet(BaseRenderer):
    """`?format=csv`; the export writes it."""

    media_type = "text/csv"
    format = "csv"


class Columns(BaseRenderer):
    """`?format=parquet`; the export writes it."""

    media_type = "application/vnd.apache.parquet"
    format = "parquet"


class Decisions(APIView):
    """`GET` lists decisions, newest first, or streams them all as JSON lines, CSV or Parquet."""

    required_scopes: ClassVar[dict[str, str]] = {"GET": "decisions:read"}
    renderer_classes = (JSONRenderer, Lines, Sheet, Columns)

    @described(
        "Decisions, newest first", answers={200: shapes.DECISIONS}, problems=(401, 403, 404), scope="decisions:read",
        parameters=(*PAGING, shapes.FORMAT, *shapes.asked(*history.FILTERS)), kinds=shapes.FORMATS,
        more="`format=jsonl`, `csv` or `parquet` streams them all; that they were taken is an entry of the log.",
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponseBase:
        reader = actor_of(request)
        found = history.asked_for(history.seen_by(reader), request.query_params, reader=reader)
        chosen: Any = request.accepted_renderer
        if chosen.format not in export.FORMATS:
            return Response(_page(request, found.with_what_is_around()))
        must_be_fresh(request)
        asked = {name: str(text) for name, text in request.query_params.items() if name in history.FILTERS}
        content = taking.stream(
            found, format=chosen.format, asked=asked, columns=taking.columns_of(()), by=reader,
            system=reader.key.system_id if reader.key else None,
        )  # fmt: skip
        answer = StreamingHttpResponse(content, content_type=export.MEDIA_TYPES[chosen.format])
        answer["Content-Disposition"] = f'attachment; filename="decisions.{chosen.format}"'
        answer["X-Accel-Buffering"] = "no"
        return answer


class Undo(APIView):
    """`POST` takes a decision back while it is not final; the item is in the same hands again."""

    required_scopes: ClassVar[dict[str, str]] = {"POST": "reviews:write"}

    @described(
        "Take a decision back", body=of({}), answers={200: shapes.CARD}, problems=(401, 403, 404, 409),
        scope="reviews:write", more="Before `final_at`; the item is in the same hands again.",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        members(request.data, allowed=())
        return Response(shown(undo(actor_of(request), id)))


class Supersede(APIView):
    """`POST` puts a new decision in the place of a final one."""

    required_scopes: ClassVar[dict[str, str]] = {"POST": "reviews:write"}

    @described(
        "Put another decision in the place of a final one", body=shapes.SUPERSEDING, answers={201: shapes.DECIDED},
        problems=(401, 403, 404, 409), scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        body = members(request.data, allowed=("verdict", "output", "reasons", "comment"), required=("verdict",))
        return Response(outcome(supersede(actor_of(request), id, **said(body))), status=201)


def _page(request: Request, found: Any) -> dict[str, Any]:
    """A page whose payloads are read at once, not row by row."""
    rows: list[Decision] = []

    def keep(row: Decision) -> Decision:
        rows.append(row)
        return row

    answer = paging.answer(found, request, keep)
    return answer | {"results": history.told(rows, actor_of(request))}
