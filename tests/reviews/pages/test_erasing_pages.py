"""Erasing from the page: a look first, a reason, a fresh sign-in; what goes is gone and the log says by whom."""

import json
import threading

import pytest
from django.db import connections
from django.test import Client

from governance.evidence import verification
from governance.models import Entry, Output, OutputContent, Person
from tests import cast
from tests.governance.evidence import journey
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk

WHY = {"because": "Asked for by the person it is about."}


@pytest.fixture
def one(db, tmp_path, settings) -> Output:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    Sealer(tmp_path / "sealer").all()
    return Output.objects.get(external_id="msg-1")


def address(output: Output) -> str:
    return f"/outputs/{output.pk}/erase/"


def test_an_owner_sees_what_goes_and_stays_and_erases_with_a_reason(one):
    browser = cast.signed_in(cast.dana())
    assert address(one) in browser.get(f"/outputs/{one.pk}/").content.decode()
    preview = browser.get(address(one)).content.decode()
    for sentence in ("What the AI was given, said and had beside it", "Comments of reviewers", "What stays"):
        assert sentence in preview
    assert "planted-" not in preview
    assert browser.post(address(one), WHY).status_code == 302
    assert bytes(OutputContent.objects.get(output=one).salt_key) == b""
    said = json.loads(bytes(Entry.objects.get(type="erased").leaf))
    assert (said["actor"]["id"], said["detail"]["why"]) == (str(cast.dana().pk), "request")
    assert "owner" in said["actor"]["roles"]
    assert verification.verify()["findings"] == []
    assert "was erased already" in browser.get(address(one)).content.decode()
    assert browser.post(address(one), WHY).status_code in (302, 409)


def test_an_admin_erases_what_she_may_not_read(one):
    browser = cast.signed_in(cast.admin())
    assert f'href="/outputs/{one.pk}/"' not in browser.get(address(one)).content.decode()
    assert browser.post(address(one), WHY).status_code == 302
    assert bytes(OutputContent.objects.get(output=one).salt_key) == b""


def test_without_a_reason_or_a_fresh_sign_in_nothing_is_erased(one):
    stale = Client()
    stale.force_login(cast.dana())
    assert "/account/" in stale.post(address(one), WHY).url
    answer = cast.signed_in(cast.dana()).post(address(one), {"because": "  "})
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()
    assert not Entry.objects.filter(type="erased").exists()


def test_what_a_person_has_still_to_decide_is_not_erased(db):
    (item,) = desk(cast.system())
    browser = cast.signed_in(cast.dana())
    assert "waits for a person" in browser.get(f"/outputs/{item.output_id}/erase/").content.decode()
    assert browser.post(f"/outputs/{item.output_id}/erase/", WHY).status_code == 409


def test_of_two_who_erase_at_once_one_does(committed_db, settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    output = Output.objects.get(external_id="msg-1")
    browsers, answers = [cast.signed_in(cast.dana()), cast.signed_in(cast.admin())], []

    def erase(browser: Client) -> None:
        answers.append(browser.post(address(output), WHY).status_code)
        connections.close_all()

    threads = [threading.Thread(target=erase, args=[browser]) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 302 in answers
    whole = [e for e in Entry.objects.filter(type="erased") if b'"gate_inputs"' in bytes(e.leaf)]
    assert len(whole) == 1


def test_an_admin_forgets_a_person_and_nobody_herself(one):
    bob, browser = cast.bob(), cast.signed_in(cast.admin())
    url = f"/people/{bob.pk}/erase/"
    assert url in browser.get(f"/people/{bob.pk}/").content.decode()
    assert "Name and address" in browser.get(url).content.decode()
    assert browser.post(url, {"because": ""}).status_code == 422
    assert browser.post(url, WHY).status_code == 302
    found = Person.objects.get(pk=bob.pk)
    assert (found.name, found.is_active) == ("Erased person", False)
    assert "is erased" in browser.get(url).content.decode()
    assert browser.post(url, WHY).status_code == 409
    mine = f"/people/{cast.admin().pk}/erase/"
    assert "Somebody else has to" in browser.get(mine).content.decode()
    assert browser.post(mine, WHY).status_code == 409
    assert verification.verify()["findings"] == []


def test_an_admin_of_one_system_erases_nobody(db):
    mine = cast.system()
    browser = cast.signed_in(cast.person("ada", "admin", system=mine))
    assert browser.get(f"/people/{cast.bob().pk}/erase/").status_code == 403
