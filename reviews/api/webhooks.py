"""Webhooks over the API: where a system's events go. A secret is in the answer that makes it, and in no other."""

from typing import Any, ClassVar, cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging, parsing
from governance.api.authentication import Caller, must_be_fresh
from governance.api.docs import ID, PAGING, TEXT, WHOLE, described, of
from governance.api.rendering import moment
from governance.refusals import Invalid, NotFound, Problem
from reviews.api import shapes
from reviews.delivery import endpoints
from reviews.models import Delivery, Endpoint

VERB = "manage webhooks"
_RECENT = 20


class Webhooks(APIView):
    """`GET webhooks/` lists, `POST webhooks/` makes one."""

    required_scopes: ClassVar = {"GET": "webhooks:write", "POST": "webhooks:write"}

    @described(
        "Your webhooks", answers={200: shapes.WEBHOOKS}, problems=(401, 403), parameters=PAGING, scope="webhooks:write"
    )
    def get(self, request: Request) -> Response:
        """The webhooks this key may see, newest first, without their secrets."""
        rows = Endpoint.objects.present().in_systems(_caller(request).systems(VERB)).select_related("system")
        return Response(paging.answer(rows, request, as_json))

    @described(
        "Register a webhook", body=shapes.WEBHOOK_SENT, answers={201: shapes.WEBHOOK}, scope="webhooks:write",
        more="The answer shows its secret, once.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A new webhook: `{system?, url, events}`. The answer shows its secret, once."""
        caller = _caller(request)
        data = parsing.members(request.data, allowed=("system", "url", "events"), required=("url", "events"))
        slug = parsing.text(data, "system", longest=64, default=caller.key.system.slug if caller.key else "")
        system = caller.system(slug, VERB)
        endpoint, secret = endpoints.create(
            system, url=parsing.text(data, "url"), events=_events(data), by=caller.actor_in(system)
        )
        return Response({**as_json(endpoint), "secret": secret}, status=201)


class Webhook(APIView):
    """`GET`, `PATCH` and `DELETE webhooks/{id}/`."""

    required_scopes: ClassVar = {"GET": "webhooks:write", "PATCH": "webhooks:write", "DELETE": "webhooks:write"}

    @described("One webhook with its last deliveries", answers={200: shapes.WEBHOOK}, scope="webhooks:write")
    def get(self, request: Request, id: UUID) -> Response:
        """One webhook with its last deliveries."""
        endpoint = _find(_caller(request), id)
        recent = endpoint.deliveries.newest_first()[:_RECENT]
        return Response({**as_json(endpoint), "deliveries": [delivery_json(row) for row in recent]})

    @described(
        "Change a webhook", body=shapes.WEBHOOK_CHANGED, answers={200: shapes.WEBHOOK},
        problems=(401, 403, 404, 409), scope="webhooks:write",
    )  # fmt: skip
    def patch(self, request: Request, id: UUID) -> Response:
        """Changes `url` (on the same server), `events` or `enabled`."""
        endpoint = _find(_caller(request), id)
        data = parsing.members(request.data, allowed=("url", "events", "enabled"))
        enabled = data.get("enabled")
        if enabled is not None and not isinstance(enabled, bool):
            raise _wrong("enabled", "This is true or false.")
        changed = endpoints.change(
            endpoint, by=_caller(request).actor_in(endpoint.system_id), is_enabled=enabled,
            url=parsing.text(data, "url") if "url" in data else None,
            events=_events(data) if "events" in data else None,
        )  # fmt: skip
        return Response(as_json(changed))

    @described("Take a webhook away", answers={204: None}, scope="webhooks:write")
    def delete(self, request: Request, id: UUID) -> Response:
        """Takes the webhook away, with its secret and with what it was still to be told."""
        endpoint = _find(_caller(request), id)
        endpoints.remove(endpoint, by=_caller(request).actor_in(endpoint.system_id))
        return Response(status=204)


class WebhookTest(APIView):
    """`POST webhooks/{id}/test/`."""

    required_scopes: ClassVar = {"POST": "webhooks:write"}

    @described(
        "Send a test message", body=of({}), answers={202: of({"delivery": ID})},
        problems=(401, 403, 404, 409), scope="webhooks:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        """Sends a message of type `webhook.test`; `GET webhooks/{id}/` shows what came of it."""
        parsing.members(request.data, allowed=())
        endpoint = _find(_caller(request), id)
        delivery = endpoints.test(endpoint, by=_caller(request).actor_in(endpoint.system_id))
        return Response({"delivery": str(delivery.pk)}, status=202)


class WebhookRotate(APIView):
    """`POST webhooks/{id}/rotate/`."""

    required_scopes: ClassVar = {"POST": "webhooks:write"}

    @described(
        "A new secret, shown this once", body=of({}), answers={200: of({"secret": TEXT})}, scope="webhooks:write",
        more="For 24 hours both sign.",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        """A new secret, shown this once; for 24 hours both sign."""
        parsing.members(request.data, allowed=())
        endpoint = _find(_caller(request), id)
        must_be_fresh(request)
        return Response({"secret": endpoints.rotate(endpoint, by=_caller(request).actor_in(endpoint.system_id))})


class WebhookReplay(APIView):
    """`POST webhooks/{id}/replay/`."""

    required_scopes: ClassVar = {"POST": "webhooks:write"}

    @described(
        "Send dead deliveries again", body=of({"delivery": ID}, optional=("delivery",)),
        answers={202: of({"replayed": WHOLE})}, problems=(401, 403, 404, 409), scope="webhooks:write",
    )  # fmt: skip
    def post(self, request: Request, id: UUID) -> Response:
        """Sends dead deliveries again under their ids: one (`{delivery}`) or, with an empty body, all."""
        endpoint = _find(_caller(request), id)
        data = parsing.members(request.data, allowed=("delivery",))
        count = endpoints.replay(
            endpoint, by=_caller(request).actor_in(endpoint.system_id),
            delivery=_uuid(data["delivery"]) if "delivery" in data else None,
        )  # fmt: skip
        return Response({"replayed": count}, status=202)


def as_json(endpoint: Endpoint) -> dict[str, Any]:
    """A webhook as its system's engineers see it; never its secret."""
    return {
        "id": str(endpoint.pk),
        "system": endpoint.system.slug,
        "url": endpoint.url,
        "events": endpoint.events,
        "enabled": endpoint.disabled_at is None,
        "disabled_because": endpoint.disabled_because or None,
        "created_at": moment(endpoint.created_at),
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery: its id is the `webhook-id` that the receiver saw."""
    return {
        "id": str(delivery.pk),
        "event": delivery.event,
        "output": str(delivery.output_id) if delivery.output_id else None,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "answer": delivery.answer,
        "problem": delivery.problem or None,
        "created_at": moment(delivery.created_at),
        "next_attempt_at": moment(delivery.next_attempt_at),
        "delivered_at": moment(delivery.delivered_at),
    }


def _caller(request: Request) -> Caller:
    return cast(Caller, request.user)


def _find(caller: Caller, id: UUID) -> Endpoint:
    endpoint = (
        Endpoint.objects.present().in_systems(caller.systems(VERB)).select_related("system").filter(pk=id).first()
    )
    if endpoint is None:
        raise NotFound("There is nothing here.")
    return endpoint


def _events(data: dict[str, Any]) -> list[str]:
    events = data["events"]
    if not isinstance(events, list) or not all(isinstance(name, str) for name in events):
        raise _wrong("events", "This is a list of names of events.")
    return events


def _uuid(value: object) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else _no_uuid()
    except ValueError:
        return _no_uuid()


def _no_uuid() -> UUID:
    raise _wrong("delivery", "This is the id of a delivery.")


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(f"/{name}: {detail}", errors=[Problem(f"/{name}", "wrong-type", detail)])
