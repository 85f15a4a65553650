"""The addresses that a system's events are sent to: made, changed, disabled, taken away, and their secrets."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import Draft, record
from governance.models import System
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid, NotFound, Problem
from reviews.delivery import outbox, signing
from reviews.delivery.addresses import check_url, origin_of
from reviews.models import Delivery, Endpoint

TEST_EVENT = "webhook.test"
OVERLAP = timedelta(hours=24)
"""So long the secret before still signs too, so that a receiver can change it without losing a message."""

MOST = 20


@transaction.atomic
def create(system: System, *, url: str, events: Iterable[str], by: Actor) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once.

    Raises Invalid for an address or an event that cannot be, Conflict when the system has this address already or has
    twenty.
    """
    check_url(url, allow_private=settings.ALLOW_PRIVATE_WEBHOOKS)
    names = _known(events)
    System.objects.select_for_update(no_key=True).get(pk=system.pk)
    present = list(Endpoint.objects.filter(system=system, removed_at=None).values_list("url", flat=True))
    if url in present:
        raise Conflict("This system has a webhook with this address already.")
    if len(present) >= MOST:
        raise Conflict(f"A system has at most {MOST} webhooks.")
    id, secret = clock.new_id(), signing.new_secret()
    entry = record(
        "endpoint_created", actor=by, kind="endpoint", id=id, system=system.pk,
        detail={"events": names}, payloads={"url": url.encode()},
    )  # fmt: skip
    endpoint = Endpoint.objects.create(id=id, system=system, url=url, events=names, secret=secret, entry_id=entry.id)
    return endpoint, secret


@transaction.atomic
def change(
    endpoint: Endpoint, *, by: Actor, url: str | None = None, events: Iterable[str] | None = None,
    is_enabled: bool | None = None,
) -> Endpoint:  # fmt: skip
    """The endpoint with what was given changed; what waited while it was disabled is sent once it is enabled.

    Raises Invalid for an address or an event that cannot be, and Conflict for another server: whoever holds the secret
    there would be somebody else.
    """
    locked = _held(endpoint)
    if url is not None and url != locked.url:
        check_url(url, allow_private=settings.ALLOW_PRIVATE_WEBHOOKS)
        if origin_of(url) != origin_of(locked.url):
            raise Conflict("Another server is another webhook: make a new one, which has a secret of its own.")
        locked.url = url
    if events is not None:
        locked.events = _known(events)
    if is_enabled is False and locked.disabled_at is None:
        return disable(locked, because="Disabled by hand.", by=by)
    if is_enabled and locked.disabled_at:
        locked.disabled_at, locked.disabled_because, locked.rests_until, locked.failures = None, "", None, 0
    entry = _record(
        locked, "endpoint_changed", by=by, payloads={"url": locked.url.encode()},
        detail={"events": locked.events, "enabled": locked.disabled_at is None},
    )  # fmt: skip
    locked.entry_id = entry.id
    locked.save(update_fields=["url", "events", "disabled_at", "disabled_because", "rests_until", "failures", "entry"])
    return locked


@transaction.atomic
def disable(endpoint: Endpoint, *, because: str, by: Actor) -> Endpoint:
    """Stops sending to the endpoint: what it was to be told by now waits, what happens from now on it is not told.

    Raises Conflict when it is disabled already.
    """
    locked = _held(endpoint)
    if locked.disabled_at:
        raise Conflict("This webhook is disabled already.")
    entry = _record(locked, "endpoint_disabled", by=by, payloads={"because": because.encode()})
    locked.disabled_at, locked.disabled_because, locked.entry_id = entry.at, because, entry.id
    locked.save(update_fields=["disabled_at", "disabled_because", "entry"])
    return locked


@transaction.atomic
def remove(endpoint: Endpoint, *, by: Actor) -> None:
    """Takes the endpoint away for good, with its secret and with what it was still to be told."""
    locked = _held(endpoint)
    entry = _record(locked, "endpoint_removed", by=by)
    waiting = Delivery.objects.select_for_update(no_key=True).filter(endpoint=locked, next_attempt_at__isnull=False)
    for delivery in waiting:
        delivery.endpoint = locked
        outbox.stop(delivery, "cancelled", by=by, cause=entry)
    Endpoint.objects.filter(pk=locked.pk).update(
        removed_at=entry.at, disabled_at=locked.disabled_at or entry.at, disabled_because="Taken away.",
        secret="", previous_secret="", previous_until=None, entry_id=entry.id,
    )  # fmt: skip


@transaction.atomic
def rotate(endpoint: Endpoint, *, by: Actor) -> str:
    """A new secret, shown this once. The one before signs too for 24 hours."""
    locked = _held(endpoint)
    secret = signing.new_secret()
    entry = _record(locked, "secret_rotated", by=by)
    Endpoint.objects.filter(pk=locked.pk).update(
        secret=secret, previous_secret=locked.secret, previous_until=Now() + OVERLAP, entry_id=entry.id
    )
    return secret


@transaction.atomic
def test(endpoint: Endpoint, *, by: Actor) -> Delivery:
    """A message that says nothing but that messages arrive, sent as all others are. Raises Conflict when disabled."""
    locked = _held(endpoint)
    if locked.disabled_at:
        raise Conflict("This webhook is disabled: enable it first.")
    entry = _record(locked, "endpoint_tested", by=by)
    Endpoint.objects.filter(pk=locked.pk).update(rests_until=None)
    return Delivery.objects.create(endpoint=locked, event=TEST_EVENT, cause=entry.id, next_attempt_at=Now())


@transaction.atomic
def replay(endpoint: Endpoint, *, by: Actor, delivery: UUID | None = None) -> int:
    """Sends what is dead once more, all of it or one; how many. They keep their ids, so a receiver knows them again.

    Raises NotFound when the endpoint has no such delivery, Conflict when nothing is dead or the endpoint is disabled.
    """
    locked = _held(endpoint)
    if locked.disabled_at:
        raise Conflict("This webhook is disabled: enable it first.")
    rows = Delivery.objects.select_for_update(no_key=True).filter(endpoint=locked)
    if delivery and not rows.filter(pk=delivery).exists():
        raise NotFound("There is nothing here.")
    dead = list(rows.filter(dead_at__isnull=False, **({"pk": delivery} if delivery else {})).order_by("pk"))
    if not dead:
        raise Conflict("There is nothing to send again.")
    for row in dead:
        row.endpoint = locked
        entry = outbox.write_about(row, "delivery_replayed", by=by, cause=row.entry_id)
        Delivery.objects.filter(pk=row.pk).update(
            dead_at=None, attempts=0, next_attempt_at=Now(), problem="", answer=None, entry_id=entry.id
        )
    Endpoint.objects.filter(pk=locked.pk).update(rests_until=None)
    return len(dead)


def declare(system: System, declared: Iterable[Mapping[str, Any]], *, by: Actor) -> list[tuple[Endpoint, str | None]]:
    """The endpoints that a system file names (`webhooks: [{url, events}]`), made or changed; the secret of a new one.

    An endpoint that the file does not name is left alone: people make them too. The same file again changes nothing.
    """
    present = {endpoint.url: endpoint for endpoint in Endpoint.objects.filter(system=system, removed_at=None)}
    result: list[tuple[Endpoint, str | None]] = []
    for each in declared:
        endpoint = present.get(each["url"])
        if endpoint is None:
            result.append(create(system, url=each["url"], events=each["events"], by=by))
        elif endpoint.events != _known(each["events"]):
            result.append((change(endpoint, by=by, events=each["events"]), None))
        else:
            result.append((endpoint, None))
    return result


def _held(endpoint: Endpoint) -> Endpoint:
    locked = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if locked.removed_at:
        raise Conflict("This webhook was taken away.")
    return locked


def _record(endpoint: Endpoint, type: str, *, by: Actor, **facts: Any) -> Draft:
    return record(type, actor=by, kind="endpoint", id=endpoint.pk, system=endpoint.system_id, **facts)


def _known(events: Iterable[str]) -> list[str]:
    names = sorted(set(events))
    unknown = [name for name in names if name not in Endpoint.EVENTS]
    if unknown or not names:
        reason = f"There is no event {unknown[0]}." if unknown else "Name at least one event."
        raise Invalid(
            f"{reason} The events are {', '.join(Endpoint.EVENTS)}.", errors=[Problem("/events", "event", reason)]
        )
    return names
