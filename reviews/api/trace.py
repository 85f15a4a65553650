"""The door to an output's causal trace."""

from typing import ClassVar, cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import Caller
from governance.api.docs import described
from governance.models import Output
from governance.refusals import NotFound
from reviews import trace
from reviews.api import shapes
from reviews.quality import blindness


class Trace(APIView):
    """`GET outputs/{id}/trace/`."""

    required_scopes: ClassVar = {"GET": "outputs:read"}

    @described("Why this output ended as it did", answers={200: shapes.TRACE}, scope="outputs:read")
    def get(self, request: Request, id: UUID) -> Response:
        """Contract check, policy, conditions, routing, claims, decisions, deliveries, and the entry of each."""
        caller = cast(Caller, request.user)
        systems = caller.systems("see outputs")
        found = Output.objects.select_related("system", "policy", "content")
        found = found.genuine() if caller.person is None else found
        found = found if systems is None else found.filter(system_id__in=systems)
        output = blindness.not_hidden_from(found, caller.person).filter(pk=id).first()
        if output is None:
            raise NotFound("There is nothing here.")
        # A key learns no more of audits than its person's role and its own scopes both allow.
        sees_audits = caller.key is None or (
            caller.has_scope("evidence:read") and caller.may("see evidence", output.system)
        )
        viewer = trace.viewer_of(caller.person, output.system_id, sees_audits=sees_audits)
        return Response(trace.as_json(output, trace.story(output, viewer)))
