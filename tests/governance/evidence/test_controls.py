"""The map of requirements: what it names exists, what it counts is there, and it promises nothing."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client

from governance.evidence import controls, counting
from governance.evidence.bundle import Selection
from governance.evidence.types import TYPES
from governance.models import Entry, Output
from tests import cast
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer


def test_every_type_that_the_map_names_exists():
    assert {type for each in controls.REQUIREMENTS for type in each.types} <= set(TYPES)


def test_it_says_what_is_recorded_and_never_that_anybody_complies():
    said = json.dumps([each._asdict() for each in controls.REQUIREMENTS]) + controls.NOTE + controls.DATES
    assert not re.search(
        r"complian|complies|conform|certified|ensures|guarantee", said.replace("the certified bound", "")
    )
    assert "for a person to judge" in controls.NOTE
    assert "2 December 2027" in controls.DATES
    assert "2 August 2028" in controls.DATES


def page(who, url: str = "/evidence/controls/") -> str:
    browser = Client()
    browser.force_login(who)
    answer = browser.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(text: str) -> dict[str, str]:
    return {row[0]: row[1] for row in re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', text, re.S)}


@pytest.fixture
def sealer(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    return sealer


def test_each_count_leads_to_its_entries(sealer):
    ruth = cast.ruth()
    row = rows(page(ruth))["Article 73"]
    url, count = re.search(r'<a href="([^"]+)">(\d+)</a>', row).groups()
    wanted = ("incident_opened", "incident_contained", "incident_closed")
    assert int(count) == Entry.objects.filter(type__in=wanted).count() == 2
    listed = re.findall(r'id="entry-([0-9a-f-]{36})"', page(ruth, url.replace("&amp;", "&")))
    assert len(listed) == int(count)
    assert str(Entry.objects.filter(type__in=wanted).latest("pk").pk) in row


def test_an_auditor_of_one_system_counts_its_entries_only(sealer):
    other = cast.system("other")
    rita = cast.person("rita", "auditor", system=other)
    assert ">1</a>" in rows(page(rita))["A.5"]
    assert "none yet" in rows(page(rita))["Article 73"]


def test_a_large_log_is_not_counted_whole(sealer, monkeypatch):
    for name, value in (("EXACT", 10), ("WINDOW", 20), ("MOST", 1000)):
        monkeypatch.setattr(counting, name, value)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE governance_entry")
    ruth, types = cast.ruth(), ("judged", "halted", "claimed")
    found = counting.by_type(None, ruth, types)
    assert found["halted"].count == 1
    assert found["halted"].how == ""
    assert all(tally.how in ("about", "at least") for type, tally in found.items() if type in ("judged", "claimed"))


def test_the_map_is_in_each_bundle_and_the_manifest_counts_what_is_there(sealer, tmp_path):
    for selection in (Selection(), Selection(since=datetime(2020, 1, 1, tzinfo=UTC))):
        members = archives.made(selection)
        assert json.loads(members["controls.json"])["requirements"]
        assert json.loads(members["manifest.json"])["types"]["judged"][0] == Output.objects.count()
        assert archives.checked(members, tmp_path, sealer.keys)["findings"] == []


@pytest.mark.parametrize("change", ["count", "text", "gone", "put in"])
def test_a_map_or_a_count_that_was_changed_is_found(sealer, tmp_path, change):
    members = archives.made()
    manifest = json.loads(members["manifest.json"])
    if change == "count":
        manifest["types"]["judged"][0] += 1
    if change == "text":
        members["controls.json"] += b" "
    if change == "gone":
        del members["controls.json"]
    if change == "put in":
        del manifest["controls"]
    members["manifest.json"] = json.dumps(manifest).encode()
    assert archives.rules(archives.checked(members, tmp_path, sealer.keys)) == {"controls"}
