"""What engineers see: the endpoints of their systems, each with its last deliveries and how many are dead."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from reviews.models import Delivery, Endpoint

MOST = 100
EACH = 5

# One short walk along an index for each endpoint, however many deliveries it has had.
_GLANCE = """
SELECT e.id, (SELECT count(*) FROM (SELECT 1 FROM reviews_delivery d
                                    WHERE d.endpoint_id = e.id AND d.dead_at IS NOT NULL LIMIT 1000) AS dead),
       ARRAY(SELECT d.id FROM reviews_delivery d WHERE d.endpoint_id = e.id ORDER BY d.id DESC LIMIT %s)
FROM unnest(%s::uuid[]) AS e(id)
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """An endpoint, its newest deliveries, and the number of dead ones (counted up to 1,000)."""

    endpoint: Endpoint
    recent: list[Delivery]
    dead: int


def board(systems: Collection[UUID] | None) -> list[Watched]:
    """The newest hundred endpoints of these systems (None: of all), in three queries."""
    endpoints = list(
        Endpoint.objects.present().in_systems(systems).select_related("system").order_by("system__slug", "-pk")[:MOST]
    )
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE, [EACH, [endpoint.pk for endpoint in endpoints]])
        glances = {id: (dead, newest) for id, dead, newest in cursor.fetchall()}
    ids = [id for _, newest in glances.values() for id in newest]
    recent: dict[UUID, list[Delivery]] = defaultdict(list)
    for delivery in Delivery.objects.newest_first().select_related("output").filter(pk__in=ids):
        recent[delivery.endpoint_id].append(delivery)
    return [Watched(endpoint, recent[endpoint.pk], glances[endpoint.pk][0]) for endpoint in endpoints]
