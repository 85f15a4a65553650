"""The API's own description: OpenAPI 3.1 and a page to read and try it, served from here under the strict policy."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

Schema = Mapping[str, Any]
View = TypeVar("View", bound=Callable[..., Any])

TEXT: Final[Schema] = {"type": "string"}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
WHOLE: Final[Schema] = {"type": "integer"}
YES_NO: Final[Schema] = {"type": "boolean"}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
MAYBE_TIME: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
ANYTHING: Final[Schema] = {}
BYTES: Final[Schema] = {"type": "string", "format": "binary"}


def of(members: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """The schema of an object with these members; unknown ones are refused."""
    return {
        "type": "object",
        "properties": dict(members),
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def page_of(schema: Schema) -> Schema:
    """The schema of a keyset page."""
    link = {"type": ["string", "null"], "format": "uri"}
    return of({"results": list_of(schema), "next": link, "previous": link})


PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `instance` names the request, as `X-Request-Id` and the log do.",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": WHOLE,
        "code": TEXT,
        "detail": TEXT,
        "instance": TEXT,
        "errors": list_of(of({"pointer": TEXT, "code": TEXT, "detail": TEXT})),
    },
    "required": ["type", "title", "status", "code"],
}
_PROBLEM_HERE: Final[Schema] = {"$ref": "#/components/schemas/Problem"}
PAGING: Final = (
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous` of another page."),
    OpenApiParameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": 200}, description="Rows a page, 50 when left out."
    ),
)
# What any body may meet: no JSON, too many bytes, another content type, and the reasons of the door itself.
_OF_BODIES: Final = (400, 413, 415, 422)


def described(
    summary: str,
    *,
    answers: Mapping[int, Schema | None],
    body: Schema | None = None,
    scope: str = "",
    problems: tuple[int, ...] = (401, 403, 404),
    parameters: tuple[OpenApiParameter, ...] = (),
    more: str = "",
    kinds: tuple[str, ...] = ("application/json",),
) -> Callable[[View], View]:
    """Decorates a view's method with its description: `answers` by status (None for an empty one) in one of `kinds`,
    the problems it may answer with, and the scope that a key needs."""
    responses: dict[Any, Any] = {
        (status, kind) if schema is not None else status: schema for status, schema in answers.items() for kind in kinds
    }
    told = {*problems, 406, *(_OF_BODIES if body is not None else ()), *((422,) if PAGING[0] in parameters else ())}
    responses.update({(status, "application/problem+json"): _PROBLEM_HERE for status in sorted(told)})
    needs = f"A key needs the scope `{scope}`." if scope else ""

    def describe(view: View) -> View:
        described_view: View = extend_schema(
            operation_id=view.__qualname__.replace(".", "_").lower(),
            summary=summary,
            description="\n\n".join(filter(None, (more, needs))) or summary,
            request={"application/json": body} if body is not None else None,
            responses=responses,
            parameters=list(parameters),
        )(view)
        return described_view

    return describe


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "governance.api.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer cs_…`."}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "governance.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey", "in": "cookie", "name": "countersign",
            "description": "A person signed in with the browser; changes also need the header X-CSRFToken.",
        }  # fmt: skip


class Description(SpectacularJSONAPIView):
    """`/api/v1/openapi.json`"""

    custom_settings = {"APPEND_COMPONENTS": {"schemas": {"Problem": PROBLEM}}}  # noqa: RUF012  the base's attribute


class Page(SpectacularSwaggerSplitView):
    """`/api/v1/docs/`"""

    template_name = "api_docs.html"
    url_name = "api-openapi"
