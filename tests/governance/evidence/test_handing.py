"""Evidence handed out from the page: whole files only, to whom they may go, and never what was erased meanwhile."""

import hashlib
import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from governance.evidence import bundle, handing, tasks, verifier
from governance.evidence.bundle import Selection
from governance.models import Bundle, BundlePart, Entry, Output, System
from governance.people.actors import CONSOLE
from governance.people.erasing import erase_person
from governance.refusals import Conflict, Invalid
from reviews.erasing import erase_output
from tests import cast
from tests.governance.evidence import journey
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk

WHOLE = Selection()
URL = "/evidence/bundles/"
MANAGE = Path(__file__).resolve().parents[3] / "manage.py"


@pytest.fixture
def sealed(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS, settings.HOME = True, tmp_path
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    return sealer


def ask(person=None, selection=WHOLE, **how) -> Bundle:
    person = person or cast.ruth()
    return handing.ask(person, selection, by=cast.acting(person), **{"payloads": "all", **how})


def written(asked: Bundle) -> Bundle:
    assert handing.write(asked.pk)
    asked.refresh_from_db()
    return asked


def told(entry) -> dict:
    return json.loads(bytes(Entry.objects.get(pk=entry).leaf))


def verdict(content: bytes, sealer: Sealer, folder: Path) -> int:
    """The exit code of the verifier that lies in the bundle, in a folder of its own."""
    folder.mkdir()
    (folder / "b.zip").write_bytes(content)
    (folder / "key.txt").write_text("\n".join(map(str, sealer.keys)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (folder / "verify.py").write_bytes(archive.read("verify.py"))
    command = [sys.executable, "-I", "verify.py", "b.zip", "--trust", "key.txt"]
    return subprocess.run(command, cwd=folder, capture_output=True).returncode


def test_an_auditor_asks_for_the_log_and_takes_a_file_that_verifies_elsewhere(sealed, tmp_path):
    browser = cast.signed_in(cast.ruth())
    page = browser.post(URL, {"system": "", "payloads": "all"})
    assert "waits for its turn" in browser.get(page.url).content.decode()
    assert browser.get(f"{page.url}evidence.zip").status_code == 409
    asked = written(Bundle.objects.get())
    shown = browser.get(page.url).content.decode()
    assert "The bundle is ready" in shown
    assert "How to check it" in shown
    answer = browser.get(f"{page.url}evidence.zip")
    content = b"".join(answer.streaming_content)
    assert int(answer["Content-Length"]) == len(content)
    assert hashlib.sha256(content).hexdigest() == asked.digest
    assert verdict(content, sealed, tmp_path / "elsewhere") == 0


def test_it_is_evidence_that_it_was_asked_for_written_and_taken(sealed):
    ruth = cast.ruth()
    asked = written(ask(ruth))
    list(handing.take(asked, by=cast.acting(ruth)))
    begun, made, gone = (json.loads(bytes(e.leaf)) for e in Entry.objects.filter(subject=asked.pk).order_by("rev"))
    assert [each["type"] for each in (begun, made, gone)] == ["bundle_asked", "exported", "bundle_taken"]
    assert begun["actor"]["id"] == gone["actor"]["id"] == made["detail"]["asked_by"] == str(ruth.pk)
    assert made["detail"]["sha256"] == gone["detail"]["sha256"] == asked.digest
    assert [len(each["causes"]) for each in (begun, made, gone)] == [0, 1, 1]


def test_the_page_and_the_command_write_the_same_bytes(sealed, tmp_path):
    system = System.objects.get()
    call_command("export_evidence", output=tmp_path / "by-hand.zip", system=system.slug, payloads="gate")
    asked = ask(selection=Selection(system=system.pk), payloads="gate")
    call_command("export_evidence", asked=asked.pk)
    asked.refresh_from_db()
    assert b"".join(handing.take(asked, by=CONSOLE)) == (tmp_path / "by-hand.zip").read_bytes()
    with pytest.raises(CommandError, match="Nobody waits"):
        call_command("export_evidence", asked=asked.pk)


def test_days_and_systems_select_and_the_last_day_counts(sealed, tmp_path):
    browser, today = cast.signed_in(cast.ruth()), timezone.now().date()
    asked_for = {"system": System.objects.get().slug, "since": str(today), "until": str(today), "payloads": "none"}
    browser.post(URL, asked_for)
    asked = written(Bundle.objects.get())
    assert (asked.until - asked.since) == timedelta(days=1)
    assert asked.manifest["kind"] == "selection"
    assert verdict(b"".join(handing.take(asked, by=CONSOLE)), sealed, tmp_path / "elsewhere") == 0


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"since": "2026-11-22", "until": "2026-11-20"}, "first day comes before"),
        ({"since": "yesterday"}, "written like 2026-11-21"),
        ({"since": "9999-12-31"}, "not one of ours"),
        ({"payloads": "some"}, "Choose what"),
        ({"system": "nowhere"}, "Choose one of the systems"),
    ],
)
def test_what_means_nothing_is_refused_in_words(sealed, sent, says):
    answer = cast.signed_in(cast.ruth()).post(URL, {"system": "", "payloads": "all", **sent})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Bundle.objects.exists()


def test_before_anything_is_sealed_there_is_nothing_to_ask_for(db):
    with pytest.raises(Conflict, match="Nothing is sealed"):
        ask()


def test_asking_and_taking_ask_for_a_fresh_sign_in(sealed):
    stale = Client()
    stale.force_login(cast.ruth())
    assert "/account/" in stale.post(URL, {"system": "", "payloads": "all"}).url
    assert not Bundle.objects.exists()
    asked = written(ask())
    assert "/account/" in stale.get(f"{URL}{asked.pk}/evidence.zip").url
    assert not Entry.objects.filter(type="bundle_taken").exists()


def test_a_bundle_is_hers_alone_and_only_as_long_as_she_audits(sealed):
    ruth = cast.ruth()
    asked = written(ask(ruth))
    address = f"{URL}{asked.pk}/"
    assert cast.signed_in(cast.person("rosa", "auditor")).get(address).status_code == 404
    assert cast.signed_in(cast.dana()).get(URL).status_code == 404
    ruth.roles.all().delete()
    cast.person("ruth", "reviewer")
    assert cast.signed_in(cast.ruth()).get(f"{address}evidence.zip").status_code == 404


def test_who_audits_one_system_takes_that_and_who_reviews_there_takes_nothing(sealed):
    mine, other = System.objects.get(), cast.system("other")
    rita = cast.signed_in(cast.person("rita", "auditor", system=mine))
    assert rita.post(URL, {"system": "", "payloads": "all"}).status_code == 403
    assert rita.post(URL, {"system": other.slug, "payloads": "all"}).status_code == 422
    assert rita.post(URL, {"system": mine.slug, "payloads": "all"}).status_code == 302
    both = cast.person("rita", "reviewer", system=mine)
    assert "somebody who only audits" in cast.signed_in(both).get(URL).content.decode()
    assert cast.signed_in(both).get(f"{URL}{Bundle.objects.get().pk}/").status_code == 404


def test_two_at_a_time_are_written_for_one_person_and_one_for_the_house(sealed):
    ruth = cast.ruth()
    first, second = ask(ruth), ask(ruth)
    with pytest.raises(Conflict, match="not written yet"):
        ask(ruth)
    assert handing.begin() == (first.pk, 1)
    assert handing.begin() is None
    assert not handing.write(first.pk)
    assert not handing.write(first.pk, 2)
    assert handing.write(first.pk, 1)
    assert not handing.write(first.pk, 1)
    assert handing.begin() == (second.pk, 1)


def test_however_long_a_process_takes_to_start_no_second_one_is_started(sealed, monkeypatch):
    started = []
    monkeypatch.setattr(tasks.subprocess, "Popen", lambda command, **how: started.append(command))
    asked = ask()
    assert [tasks.write_bundles() for _ in range(5)] == [1, 0, 0, 0, 0]
    assert [command[2:] for command in started] == [["export_evidence", "--asked", str(asked.pk), "--attempt", "1"]]
    call_command(*started[0][2:])
    asked.refresh_from_db()
    assert handing.is_ready(asked)


class Killed(BaseException):
    """What a process that is killed would have gone on to do is not done."""


def test_a_killed_worker_leaves_no_half_bundle_and_another_one_writes_it_anew(sealed, monkeypatch):
    monkeypatch.setattr(handing, "PART", 4096)
    asked, kept = ask(), []

    def struck(**row):
        if len(kept) == 3:
            raise Killed
        kept.append(BundlePart(**row).save())

    with monkeypatch.context() as patched:
        patched.setattr(BundlePart.objects, "create", struck)
        with pytest.raises(Killed):
            handing.write(asked.pk)
    assert BundlePart.objects.count() == 3
    asked.refresh_from_db()
    assert not handing.is_ready(asked)
    with pytest.raises(Conflict, match="not there"):
        handing.take(asked, by=CONSOLE)
    assert not handing.write(asked.pk)  # it may still be at it
    Bundle.objects.filter(pk=asked.pk).update(taken_at=timezone.now() - handing.ABANDONED * 2)
    assert handing.begin() == (asked.pk, 2)
    assert handing.write(asked.pk, 2)
    asked.refresh_from_db()
    content = b"".join(handing.take(asked, by=CONSOLE))
    assert hashlib.sha256(content).hexdigest() == asked.digest
    assert BundlePart.objects.count() == -(-len(content) // 4096)


def test_who_was_thought_dead_and_is_not_makes_nothing_public(sealed, monkeypatch):
    asked = ask()
    real = bundle.write

    def slow(*given, **how):
        manifest = real(*given, **how)
        Bundle.objects.filter(pk=asked.pk).update(attempt=2)  # somebody else has begun meanwhile
        return manifest

    monkeypatch.setattr(bundle, "write", slow)
    assert not handing.write(asked.pk)
    assert not BundlePart.objects.exists()
    assert not Entry.objects.filter(type="exported", subject=asked.pk).exists()


def test_what_never_comes_to_its_end_is_given_up_with_a_reason(sealed):
    asked = ask()
    Bundle.objects.filter(pk=asked.pk).update(attempt=handing.TRIES)
    assert "never came to its end" in written(asked).refused
    assert "never came to its end" in cast.signed_in(cast.ruth()).get(f"{URL}{asked.pk}/").content.decode()


def test_what_is_too_large_is_refused_in_words(sealed, monkeypatch):
    monkeypatch.setattr(handing, "MOST_ENTRIES", 5)
    assert "more than 5 entries" in written(ask(selection=Selection(system=System.objects.get().pk))).refused
    monkeypatch.setattr(handing, "MOST_BYTES", 5)
    assert "manage.py export_evidence" in written(ask()).refused
    assert not BundlePart.objects.exists()


def test_it_is_kept_for_a_day(sealed):
    asked = written(ask())
    Bundle.objects.filter(pk=asked.pk).update(ended_at=timezone.now() - handing.KEPT)
    assert "not kept any more" in cast.signed_in(cast.ruth()).get(f"{URL}{asked.pk}/").content.decode()
    with pytest.raises(Conflict):
        handing.take(asked, by=CONSOLE)
    handing.sweep()
    assert not BundlePart.objects.exists()


def an_output() -> Output:
    return Output.objects.exclude(items__state__in=("open", "awaiting_second", "adjudication")).first()


def test_what_is_erased_withdraws_the_bundles_that_may_hold_it(sealed):
    ruth = cast.ruth()
    whole, bare = written(ask(ruth)), written(ask(ruth, payloads="none"))
    other = cast.system("other")
    desk(other)
    sealed.all()
    elsewhere = written(ask(ruth, Selection(system=other.pk)))
    begun = handing.take(whole, by=CONSOLE)
    erase_output(an_output().pk, by=CONSOLE, because="She asked for it.")
    with pytest.raises(Conflict, match="withdrawn while"):
        list(begun)
    for asked in (whole, bare, elsewhere):
        asked.refresh_from_db()
    assert [handing.is_ready(asked) for asked in (whole, bare, elsewhere)] == [False, True, True]
    assert "was withdrawn" in cast.signed_in(ruth).get(f"{URL}{whole.pk}/").content.decode()
    erase_person(cast.bob(), by=CONSOLE, because="She left.")
    elsewhere.refresh_from_db()
    assert not handing.is_ready(elsewhere)
    assert not BundlePart.objects.exclude(bundle=bare).exists()


def test_what_is_erased_while_it_is_written_makes_it_written_anew(sealed, monkeypatch):
    asked, output, real = ask(), an_output(), handing._offered

    def erased_first(*given):
        if asked.attempt == 0 and Entry.objects.filter(type="erased").count() == 0:
            erase_output(output.pk, by=CONSOLE, because="She asked for it.")
        return real(*given)

    monkeypatch.setattr(handing, "_offered", erased_first)
    handing.write(asked.pk)
    asked.refresh_from_db()
    assert (asked.ended_at, asked.taken_at) == (None, None)
    sealed.all()
    content = b"".join(handing.take(written(asked), by=CONSOLE))
    judged = Entry.objects.get(subject=output.pk, rev=1)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if bytes(judged.leaf_hash).hex() in name]


def test_a_bundle_cannot_become_public_while_something_is_being_erased(committed_db, tmp_path, settings):
    from django.db import connections, transaction

    settings.ALLOW_PRIVATE_WEBHOOKS, settings.HOME = True, tmp_path
    journey.run()
    Sealer(tmp_path / "sealer").all()
    output, asked = an_output(), ask()
    erased, go_on, done = threading.Event(), threading.Event(), []

    def erasing() -> None:
        with transaction.atomic():
            erase_output(output.pk, by=CONSOLE, because="She asked for it.")
            erased.set()
            go_on.wait()
        connections.close_all()

    def writing() -> None:
        done.append(handing.write(asked.pk))
        connections.close_all()

    eraser, writer = threading.Thread(target=erasing), threading.Thread(target=writing)
    eraser.start()
    erased.wait()
    writer.start()
    until_it_waits_for_the_lock()
    go_on.set()
    eraser.join()
    writer.join()
    asked.refresh_from_db()
    assert (done, asked.ended_at) == ([True], None)


def until_it_waits_for_the_lock() -> None:
    from django.db import connection

    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)


def test_a_process_of_its_own_writes_it(committed_db, committed_environment, tmp_path, settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    asked = ask()
    command = [sys.executable, str(MANAGE), "export_evidence", "--asked", str(asked.pk)]
    subprocess.run(command, env=committed_environment, check=True)
    asked.refresh_from_db()
    assert handing.is_ready(asked)
    assert verdict(b"".join(handing.take(asked, by=CONSOLE)), sealer, tmp_path / "elsewhere") == 0


def test_the_outputs_of_a_search_come_as_a_bundle(sealed, tmp_path):
    browser, address = cast.signed_in(cast.ruth()), "/history/export/bundle/"
    assert "Ask for a bundle of evidence" in browser.get("/history/export/?verdict=override").content.decode()
    page = browser.post(address, {"verdict": "override", "payloads": "all"})
    assert "Verdict override" in browser.get(page.url).content.decode()
    asked = written(Bundle.objects.get())
    outputs = set(Output.objects.filter(decisions__verdict="override").values_list("pk", flat=True))
    assert outputs <= set(asked.subjects)
    assert not set(Output.objects.exclude(pk__in=outputs).values_list("pk", flat=True)) & set(asked.subjects)
    content = b"".join(handing.take(asked, by=CONSOLE))
    assert verdict(content, sealed, tmp_path / "elsewhere") == 0
    assert browser.post(address, {"rule": "no-such-rule", "payloads": "all"}).status_code == 409
    assert browser.get(address).url == "/history/export/"
    assert "Ask for a bundle" not in cast.signed_in(cast.carol()).get("/history/export/").content.decode()


def test_a_search_takes_only_systems_that_she_audits(sealed):
    mine = System.objects.get()
    rita = cast.person("rita", "auditor", system=cast.system("other"))
    cast.person("rita", "lead", system=mine)
    answer = cast.signed_in(rita).post("/history/export/bundle/", {"system": mine.slug, "payloads": "all"})
    assert answer.status_code == 409
    assert not Bundle.objects.exists()


def test_every_step_of_writing_is_told(sealed):
    heard: list[tuple[int, int]] = []
    for selection in (WHOLE, Selection(system=System.objects.get().pk)):
        heard.clear()
        bundle.write(io.BytesIO(), selection, say=lambda done, of: heard.append((done, of)))
        assert heard == sorted(heard)
        assert heard[-1][0] == heard[-1][1] > 0


def test_the_verifier_in_a_bundle_is_ours(sealed):
    content = b"".join(handing.take(written(ask()), by=CONSOLE))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("verify.py") == Path(verifier.__file__).read_bytes()


def test_a_selection_of_nothing_sensible_is_invalid(sealed):
    now = timezone.now()
    with pytest.raises(Invalid):
        ask(selection=Selection(since=now, until=now))
