"""Outputs by the ordinary door, routed."""

from typing import Any

from uuid_utils.compat import uuid7

from governance.models import System
from governance.people.actors import CONSOLE
from reviews import intake
from reviews.models import Item
from reviews.routing.waiting import route_waiting


def arrive(system: System, *, confidence: float = 0.5, input: Any = None) -> Item:
    """The item of an output that has just come in and been routed."""
    body = intake.Body(
        system=system.slug, external_id=f"msg-{uuid7()}", input=input or {"pixels": [1]}, output={"digit": 4},
        confidence=str(confidence).encode(), model="lr", model_version="3",
    )  # fmt: skip
    (taken,) = intake.accept([body], system=system, actor=CONSOLE)
    assert isinstance(taken, intake.Taken), taken
    route_waiting()
    return Item.objects.get(output=taken.id)
