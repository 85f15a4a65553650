"""What leaves no trace but its entry does leave that: each step of a journey is told by the log."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from governance.models import Entry
from governance.people import accounts, presence
from governance.people.actors import CONSOLE
from governance.policies import amending, lifecycle
from reviews.models import Queue
from reviews.routing import leading
from tests import cast
from tests.governance.evidence import journey

# What the journey does exactly once, whatever is drawn at random for an audit.
ONCE = (
    "system_registered", "contract_registered", "key_created", "endpoint_created", "undone", "superseded", "skipped",
    "escalated", "look_opened", "measured", "hours_set", "paused", "capacity_set", "queue_paused",
    "queue_resumed", "incident_opened", "incident_contained", "halted", "lifted",
)  # fmt: skip


def test_each_step_of_a_journey_is_told_once(db: None, settings: Any) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    told = {type: Entry.objects.filter(type=type).count() for type in ONCE}
    assert told == dict.fromkeys(ONCE, 1)


def test_so_is_what_people_do_beside_it(db: None) -> None:
    system = cast.system()
    alice, carol, dana = cast.alice(), cast.acting(cast.carol()), cast.acting(cast.dana())
    accounts.set_keys(alice, {"approve": "y"}, uses_single_keys=True, by=cast.acting(alice))
    accounts.revoke_skill(accounts.grant_skill(alice, "cards", system=system, by=CONSOLE), by=CONSOLE)
    start = timezone.now() + timedelta(days=1)
    presence.come_back(presence.take_off(alice, start, start + timedelta(days=1), by=carol), by=carol)
    general, other = (Queue.objects.create(system=system, slug=slug) for slug in ("general", "other"))
    leading.close(general, other, by=carol)
    version = lifecycle.propose(system, cast.policy(threshold={"default": 0.95}), by=dana).version
    amending.schedule(version, at=start, by=dana)
    types = ("keys_chosen", "skill_granted", "skill_revoked", "time_off_planned", "time_off_taken_back",
             "queue_closed", "scheduled")  # fmt: skip
    assert {type: Entry.objects.filter(type=type).count() for type in types} == dict.fromkeys(types, 1)
