"""What these tests start from: an output that waits for people, and an event about it."""

from typing import Any

from governance.models import Output, System
from reviews.delivery import outbox
from reviews.models import Delivery
from tests.reviews.desk import arrive


def send_in(system: System, name: str = "msg-1", *, callback_url: str | None = None, **columns: Any) -> Output:
    """An output as intake leaves it."""
    (item,) = arrive(system, external_id=name, context={"callback_url": callback_url}, **columns)
    return Output.objects.get(pk=item.output_id)


def announced(system: System, name: str = "msg-1", event: str = "output.resolved") -> Delivery:
    """A delivery that waits, of an event about a new output."""
    output = send_in(system, name)
    outbox.announce(output, event, cause=output.entry_id)
    return Delivery.objects.filter(output=output).latest("id")
