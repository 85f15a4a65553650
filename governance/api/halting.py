"""The stop button for programs that act for a person."""

from typing import Any, ClassVar

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import caller, must_be_fresh
from governance.api.docs import ID, MAYBE_TIME, TEXT, TIME, described, of
from governance.api.parsing import members, text
from governance.models import Halt
from governance.policies import halting

HALT = of({"id": ID, "system": TEXT, "because": TEXT, "halted_at": TIME, "lifted_at": MAYBE_TIME})


def shown(halt: Halt) -> dict[str, Any]:
    """A halt; its system is loaded already."""
    return {
        "id": halt.pk, "system": halt.system.slug, "because": halt.because, "halted_at": halt.halted_at,
        "lifted_at": halt.lifted_at,
    }  # fmt: skip


class Stop(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Halt a system", body=of({"because": TEXT}), answers={201: HALT}, problems=(401, 403, 404, 409),
        scope="policies:write", more="From the answer on nothing goes out alone, by policy or by fallback.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        system = caller(request).system(slug, "halt a system")
        because = text(members(request.data, allowed=("because",), required=("because",)), "because")
        made = halting.halt(system, by=caller(request).actor_in(system), because=because)
        return Response(shown(made), status=status.HTTP_201_CREATED)


class Lift(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Lift a halt", body=of({"because": TEXT}, optional=("because",)), answers={200: HALT},
        problems=(401, 403, 404, 409), scope="policies:write",
        more="For an approver who has just signed in, or a key that the policy in force admits.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        who = caller(request)
        system = who.system(slug, "lift a halt")
        must_be_fresh(request)
        because = text(members(request.data, allowed=("because",)), "because")
        return Response(shown(halting.lift(system, by=who.actor_in(system), because=because)))
