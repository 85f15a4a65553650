"""A person's own hours: set, cleared, paused, and time off."""

import pytest

from governance.models import Absence, Presence
from tests import cast

pytestmark = pytest.mark.django_db


def test_she_sets_her_week_and_reads_it_back():
    alice = cast.alice()
    browser = cast.signed_in(alice)
    sent = {"do": "hours", "zone": "Europe/Berlin", "mon": "09:00-12:00, 13:00-17:30", "tue": "22:00-06:00"}
    assert browser.post("/queue/hours/", sent).status_code == 302
    assert Presence.objects.get(person=alice).hours[:2] == [[[540, 720], [780, 1050]], [[1320, 1800]]]
    page = browser.get("/queue/hours/").content.decode()
    assert "09:00-12:00, 13:00-17:30" in page
    assert "22:00-06:00" in page
    browser.post("/queue/hours/", {"do": "always"})
    assert Presence.objects.get(person=alice).calendar is None


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"zone": "Berlin", "mon": "09:00-17:00"}, "no time zone"),
        ({"zone": "UTC", "mon": "9 to 5"}, "09:00-17:30"),
        ({"zone": "UTC"}, "work at some time"),
    ],
)
def test_hours_that_cannot_be_read_are_refused_and_kept_on_the_page(sent, words):
    answer = cast.signed_in(cast.alice()).post("/queue/hours/", {"do": "hours", **sent})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert sent.get("mon", "UTC") in answer.content.decode()


def test_a_pause_and_time_off_are_begun_and_ended():
    alice = cast.alice()
    browser = cast.signed_in(alice)
    browser.post("/queue/hours/", {"do": "pause"})
    assert "You have paused" in browser.get("/queue/hours/").content.decode()
    assert browser.post("/queue/hours/", {"do": "pause"}).status_code == 409
    browser.post("/queue/hours/", {"do": "resume"})
    browser.post("/queue/hours/", {"do": "off", "first": "2031-05-01", "last": "2031-05-03"})
    absence = Absence.objects.get(person=alice)
    assert (absence.ends_at - absence.begins_at).days == 3
    browser.post("/queue/hours/", {"do": "back", "absence": str(absence.pk)})
    assert not Absence.objects.exists()


def test_nobody_takes_back_the_time_off_of_another():
    alice = cast.alice()
    browser = cast.signed_in(alice)
    browser.post("/queue/hours/", {"do": "off", "first": "2031-05-01", "last": "2031-05-03"})
    other = cast.signed_in(cast.bob())
    assert other.post("/queue/hours/", {"do": "back", "absence": str(Absence.objects.get().pk)}).status_code == 409


def test_an_admin_vouches_for_a_skill_until_a_day_and_takes_it_away():
    system = cast.system()
    alice = cast.alice()
    browser = cast.signed_in(cast.admin())
    browser.post(
        f"/people/{alice.pk}/", {"do": "skill", "skill": "cards", "system": system.slug, "until": "2031-12-31"}
    )
    skill = alice.skills.get()
    assert skill.expires_at.date().isoformat() == "2031-12-31"
    assert 'datetime="2031-12-31T23:59' in browser.get(f"/people/{alice.pk}/").content.decode()
    browser.post(f"/people/{alice.pk}/", {"do": "unskill", "skill": str(skill.pk)})
    assert not alice.skills.exists()
