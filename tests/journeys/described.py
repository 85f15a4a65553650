"""The API by its own description: every operation, what a sound request to it holds, and visits that leave nothing."""

from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

import schemathesis
from django.conf import settings
from django.db import connection, transaction
from django.test.client import ClientHandler
from drf_spectacular.generators import SchemaGenerator
from hypothesis import core
from hypothesis.vendor import pretty
from schemathesis import Case
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation

from governance.models import ApiKey, System
from tests import cast
from tests.house import samples
from tests.house.routes import ROUTES, WHO, Route

core.RepresentationPrinter = pretty.RepresentationPrinter  # Schemathesis has silenced it, for everybody
PEOPLE = {
    "nobody": cast.eve, "reviewer": cast.alice, "lead": cast.carol, "owner": cast.dana, "approver": cast.erik,
    "auditor": cast.ruth, "engineer": cast.eng, "admin": cast.admin,
}  # fmt: skip
_handler = ClientHandler(enforce_csrf_checks=False)


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    answer = _handler(environ)
    start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
    return list(answer)


API = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
API.config.generation.with_security_parameters = False  # who asks is up to the visitor
API.config.generation.allow_extra_parameters = False  # what an address adds is not read
API.app = _application
OPERATIONS: dict[str, APIOperation] = {found.ok().label: found.ok() for found in API.get_all_operations()}


class _Undo(Exception):
    """Takes back what a visit did, so that the next finds the same."""


class Visitor:
    """Somebody who may use an operation, what a sound request to it holds, and two who may not."""

    def __init__(self, label: str) -> None:
        self.operation = OPERATIONS[label]
        self.route = _line_of(self.operation)
        self.place = getattr(samples, self.route.sample)()
        sound = samples.BODIES[self.route.body](self.place) if self.route.body else {}
        self.sound: dict[str, Any] = sound
        told = zip(WHO, map(int, self.route.expected.split()), strict=True)
        allowed = {who: status for who, status in told if status in (200, 201, 202, 204, 409)}
        self.who = next(reversed(allowed), "a program")
        self.welcome = {allowed[self.who]} if allowed else {200, 201}
        self._ways = {who: _way_in(who) for who in ("anonymous", "nobody", self.who)}

    def visit(self, case: Case, **how: Any) -> Response:
        """What the API answers to a case. Sound parts of it get, more often than not, what the sample knows; every
        twentieth visitor has no role, and every twentieth is not signed in."""
        chance = crc32(repr((case.body or 0, case.query, case.path_parameters)).encode("utf-8", "backslashreplace"))
        is_sound = {where.value: part.mode.value for where, part in case.meta.components.items()} if case.meta else {}
        if is_sound.get("path", "positive") == "positive" and chance % 8:
            case.path_parameters.update({n: v if isinstance(v, int) else str(v) for n, v in self.place.items()})
        if is_sound.get("body") == "positive" and isinstance(case.body, dict):
            known = {name: value for name, value in self.sound.items() if name in case.body}
            case.body.update({name: value for n, (name, value) in enumerate(known.items()) if chance >> n & 7})
        case.headers.pop("Authorization", None)
        case.cookies.clear()
        return self.send(case, {3: "nobody", 7: "anonymous"}.get(chance % 20, self.who), **how)

    def sound_case(self) -> Case:
        """The request that the table of routes would send."""
        body: Any = [self.sound] if self.operation.path.endswith("/batch/") else self.sound
        place = {name: value if isinstance(value, int) else str(value) for name, value in self.place.items()}
        if not self.operation.body:
            return self.operation.Case(path_parameters=place)
        return self.operation.Case(path_parameters=place, body=body, media_type="application/json")

    def send(self, case: Case, who: str = "", **how: Any) -> Response:
        """The answer to this case as it is; everything that has to hold at a commit has been checked."""
        way = self._ways[who or self.who]
        headers = {**way.get("headers", {}), **how.pop("headers", {})}
        try:
            with transaction.atomic():
                answer = case.call(cookies=way.get("cookies", {}), headers=headers, **how)
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                raise _Undo
        except _Undo:
            return answer


def _line_of(operation: APIOperation) -> Route:
    """The operation's line in the table of routes."""
    for route in ROUTES:
        shape = route.pattern.replace(">", "}")
        for kind in ("slug", "int", "uuid", "path"):
            shape = shape.replace(f"<{kind}:", "{")
        if (route.method, f"/{shape}") == (operation.method.upper(), operation.path):
            return route
    raise LookupError(f"{operation.label} is not in tests/house/routes.py")


def _way_in(who: str) -> dict[str, Any]:
    if who == "anonymous":
        return {}
    if who == "a program":
        alone = [scope for scope in ApiKey.SCOPES if scope not in ("reviews:write", "policies:write")]
        return {"headers": cast.bearer(cast.key_for(System.objects.get(), alone))}
    name = settings.SESSION_COOKIE_NAME
    return {"cookies": {name: cast.signed_in(PEOPLE[who]()).cookies[name].value}}
