"""Queues are rows that policies name; each is made when the first item goes there."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from governance.policies import policy
from reviews.models import Queue
from reviews.routing.rulebook import Rulebook

Name = tuple[UUID, str]


def rows_for(wanted: Mapping[Name, policy.Queue]) -> dict[Name, Queue]:
    """The row of every (system, name), made where it is missing and brought up to date where the policy changed it."""
    known = _known(wanted)
    missing = [name for name in wanted if name not in known]
    if missing:
        Queue.objects.bulk_create(
            [Queue(system_id=system, slug=slug, **_settings(wanted[system, slug])) for system, slug in missing],
            ignore_conflicts=True,
        )
        known = _known(wanted)
    for name, row in known.items():
        said = _settings(wanted[name])
        if any(getattr(row, field) != value for field, value in said.items()):
            Queue.objects.filter(pk=row.pk).update(**said)
    return known


def above(own: Queue, rules: Rulebook) -> Queue | None:
    """The queue that this one escalates to, made when nothing has gone there yet; None where there is none."""
    if not own.escalates_to:
        return None
    name = (own.system_id, own.escalates_to)
    return rows_for({name: rules.queue(own.escalates_to)})[name]


def _known(wanted: Mapping[Name, policy.Queue]) -> dict[Name, Queue]:
    systems, slugs = {system for system, _ in wanted}, {slug for _, slug in wanted}
    rows = Queue.objects.filter(system__in=systems, slug__in=slugs)
    return {(row.system_id, row.slug): row for row in rows if (row.system_id, row.slug) in wanted}


def _settings(said: policy.Queue) -> dict[str, object]:
    return {"mode": said.mode, "capacity": said.capacity, "escalates_to": said.escalates_to or ""}
