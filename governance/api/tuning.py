"""Where the threshold should stand, for programs: the last certificate and an exploration of the evidence."""

from typing import ClassVar, Final

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import caller
from governance.api.docs import MAYBE_TEXT, TEXT, Schema, described, of
from governance.models import System
from governance.tuning.result import result

_SHARE: Final[Schema] = {"type": "number"}
_PART: Final[Schema] = {"type": ["object", "null"]}
RESULT: Final = of({
    "system": TEXT, "segment": MAYBE_TEXT, "target": _SHARE, "confidence": _SHARE, "in_force": _SHARE,
    "certificate": _PART, "exploration": _PART,
})  # fmt: skip


class Tuning(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "policies:read"}

    @described(
        "What the evidence says of the threshold", answers={200: RESULT}, scope="policies:read",
        problems=(401, 403, 404, 409),
        parameters=(OpenApiParameter("segment", OpenApiTypes.STR, description="A segment of the policy."),),
        more="Reading spends nothing. Only `certificate` carries a guarantee; `exploration` carries none.",
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        seen = caller(request).system(slug, "see tuning")
        system = System.objects.with_policy().get(pk=seen.pk)
        return Response(result(system, request.query_params.get("segment", "")))
