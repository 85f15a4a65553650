"""The evidence of one output alone: every entry about it, its items, seats and deliveries, and all that these cite."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from uuid import UUID

from governance.evidence import bundle, exporting
from governance.evidence.bundle import Selection
from governance.models import Output
from governance.people.actors import Actor
from reviews.models import Delivery, Item, Seat


def about(outputs: Collection[UUID]) -> Selection:
    """The selection of the entries about these outputs, their items, seats and deliveries."""
    items = list(Item.objects.filter(output__in=outputs).values_list("pk", flat=True))
    seats = Seat.objects.filter(item__in=items).values_list("pk", flat=True)
    deliveries = Delivery.objects.filter(output__in=outputs).values_list("pk", flat=True)
    return Selection(subjects=frozenset({*outputs, *items, *seats, *deliveries}))


def of(output: Output, *, origin: str, by: Actor, payloads: str) -> bytes:
    """The bundle, as far as the output's entries are sealed; that it was handed out is evidence too.

    Raises Conflict while nothing is sealed yet.
    """
    file, chosen = BytesIO(), about([output.pk])
    manifest = bundle.write(file, chosen, payloads=payloads)
    exporting.exported(origin, manifest, exporting.digest_of(file.getvalue()), by=by, system=output.system_id)
    return file.getvalue()
