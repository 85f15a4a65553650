"""Erasure: the content, its salts and every copy go; the entry of it comes; every proof still verifies."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from governance.evidence import verification
from governance.models import Entry, Output, OutputContent, Payload, Person
from governance.people.actors import CONSOLE
from governance.people.erasing import erase_person
from governance.refusals import Conflict, Invalid
from reviews import erasing
from reviews.models import Decision
from tests import cast
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk

WORDS = ("planted-input", "planted-answer", "planted-explanation", "planted-attribute", "planted-alternative")


@pytest.fixture
def sealer(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    return sealer


def output() -> Output:
    """Rejected with a comment, then superseded with another."""
    return Output.objects.get(external_id="msg-1")


def everything_kept_about(one: Output) -> str:
    """Every row of every table that names the output, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM governance_outputcontent t WHERE output_id = %s", [one.pk])
        content = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(t::text, ' ') FROM reviews_decision t WHERE output_id = %s", [one.pk])
        decisions = cursor.fetchone()[0] or ""
    entries = Entry.objects.filter(subject=one.pk).values("pk")
    payloads = [bytes(p.content).decode() for p in Payload.objects.filter(entry__in=entries).exclude(name="because")]
    return " ".join([content, decisions, *payloads])


def test_an_output_goes_with_every_word_about_it_and_the_log_still_verifies(sealer, tmp_path):
    one, before = output(), {e.pk: bytes(e.leaf_hash) for e in Entry.objects.all()}
    assert any(word in everything_kept_about(one) for word in WORDS)
    erasing.erase_output(one.pk, by=CONSOLE, because="She asked for it.")
    kept = everything_kept_about(one)
    assert [word for word in (*WORDS, "planted-comment", "planted-correction", "stop") if word in kept] == []
    assert bytes(OutputContent.objects.get(output=one).salt_key) == b""
    assert {e.pk: bytes(e.leaf_hash) for e in Entry.objects.filter(pk__in=before)} == before
    assert verification.verify()["findings"] == []
    sealer.all()
    report = archives.checked(archives.made(), tmp_path, sealer.keys)
    assert report["findings"] == []
    assert report["counts"]["erased"] >= 5
    assert report["counts"]["not re-executed"] >= 1


def test_the_log_says_what_was_erased_and_not_what_it_said(sealer):
    erasing.erase_output(output().pk, by=cast.acting(cast.admin()), because="planted-because")
    said = json.loads(bytes(Entry.objects.get(type="erased").leaf))
    assert said["detail"]["why"] == "request"
    assert {"input", "output", "context", "gate_inputs"} <= set(said["detail"]["erased"][0]["names"])
    assert "planted" not in json.dumps(said)


def test_its_digest_cannot_be_guessed_at_and_its_words_are_not_found_any_more(sealer):
    one = output()
    before = bytes(one.body_digest)
    erasing.erase_output(one.pk, by=CONSOLE, because="She asked.")
    one.refresh_from_db()
    assert bytes(one.body_digest) != before
    assert not Decision.objects.filter(output=one).exclude(search=None).exists()


def test_every_page_of_an_erased_output_still_opens(sealer):
    one = output()
    erasing.erase_output(one.pk, by=CONSOLE, because="She asked.")
    browser = cast.signed_in(cast.ruth())
    for url in (
        f"/outputs/{one.pk}/", f"/api/v1/outputs/{one.pk}/", f"/api/v1/outputs/{one.pk}/trace/", "/history/",
        "/api/v1/decisions/", "/history/export.csv", "/api/v1/outputs/",
    ):  # fmt: skip
        answer = browser.get(url)
        assert answer.status_code == 200, url
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if str(one.pk) in url:
            assert b"planted" not in content, url


def test_what_waits_for_a_person_is_not_taken_from_under_her(db):
    item = desk(cast.system())[0]
    with pytest.raises(Conflict, match="waits for a person"):
        erasing.erase_output(item.output_id, by=CONSOLE, because="She asked.")


def test_erasing_twice_or_without_a_reason_is_refused(sealer):
    one = output()
    with pytest.raises(Invalid, match="why"):
        erasing.erase_output(one.pk, by=CONSOLE, because=" ")
    erasing.erase_output(one.pk, by=CONSOLE, because="She asked.")
    # What is left is the reason of the first erasure, and that goes as well.
    erasing.erase_output(one.pk, by=CONSOLE, because="Again.")
    assert Entry.objects.filter(type="erased").count() == 2
    assert verification.verify()["findings"] == []


def test_a_person_is_forgotten_and_what_she_did_stays(sealer):
    rita = Person.objects.get(email="planted.mail@example.org")
    decided = Decision.objects.filter(person=rita).count()
    erase_person(rita, by=CONSOLE, because="She left.")
    rita.refresh_from_db()
    assert (rita.name, rita.is_active) == ("Erased person", False)
    assert "planted" not in rita.email
    assert Decision.objects.filter(person=rita).count() == decided > 0
    assert not Payload.objects.filter(content__in=[b"Plantedname", b"planted.mail@example.org"]).exists()
    assert verification.verify()["findings"] == []
    with pytest.raises(Conflict):
        erase_person(rita, by=CONSOLE, because="Again.")


def test_retention_erases_what_is_old_and_nothing_else(sealer):
    system = output().system
    assert erasing.due(system, older_than=timedelta(days=1), limit=10) == []
    with pytest.raises(CommandError):
        call_command("erase", "--system", system.slug, "--because", "Old.")
    call_command("erase", "--system", system.slug, "--older-than", "1", "--because", "Kept for a day.")
    assert not OutputContent.objects.filter(salt_key=b"").exists()
    old = erasing.due(system, older_than=timedelta(0), limit=10)
    assert 0 < len(old) < Output.objects.count()  # one still waits for a person
    for id in old:
        erasing.erase_output(id, by=CONSOLE, because="Kept long enough.", why="retention")
    assert erasing.due(system, older_than=timedelta(0), limit=10) == []
    assert verification.verify()["findings"] == []


def test_the_command_erases_an_output(sealer, capsys):
    call_command("erase", "--output", str(output().pk), "--because", "She asked.", "--as", cast.admin().email)
    assert "Erased: 1." in capsys.readouterr().out
    assert json.loads(bytes(Entry.objects.get(type="erased").leaf))["actor"]["auth"] == "console"
