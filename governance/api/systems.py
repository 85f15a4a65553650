"""The AI systems a caller may see, each with its policy in force."""

from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging
from governance.api.authentication import caller
from governance.api.docs import ID, MAYBE_TIME, PAGING, TEXT, WHOLE, YES_NO, described, of, page_of
from governance.models import System

POLICY_IN_FORCE = {
    **of({"number": WHOLE, "digest": TEXT, "contract": TEXT, "unapproved": YES_NO, "in_force_from": MAYBE_TIME}),
    "type": ["object", "null"],
}
SYSTEM = of({
    "id": ID, "slug": TEXT, "name": TEXT, "purpose": TEXT, "risk_tier": TEXT, "owner": TEXT,
    "policy": POLICY_IN_FORCE, "halted_since": MAYBE_TIME, "links": of({"self": TEXT, "policies": TEXT}),
})  # fmt: skip


def shown(system: System, request: HttpRequest | Request) -> dict[str, Any]:
    """A system as the API shows it; `in_force` and its contract are loaded already."""
    version = system.in_force
    here = request.build_absolute_uri(f"/api/v1/systems/{system.slug}/")
    return {
        "id": system.pk,
        "slug": system.slug,
        "name": system.name,
        "purpose": system.purpose,
        "risk_tier": system.risk_tier,
        "owner": system.owner,
        "policy": version and {
            "number": version.number, "digest": f"sha256:{version.digest}", "contract": version.contract.version,
            "unapproved": not version.is_approved, "in_force_from": version.in_force_from,
        },
        "halted_since": system.halt and system.halt.halted_at,
        "links": {"self": here, "policies": f"{here}policies/"},
    }  # fmt: skip


class Systems(APIView):
    required_scopes: ClassVar = {"GET": "policies:read"}

    @described("The systems you may see", answers={200: page_of(SYSTEM)}, scope="policies:read", parameters=PAGING)
    def get(self, request: Request) -> Response:
        found = System.objects.among(caller(request).systems("see the system")).with_policy()
        return Response(paging.answer(found, request, lambda system: shown(system, request), newest_first=False))


class OneSystem(APIView):
    required_scopes: ClassVar = {"GET": "policies:read"}

    @described("One system with its policy in force", answers={200: SYSTEM}, scope="policies:read")
    def get(self, request: Request, slug: str) -> Response:
        system = caller(request).system(slug)
        return Response(shown(System.objects.with_policy().get(pk=system.pk), request))
