"""A system with a producer that listens on loopback, which these tests allow. Models are imported once Django is up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.reviews.delivery.receiver import Receiver, receiver

if TYPE_CHECKING:
    from governance.models import System
    from reviews.models import Endpoint


@pytest.fixture
def producer() -> Iterator[Receiver]:
    with receiver() as notes:
        yield notes


@pytest.fixture(autouse=True)
def private_addresses(settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True


@pytest.fixture
def system(db) -> System:
    from tests import cast

    return cast.system()


@pytest.fixture
def endpoint(system: System, producer: Receiver) -> Endpoint:
    """The producer's webhook, told of everything about outputs."""
    from governance.people.actors import CONSOLE
    from reviews.delivery import endpoints
    from reviews.models import Endpoint

    made, _ = endpoints.create(system, url=producer.url, events=Endpoint.EVENTS[:3], by=CONSOLE)
    return made
