"""What is late, and what was put off until now, reaches people by e-mail: once an hour and queue, not once an item."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import F

from governance.models import Letter, Notice
from governance.notices.sending import send_due
from reviews import queue
from reviews.models import Seat
from reviews.routing.reminders import tell_holds_over
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.routing.late import ABOVE, CLIMB, climb, ladder, late

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True


def told() -> list[tuple[str, str]]:
    """Whom the letters that waited reached, each with its subject."""
    Letter.objects.exclude(notice__kind__startswith="item.").delete()
    send_due()
    found = sorted((one.to[0].partition("@")[0], str(one.subject)) for one in mail.outbox)
    mail.outbox.clear()
    return found


def test_whoever_has_a_late_item_and_her_lead_are_reminded_once_an_hour() -> None:
    cast.carol(), cast.bob()
    system = cast.system(sla=ladder(*CLIMB[:1]))
    item = late(system)
    queue.claim_item(cast.acting(cast.alice()), item.pk)
    climb()
    said = "Digits: Items are late and wait for their people in general"
    assert told() == [("alice", said), ("carol", said)]
    late(system, external_id="another")
    climb()
    notices = Notice.objects.filter(kind="item.late").count()
    # One notice, unless the hour struck between the two.
    assert (told() == []) == (notices == 1)


def test_an_escalation_reaches_the_leads_alone() -> None:
    cast.carol(), cast.alice()
    late(cast.system(sla=ladder(CLIMB[2]), routing=ABOVE), hours=3)
    climb()
    assert told() == [("carol", "Digits: Late items were escalated in seniors")]


def hold_over(item: Any) -> None:
    """As though the time until which it was put off had come."""
    Seat.objects.filter(item=item).update(held_until=F("held_until") - timedelta(days=2))


def held() -> Any:
    item = desk(cast.system())[0]
    alice = cast.acting(cast.alice())
    claim = queue.claim_item(alice, item.pk)
    queue.hold(alice, item.pk, claim.token, until=item.created_at + timedelta(hours=5))
    return item


def test_who_put_an_item_off_is_told_when_it_waits_again_and_once() -> None:
    item = held()
    assert tell_holds_over() == 0
    hold_over(item)
    assert (tell_holds_over(), tell_holds_over()) == (1, 0)
    assert told() == [("alice", "Digits: An item that you put off waits again in general")]


def test_an_item_that_somebody_took_since_is_not_told() -> None:
    item = held()
    hold_over(item)
    queue.claim_item(cast.acting(cast.bob()), item.pk)
    assert tell_holds_over() == 0
