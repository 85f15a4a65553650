"""The webhooks that a system file names: `manage.py apply` makes them true."""

from collections.abc import Iterator

from governance.models import System
from governance.people.actors import Actor
from governance.policies.systemfile import SystemFile
from reviews.delivery import endpoints
from reviews.models import Endpoint


def from_file(system: System, file: SystemFile, by: Actor) -> Iterator[str]:
    """A line for each webhook made, with its secret, which is shown this once, or changed."""
    before = {endpoint.pk: endpoint.events for endpoint in Endpoint.objects.filter(system=system)}
    declared = [{"url": webhook.url, "events": webhook.events} for webhook in file.webhooks]
    for endpoint, secret in endpoints.declare(system, declared, by=by):
        if secret is not None:
            yield f"webhook {endpoint.url} made; its secret, shown this once: {secret}"
        elif set(before[endpoint.pk]) != set(endpoint.events):
            yield f"webhook {endpoint.url} changed"
