"""Doors for outputs: a producer sends them in, one or many, and asks what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging, parsing, problems
from governance.api.authentication import caller
from governance.api.docs import PAGING, described
from governance.api.rendering import encode
from governance.models import ApiKey, Output
from governance.refusals import NotFound, Refused
from reviews import intake
from reviews.api import output_filters, shapes
from reviews.intake import answers, batches, views_of
from reviews.intake.accepting import Result
from reviews.quality import blindness
from reviews.routing.wake import wake_soon


class Outputs(APIView):
    """`POST` takes one output in; `GET` lists them, newest first."""

    required_scopes = {"POST": "outputs:write", "GET": "outputs:read"}  # noqa: RUF012  DRF's way of declaring

    @described(
        "Send one output", body=shapes.OUTPUT_SENT, answers={201: shapes.OUTPUT, 200: shapes.OUTPUT},
        problems=(401, 403, 404, 409), scope="outputs:write",
        more="200 with the first verdict when the same body came before; 409 when the id came with another.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        _only(request, "application/json")
        body = intake.read(parsing.read(cast(Any, request._request), most=settings.MAX_OUTPUT_BYTES))
        reader, sender = _reader(request), _sender(request)
        (taken,) = intake.accept(
            [body], system=sender.system, actor=sender.actor, key=sender.key, traceparent=sender.traceparent
        )
        if isinstance(taken, Refused):
            raise taken
        if not taken.is_new:
            return Response(answers.of_repeats([taken], reader)[taken.id])
        if taken.needs_people:
            wake_soon()
        answer = answers.of_new(taken, reader)
        return Response(answer, status=201, headers={"Location": answer["links"]["self"]})

    @described(
        "The outputs of a system, newest first", answers={200: shapes.OUTPUTS}, scope="outputs:read",
        problems=(401, 403, 422), parameters=(*PAGING, *shapes.asked(*output_filters.KNOWN)),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        reader = _reader(request)
        found = output_filters.apply(_visible(request), request.query_params)
        return Response(paging.answer(found, request, lambda output: answers.listed(output, reader)))


class Batch(APIView):
    """`POST` takes up to 10,000 outputs in, as lines of JSON or one list; answers a line for each, in their order."""

    required_scopes = {"POST": "outputs:write"}  # noqa: RUF012

    @described(
        "Send up to 10,000 outputs", body={"type": "array", "items": shapes.OUTPUT_SENT}, answers={200: shapes.LINE},
        problems=(401, 403), kinds=("application/x-ndjson",), scope="outputs:write",
        more="A JSON array, or `application/x-ndjson` with an output a line. A bad line harms no good one.",
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponseBase:
        kind = _only(request, "application/x-ndjson", "application/json")
        raw = parsing.read(cast(Any, request._request), most=settings.MAX_BATCH_BYTES)
        lines = batches.lines(raw) if kind == "application/x-ndjson" else batches.elements(raw)
        answer = StreamingHttpResponse(
            _told(lines, _sender(request), _reader(request)), content_type="application/x-ndjson"
        )
        answer["X-Accel-Buffering"] = "no"
        return answer


class OneOutput(APIView):
    """One output. With `?wait=` the answer is held until the output is resolved, at most so many seconds."""

    required_scopes = {"GET": "outputs:read"}  # noqa: RUF012

    @described(
        "One output, and how it ended", answers={200: shapes.OUTPUT}, scope="outputs:read",
        problems=(401, 403, 404, 422), parameters=shapes.asked("wait"),
        more="`wait` holds the answer until the output is resolved, at most 55 seconds.",
    )  # fmt: skip
    def get(self, request: Request, id: str) -> Response:
        output = answers.rows(_visible(request)).filter(pk=id).first()
        if output is None:
            raise NotFound("There is nothing here.")
        person = caller(request).person
        told = views_of.masked(answers.of_row(output, _reader(request), proven=True), output, person)
        answer = told | views_of.content(output, person)
        response = Response(answer)
        if answer["resolution"] is None and output_filters.seconds(request.query_params):
            asked_at = cast(Any, output).asked_at
            # What a halt holds back has had its time: there is no telling when it comes.
            is_ahead = output.final_at is not None and output.final_at > asked_at
            left = (output.final_at - asked_at).total_seconds() if is_ahead else None
            response["X-Countersign-Wait"] = f"{id}" if left is None else f"{id} {left:.3f}"
        return response


def _told(lines: Sequence[batches.Line], sender: intake.Sender, reader: answers.Reader) -> Iterator[bytes]:
    """The answers of a batch, chunk by chunk, each after its commit."""
    numbers = (number for number, _ in lines)
    for results in intake.accept_chunks((_read(line) for _, line in lines), sender):
        if any(isinstance(result, intake.Taken) and result.needs_people for result in results):
            wake_soon()
        repeats = answers.of_repeats([r for r in results if isinstance(r, intake.Taken) and not r.is_new], reader)
        yield b"".join(encode(_line(next(numbers), result, repeats, reader)) + b"\n" for result in results)


def _line(number: int, result: Result, repeats: dict[Any, Any], reader: answers.Reader) -> dict[str, Any]:
    if isinstance(result, Refused):
        return {"line": number, "status": result.status, "problem": problems.of(result)}
    if result.is_new:
        return {"line": number, "status": 201, "output": answers.of_new(result, reader)}
    return {"line": number, "status": 200, "output": repeats[result.id]}


def _read(line: bytes) -> intake.Body | Refused:
    try:
        return intake.read(line)
    except Refused as refusal:
        return refusal


def _visible(request: Request) -> QuerySet[Output]:
    """The outputs that this caller may see, without those that wait for its own blind answer."""
    who = caller(request)
    systems = who.systems("see outputs")
    # A known answer is nobody's but its reviewer's.
    found = Output.objects.genuine() if who.person is None else Output.objects.all()
    found = found if systems is None else found.filter(system_id__in=systems)
    return blindness.not_hidden_from(found, who.person)


def _reader(request: Request) -> answers.Reader:
    who, http = caller(request), request._request
    system = who.key.system_id if who.key else None
    shows = who.has_scope("evidence:read") and (
        who.person is None or (system is not None and who.may("see evidence", system))
    )
    return answers.Reader(shows, f"{http.scheme}://{http.get_host()}")


def _sender(request: Request) -> intake.Sender:
    who = caller(request)
    key = cast(ApiKey, who.key)  # these doors let nobody in without one
    return intake.Sender(key.system, who.actor, key.pk, getattr(request._request, "traceparent", None))


def _only(request: Request, *kinds: str) -> str:
    """The content type of the body. Raises UnsupportedMediaType for any but these."""
    kind = request._request.content_type or ""
    if kind not in kinds:
        raise UnsupportedMediaType(kind)
    return kind
