"""A reminder reaches whoever has the item, and her lead; it is gone when the item is."""

import pytest

from reviews import queue
from reviews.decisions import decide
from reviews.queue import marks
from reviews.queue.waiting import reminded, reminded_leads
from reviews.routing.assigning import assign_waiting
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.routing.late import CLIMB, climb, ladder, late

pytestmark = pytest.mark.django_db
SLA = ladder(*CLIMB[:2])
GIVES_OUT = {"default": {"queue": "general"}, "queues": {"general": {"mode": "assign", "capacity": 5}}}


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


def test_whoever_has_it_in_hand_is_reminded_on_her_page_and_nobody_else_is():
    item = late(cast.system(sla=SLA))
    alice, bob = cast.acting(cast.alice()), cast.acting(cast.bob())
    claim = queue.claim_item(alice, item.pk)
    assert reminded(alice) == []  # nothing was said yet
    assert climb() == 1
    (notice,) = reminded(alice)
    assert (notice.item, notice.is_in_hand) == (item.pk, True)
    assert reminded(bob) == []
    page = cast.signed_in(cast.alice()).get("/queue/").content.decode()
    assert "You are reminded" in page
    assert "You are reminded" not in cast.signed_in(cast.bob()).get("/queue/").content.decode()
    decide(alice, item=item.pk, token=claim.token, verdict="approve")
    assert reminded(alice) == []


def test_so_is_whoever_was_given_it_and_her_lead_sees_how_many_there_are():
    cast.alice()
    item = late(cast.system(sla=SLA, routing=GIVES_OUT))
    assert assign_waiting() == 1
    climb()
    (notice,) = reminded(cast.acting(cast.alice()))
    assert (notice.item, notice.is_in_hand) == (item.pk, False)
    carol = cast.acting(cast.carol())
    (led,) = reminded_leads(carol)
    assert (led.slug, led.count) == ("general", 1)
    assert "1 late in general" in cast.signed_in(cast.carol()).get("/queue/").content.decode()
    assert reminded_leads(cast.acting(cast.alice())) == []


def test_a_lead_of_another_system_is_not_told():
    here, there = cast.system(sla=SLA), cast.system("letters")
    late(here)
    climb()
    assert reminded_leads(cast.acting(cast.person("lena", "lead", system=there))) == []
    assert len(reminded_leads(cast.acting(cast.person("lore", "lead", system=here)))) == 1
    desk(there)
