"""The examples of a system for programs: what every policy must do.

Here and not beside the policies, since who may still have to judge an output blind learns nothing of it on any door.
"""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import caller
from governance.api.docs import ID, MAYBE_TEXT, MAYBE_TIME, TEXT, TIME, YES_NO, Schema, described, list_of, of
from governance.api.parsing import members, text
from governance.models import Example, Output
from governance.policies import examples
from governance.policies.examples import Tried
from governance.refusals import NotFound
from reviews.quality import blindness

_ONE: Schema = {
    "id": ID, "output": ID, "external_id": TEXT, "expected": {"enum": list(Example.EXPECTED)}, "note": TEXT,
    "pinned_by": TEXT, "pinned_at": TIME, "dropped_at": MAYBE_TIME,
}  # fmt: skip
_NOTE: Schema = {"type": "string", "maxLength": examples.MOST_NOTE}
EXAMPLE = of(_ONE)
TRIED = of({**_ONE, "lane": MAYBE_TEXT, "rule": MAYBE_TEXT, "is_broken": YES_NO})


def shown(example: Example) -> dict[str, Any]:
    """An example; its output and who pinned it are loaded already."""
    return {
        "id": example.pk, "output": example.output_id, "external_id": example.output.external_id,
        "expected": example.expected, "note": example.note, "pinned_by": example.pinned_by.name,
        "pinned_at": example.pinned_at, "dropped_at": example.dropped_at,
    }  # fmt: skip


def _beside(tried: Tried) -> dict[str, Any]:
    verdict = tried.verdict
    return {
        **shown(tried.example), "lane": verdict.lane if verdict else None, "rule": verdict.rule if verdict else None,
        "is_broken": tried.is_broken,
    }  # fmt: skip


def _fresh(id: UUID) -> Example:
    return Example.objects.select_related("output", "pinned_by").get(pk=id)


class Examples(APIView):
    required_scopes: ClassVar = {"GET": "policies:read"}

    @described(
        "What every policy of a system must do, the latest first", answers={200: of({"results": list_of(TRIED)})},
        scope="policies:read", more="Each example with what the policy in force says of it: `lane` and `rule` are null "
        "where none is in force or the content was erased. An output that you have still to judge blind is left out.",
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        who = caller(request)
        system = who.system(slug)
        rows = examples.under_the_policy_in_force(system)
        seen = blindness.seen_by(who.person, [row.example.output_id for row in rows])
        return Response({"results": [_beside(row) for row in rows if row.example.output_id in seen]})


class Pin(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Keep an output as an example", answers={201: EXAMPLE}, problems=(401, 403, 404, 409), scope="policies:write",
        body=of({"expected": {"enum": list(Example.EXPECTED)}, "note": _NOTE},
                optional=("note",)),
        more="A proposal that sends it elsewhere has to say why. `review` is also kept by what blocks it. An output "
        "is an example once, and a system keeps at most 200.",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        who = caller(request)
        systems = who.systems("see outputs")
        found = Output.objects.genuine().select_related("system")
        found = found if systems is None else found.filter(system__in=systems)
        output = blindness.not_hidden_from(found, who.person).filter(pk=id).first()
        if output is None:
            raise NotFound("There is nothing here.")
        who.require("pin an example", output.system)
        sent = members(request.data, allowed=("expected", "note"), required=("expected",))
        made = examples.pin(
            output, expected=text(sent, "expected"), note=text(sent, "note", longest=examples.MOST_NOTE),
            by=who.actor_in(output.system),
        )  # fmt: skip
        return Response(shown(_fresh(made.pk)), status=status.HTTP_201_CREATED)


class Drop(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Drop an example", body=of({}), answers={200: EXAMPLE}, problems=(401, 403, 404, 409), scope="policies:write",
        more="No policy is held to it any more; that it was kept, and who dropped it, stays in the log.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        who = caller(request)
        system = who.system(slug, "drop an example")
        members(request.data, allowed=())
        found = Example.objects.filter(system=system, pk=id).select_related("system").first()
        if found is None:
            raise NotFound("There is nothing here.")
        examples.drop(found, by=who.actor_in(system))
        return Response(shown(_fresh(id)))
