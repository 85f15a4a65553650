"""Incidents for programs that watch: what went wrong, what was done, and whether it can happen again."""

from typing import Any, ClassVar, Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging
from governance.api.authentication import Caller, caller
from governance.api.docs import (
    ANYTHING,
    ID,
    MAYBE_TEXT,
    MAYBE_TIME,
    PAGING,
    TEXT,
    TIME,
    Schema,
    described,
    list_of,
    of,
    page_of,
)
from governance.models import Entry, Incident, Outcome
from governance.models.incidents import INCIDENT_STATES, KINDS
from governance.monitoring import incidents
from governance.refusals import Invalid, Problem

VERB: Final = "see incidents"
_MAYBE_ID: Final[Schema] = {"type": ["string", "null"], "format": "uuid"}
_MAYBE_WHOLE: Final[Schema] = {"type": ["integer", "null"]}
MEMBERS: Final[dict[str, Schema]] = {
    "id": ID, "system": TEXT, "kind": {"enum": list(KINDS)}, "state": {"enum": list(INCIDENT_STATES)},
    "title": TEXT, "output": _MAYBE_ID, "external_id": MAYBE_TEXT, "policy_version": _MAYBE_WHOLE,
    "opened_at": TIME, "contained_at": MAYBE_TIME, "closed_at": MAYBE_TIME,
    "links": of({"self": TEXT, "output": MAYBE_TEXT}),
}  # fmt: skip
INCIDENT: Final = of(MEMBERS)
ONE: Final = of({
    **MEMBERS, "facts": ANYTHING, "opened_by": MAYBE_TEXT, "contained_by": MAYBE_TEXT, "containment": MAYBE_TEXT,
    "closed_by": MAYBE_TEXT, "cause": MAYBE_TEXT, "reason": MAYBE_TEXT, "remedy": _MAYBE_WHOLE,
    "outcomes": list_of(of({"id": ID, "correct": {"type": "boolean"}, "source": TEXT, "observed_at": MAYBE_TIME,
                            "received_at": TIME})),
    "entries": list_of(of({"id": ID, "at": TIME, "type": TEXT})),
})  # fmt: skip
MOST_OUTCOMES: Final = 20


class Incidents(APIView):
    """`GET incidents/`."""

    required_scopes: ClassVar = {"GET": "evidence:read"}

    @described(
        "The incidents you may see, newest first", answers={200: page_of(INCIDENT)}, scope="evidence:read",
        problems=(401, 403, 422), more="That an incident came from an audit tells which output was audited, so a "
        "producer's key does not read them.",
        parameters=(
            *PAGING,
            OpenApiParameter("system", OpenApiTypes.STR, description="Of this system only."),
            OpenApiParameter("state", OpenApiTypes.STR, enum=INCIDENT_STATES),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=KINDS),
        ),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        who, asked = caller(request), request.query_params
        state, kind = _one_of(asked.get("state"), "state", INCIDENT_STATES), _one_of(asked.get("kind"), "kind", KINDS)
        found = Incident.objects.told().among(who.systems(VERB)).narrowed(asked.get("system"), state=state, kind=kind)
        return Response(paging.answer(found, request, lambda incident: _shown(incident, who, request)))


class OneIncident(APIView):
    """`GET incidents/{id}/`."""

    required_scopes: ClassVar = {"GET": "evidence:read"}

    @described(
        "One incident with what was found and done", answers={200: ONE}, scope="evidence:read",
        more="`remedy` is the approved policy version that keeps it from happening again. Incidents are worked on by "
        "people, on their page.",
    )  # fmt: skip
    def get(self, request: Request, id: UUID) -> Response:
        who = caller(request)
        incident = incidents.seen(id, who.systems(VERB))
        told = Outcome.objects.filter(output=incident.output_id).order_by("id") if incident.output_id else ()
        entries = Entry.objects.filter(subject=incident.pk).order_by("rev").defer("leaf")
        return Response({
            **_shown(incident, who, request), "facts": incident.facts,
            "opened_by": _name(incident.opened_by), "contained_by": _name(incident.contained_by),
            "containment": incident.containment or None, "closed_by": _name(incident.closed_by),
            "cause": incident.cause or None, "reason": incident.reason or None,
            "remedy": incident.remedy.number if incident.remedy else None,
            "outcomes": [
                {"id": each.pk, "correct": each.is_correct, "source": each.source, "observed_at": each.observed_at,
                 "received_at": each.received_at}
                for each in told[:MOST_OUTCOMES]
            ],
            "entries": [{"id": entry.pk, "at": entry.at, "type": entry.type} for entry in entries],
        })  # fmt: skip


def _shown(incident: Incident, who: Caller, request: Request) -> dict[str, Any]:
    output = incident.output
    sees_output = output is not None and who.may("see outputs", incident.system)
    return {
        "id": incident.pk, "system": incident.system.slug, "kind": incident.kind, "state": incident.state,
        "title": incident.title, "output": output.pk if output else None,
        "external_id": output.external_id if output else None,
        "policy_version": incident.version.number if incident.version else None, "opened_at": incident.opened_at,
        "contained_at": incident.contained_at, "closed_at": incident.closed_at,
        "links": {
            "self": request.build_absolute_uri(f"/api/v1/incidents/{incident.pk}/"),
            "output": request.build_absolute_uri(f"/api/v1/outputs/{output.pk}/") if output and sees_output else None,
        },
    }  # fmt: skip


def _name(person: Any) -> str | None:
    return str(person) if person else None


def _one_of(asked: str | None, name: str, allowed: tuple[str, ...]) -> str | None:
    if asked is not None and asked not in allowed:
        detail = f"This is one of {', '.join(allowed)}."
        raise Invalid(f"{name}: {detail}", errors=[Problem(f"?{name}", "invalid", detail)])
    return asked
