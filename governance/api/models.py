"""The models of a system for programs: which have answered, and how they stand to the policy in force."""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import caller, must_be_fresh
from governance.api.docs import ID, MAYBE_TEXT, MAYBE_TIME, TEXT, TIME, Schema, described, list_of, of
from governance.api.parsing import members, text
from governance.models import ModelVersion, System
from governance.policies import modelversions, registry
from governance.refusals import NotFound

MODEL: Schema = of({
    "id": ID, "model": TEXT, "model_version": TEXT, "prompt_version": TEXT, "first_seen_at": TIME, "standing": TEXT,
    "admitted_by": MAYBE_TEXT, "admitted_at": MAYBE_TIME, "because": TEXT,
})  # fmt: skip


def shown(version: ModelVersion, standing: str) -> dict[str, Any]:
    """A model version; who admitted it is loaded already."""
    return {
        "id": version.pk, "model": version.model, "model_version": version.model_version,
        "prompt_version": version.prompt_version, "first_seen_at": version.first_seen_at, "standing": standing,
        "admitted_by": version.admitted_by and version.admitted_by.name, "admitted_at": version.admitted_at,
        "because": version.because,
    }  # fmt: skip


def _answer(version: ModelVersion, system: System) -> Response:
    policy = registry.compiled(system.in_force_id) if system.in_force_id else None
    return Response(shown(version, modelversions.standing(version, policy, risk_tier=system.risk_tier)))


def _found(system: System, id: UUID) -> ModelVersion:
    found = ModelVersion.objects.of(system).select_related("system").filter(pk=id).first()
    if found is None:
        raise NotFound("There is nothing here.")
    return found


class Models(APIView):
    required_scopes: ClassVar = {"GET": "policies:read"}

    @described(
        "The models whose outputs have come, the latest first", answers={200: of({"results": list_of(MODEL)})},
        scope="policies:read", more="`standing` is `named` by the policy in force, `admitted` beside it, `unknown` to "
        "it (people decide), or `any` where the policy names none.",
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        system = caller(request).system(slug)
        policy = registry.compiled(system.in_force_id) if system.in_force_id else None
        return Response({"results": [shown(*row) for row in modelversions.told(system, policy)]})


class Admit(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Let a model in", body=of({"because": TEXT}), answers={200: MODEL}, problems=(401, 403, 404, 409),
        scope="policies:write", more="The policy in force judges its outputs although it was not validated for it. For "
        "an approver who has just signed in, or a key that the policy in force admits; not on a high-risk system.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        who = caller(request)
        system = who.system(slug, "admit a model")
        must_be_fresh(request)
        because = text(members(request.data, allowed=("because",), required=("because",)), "because")
        return _answer(modelversions.admit(_found(system, id), by=who.actor_in(system), because=because), system)


class Bar(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Shut a model out again", body=of({"because": TEXT}, optional=("because",)), answers={200: MODEL},
        problems=(401, 403, 404, 409), scope="policies:write",
        more="People decide on its outputs again, unless the policy in force names it.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        who = caller(request)
        system = who.system(slug, "bar a model")
        because = text(members(request.data, allowed=("because",)), "because")
        return _answer(modelversions.bar(_found(system, id), by=who.actor_in(system), because=because), system)
