"""The log on its page: what it says of itself, one entry, and who reads what."""

import html
import json
import re

import pytest
from django.test import Client

from governance.models import Entry
from tests import cast
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk


def read(who, url: str, status: int = 200) -> str:
    browser = Client()
    browser.force_login(who)
    answer = browser.get(url)
    assert answer.status_code == status
    return answer.content.decode()


def listed(page: str) -> list[str]:
    return re.findall(r'id="entry-([0-9a-f-]{36})"', page)


@pytest.mark.django_db
def test_it_says_how_many_entries_there_are_and_how_many_wait_for_the_seal(tmp_path):
    cast.system()
    ruth = cast.ruth()
    total = Entry.objects.count()
    page = read(ruth, "/evidence/")
    assert f"{total} entries in the log, all of them waiting for the seal." in page
    Sealer(tmp_path).once(limit=2)
    page = read(ruth, "/evidence/")
    assert f"{total + 1} entries in the log, {total - 1} waiting for the seal." in page
    assert "Newest signed head" in page
    Sealer(tmp_path).all()
    assert f"Sealed {total}" in read(ruth, "/evidence/")


@pytest.mark.django_db
def test_an_entry_shows_its_leaf_and_its_hash():
    cast.system()
    entry = Entry.objects.filter(type="activated").get()
    page = read(cast.ruth(), f"/evidence/{entry.pk}/")
    shown = re.search(r'<pre class="machine"[^>]*>(.*?)</pre>', page, re.S)[1]
    assert json.loads(html.unescape(shown)) == json.loads(bytes(entry.leaf))
    assert bytes(entry.leaf_hash).hex() in page


@pytest.mark.django_db
def test_the_entries_are_walked_by_keyset_each_once():
    desk(cast.system(), 20)
    ruth = cast.ruth()
    seen, url = [], "/evidence/"
    while url:
        page = read(ruth, url)
        seen += listed(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        url = f"/evidence/{older[1]}" if older else ""
    assert seen == [str(pk) for pk in Entry.objects.order_by("-pk").values_list("pk", flat=True)]
    read(ruth, "/evidence/?cursor=nonsense", status=404)


@pytest.mark.django_db
def test_the_log_of_another_system_does_not_exist():
    mine, other = cast.system("mine"), cast.system("other")
    rita = cast.person("rita", "auditor", system=mine)
    systems = set(Entry.objects.filter(pk__in=listed(read(rita, "/evidence/"))).values_list("system", flat=True))
    assert systems == {mine.pk}
    read(rita, f"/evidence/{Entry.objects.filter(system=other.pk).first().pk}/", status=404)


@pytest.mark.django_db
def test_whoever_also_reviews_reads_nothing_of_what_she_could_judge():
    desk(cast.system())
    both = cast.person("nina", "reviewer")
    cast.person("nina", "auditor")
    both = cast.person("nina")
    judged, routed = Entry.objects.get(type="judged"), Entry.objects.get(type="routed")
    assert not {str(judged.pk), str(routed.pk)} & set(listed(read(both, "/evidence/")))
    read(both, f"/evidence/{judged.pk}/", status=404)
    read(cast.ruth(), f"/evidence/{judged.pk}/")


@pytest.mark.django_db
def test_whoever_may_not_see_evidence_finds_no_such_room():
    cast.system()
    read(cast.alice(), "/evidence/", status=404)
    read(cast.eng(), f"/evidence/{Entry.objects.first().pk}/", status=404)
