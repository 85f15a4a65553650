"""Items that are late: the clock is PostgreSQL's, so a test moves the due time and not the clock."""

from datetime import timedelta

from django.db.models import F

from governance.evidence.record import record
from governance.models import Output, System
from governance.people.actors import machine
from reviews.models import Item
from reviews.routing.ladder import climb_due
from tests import cast
from tests.reviews.desk import check_constraints, desk

CLIMB = [
    {"after": "PT0H", "do": "remind"},
    {"after": "PT1H", "do": "raise"},
    {"after": "PT2H", "do": "escalate"},
    {"after": "PT3H", "do": "resolve", "as": "reject"},
]
ABOVE = {"default": {"queue": "general"}, "queues": {"general": {"escalates_to": "seniors"}}}


def ladder(*steps: dict, due_in: str = "PT4H") -> dict:
    return {"due_in": due_in, "on_breach": list(steps)}


def ends(how: str) -> dict:
    """A service level whose only step resolves, at the due time."""
    return ladder({"after": "PT0H", "do": "resolve", "as": how})


def late(system: System | None = None, hours: float = 0.01, **columns) -> Item:
    """One item that was due so many hours ago, and whose next step has waited since then."""
    system = system or cast.system(sla=ends("reject"))
    item = desk(system, **columns)[0]
    pass_time(item, timedelta(hours=4 + hours))
    return Item.objects.get(pk=item.pk)


def pass_time(item: Item, length: timedelta) -> None:
    """As though the item had come that much earlier."""
    when = {name: F(name) - length for name in ("created_at", "due_at", "next_step_at")}
    Item.objects.filter(pk=item.pk).update(entry_id=_another(item), **when)


def _another(item: Item):
    # The rule that a due time changes with an entry holds for tests as well: they write one.
    return record("moved_by_test", actor=machine("test"), kind="item", id=item.pk, system=item.system_id).id


def climb() -> int:
    done = climb_due()
    check_constraints()
    return done


def output(item: Item) -> Output:
    return Output.objects.get(pk=item.output_id)
