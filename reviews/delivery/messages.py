"""What a webhook says: the event, when it happened, and the output as its producer would read it now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from governance import clock
from governance.evidence.leaf import time_text
from governance.models import Incident, Notice, Output, PolicyVersion
from governance.notices import mails
from governance.notices.kinds import EVENTS as NOTICES
from reviews.delivery import signing
from reviews.intake import answers
from reviews.models import Delivery, Endpoint

_NAMES = {"version": "policy_version", "replaced": "replaces", "guarded": "by_guard"}
USER_AGENT = "Countersign-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery ready to be posted."""

    delivery: UUID
    url: str
    headers: dict[str, str]
    body: bytes


def message(delivery: Delivery) -> Message:
    """The message of a delivery, signed as of this moment. Its `webhook-id` is the delivery's, on every attempt."""
    endpoint, now = delivery.endpoint, clock.now()
    body = msgspec.json.encode(
        {"type": delivery.event, "timestamp": time_text(delivery.due_at), "data": _data(delivery)}
    )
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **signing.headers(str(delivery.pk), timestamp=int(now.timestamp()), body=body, secrets=_secrets(endpoint, now)),
    }
    if delivery.output and delivery.output.traceparent:
        headers["traceparent"] = delivery.output.traceparent
    return Message(delivery.pk, delivery.url or endpoint.url, headers, body)


def _secrets(endpoint: Endpoint, now: datetime) -> list[str]:
    changes = endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > now
    return [endpoint.secret, endpoint.previous_secret] if changes else [endpoint.secret]


def _data(delivery: Delivery) -> dict[str, Any]:
    if delivery.output is not None:
        # Of an audit that was not held a producer is told nothing, whatever its keys may read.
        reader = answers.Reader(shows_audits=False, base=settings.PUBLIC_URL)
        output = answers.rows(Output.objects.filter(pk=delivery.output.pk)).get()
        return answers.of_row(output, reader, proven=True)
    if delivery.subject is not None and delivery.event == "incident.opened":
        return _incident(Incident.objects.told().get(pk=delivery.subject))
    if delivery.subject is not None and delivery.event in NOTICES:
        return _notice(Notice.objects.select_related("system").get(pk=delivery.subject))
    if delivery.subject is not None:
        return _policy(PolicyVersion.objects.select_related("system").get(pk=delivery.subject))
    return {"system": delivery.endpoint.system.slug, "endpoint": str(delivery.endpoint_id)}


def _policy(version: PolicyVersion) -> dict[str, Any]:
    return {
        "system": version.system.slug,
        "policy_version": version.number,
        "policy_digest": f"sha256:{version.digest}",
        "state": version.state,
        "in_force_from": time_text(version.in_force_from) if version.in_force_from else None,
        "links": {"self": f"{settings.PUBLIC_URL}/api/v1/systems/{version.system.slug}/policies/{version.number}/"},
    }


def _notice(notice: Notice) -> dict[str, Any]:
    """What happened, in numbers and slugs, and where to read on. What people wrote stays inside."""
    known = {_NAMES.get(name, name): value for name, value in notice.facts.items() if name != "why"}
    return {
        "system": notice.system.slug, "notice": str(notice.pk), "subject": str(notice.subject), **known,
        "at": time_text(notice.at), "links": {"self": mails.link(notice)},
    }  # fmt: skip


def _incident(incident: Incident) -> dict[str, Any]:
    """What a subscriber learns: what it is about and where to read on. The title stays inside: people write it."""
    return {
        "system": incident.system.slug,
        "incident": str(incident.pk),
        "kind": incident.kind,
        "state": incident.state,
        "output": str(incident.output_id) if incident.output_id else None,
        "external_id": incident.output.external_id if incident.output else None,
        "policy_version": incident.version.number if incident.version else None,
        "opened_at": time_text(incident.opened_at),
        "links": {"self": f"{settings.PUBLIC_URL}/incidents/{incident.pk}/"},
    }
