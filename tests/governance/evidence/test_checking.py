"""The log checked on its page: ranges piece by piece, one entry, bundles from anybody; who may, and what is found."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from governance.evidence import bundle, checking, log, ranges, tasks, uploads
from governance.evidence.bundle import Selection
from governance.evidence.note import Signer
from governance.models import Check, CheckPart, Entry, Output, Sealed
from governance.refusals import Conflict, Invalid
from tests import cast
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer
from tests.governance.evidence.test_tampering_rows import PLACES, ROWS, _without_unique_hashes, forge
from tests.reviews.desk import desk


@pytest.fixture
def sealed(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS, settings.HOME = True, tmp_path
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all(limit=25)
    return sealer


def done(check: Check) -> Check:
    while check.ended_at is None:
        checking.go_on(check, by=cast.acting(check.person), seconds=0)
    return check


def wrong(check: Check) -> set[str]:
    return {rule for rule, _, _ in check.report["findings"]}


def broken(size: int) -> set[str]:
    """The rules that the log breaks, by the pieces that a check is made of: nothing can be written beside a forgery."""
    head = log.latest_checkpoint()
    parts = [ranges.examine_head(head.note)]
    parts += [
        ranges.examine(start, min(start + 16, size), origin=log.head_of(head).origin, size=size)
        for start in range(0, size, 16)
    ]
    return {rule for part in parts for rule, _, _ in part.findings}


def packed(**how) -> bytes:
    file = io.BytesIO()
    bundle.write(file, Selection(), **how)
    return file.getvalue()


def verified(content: bytes, name: str = "log.zip", keys: str = "") -> Check:
    check = uploads.take(cast.ruth(), name, [content], keys=keys)
    assert uploads.verify(check.pk)
    check.refresh_from_db()
    assert not CheckPart.objects.exists()
    return check


def test_the_whole_log_verifies_with_every_gate_run_again_and_says_so_in_the_log(sealed, monkeypatch):
    monkeypatch.setattr(ranges, "PIECE", 16)
    total = Sealed.objects.count()
    check = done(checking.ask(cast.ruth(), 0, None))
    assert check.report["findings"] == []
    assert (check.done, check.of) == (total, total)
    # What a model said that nobody let in is never asked about the rules.
    assert check.report["counts"]["gates run again"] == Output.objects.exclude(rule="unknown-model").count()
    said = json.loads(bytes(check.entry.leaf))
    assert (said["type"], said["detail"]["findings"], said["detail"]["to"]) == ("checked", 0, total)
    assert said["detail"]["asked_by"] == str(check.person_id) == said["actor"]["id"]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (7, 30), (20, None), (40, 40)])
def test_any_range_verifies_by_itself(sealed, first, last):
    check = done(checking.ask(cast.ruth(), first, last))
    assert check.report["findings"] == []
    assert check.of == (Sealed.objects.count() if last is None else last + 1) - first


def test_a_range_that_the_log_has_not_is_refused(sealed):
    for first, last in ((5, 4), (0, 10**6), (-1, 3), (10**6, None)):
        with pytest.raises(Invalid, match="The log has the places 0 to"):
            checking.ask(cast.ruth(), first, last)


def test_two_windows_do_no_piece_twice(sealed, monkeypatch):
    monkeypatch.setattr(ranges, "PIECE", 8)
    check = checking.ask(cast.ruth(), 0, None)
    other = Check.objects.get(pk=check.pk)
    actor = cast.acting(check.person)
    while check.ended_at is None or other.ended_at is None:
        checking.go_on(check, by=actor, seconds=0)
        checking.go_on(other, by=actor, seconds=0)
    check.refresh_from_db()
    assert check.report["counts"]["judged"] == Output.objects.count()
    assert Entry.objects.filter(type="checked").count() == 1


def test_a_range_goes_on_in_the_background_and_after_a_kill(sealed, monkeypatch):
    monkeypatch.setattr(ranges, "PIECE", 8)
    monkeypatch.setattr(tasks, "RANGE_SECONDS", 0.0)
    monkeypatch.setattr(tasks.check_ranges, "delay", lambda: None)
    check = checking.ask(cast.ruth(), 0, None)
    assert tasks.check_ranges() == 1
    with monkeypatch.context() as patched:
        patched.setattr(ranges, "examine", lambda *given, **how: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tasks.check_ranges()
    Check.objects.filter(pk=check.pk).update(taken_at=timezone.now())
    assert tasks.check_ranges() == 0  # somebody may still be at it
    Check.objects.filter(pk=check.pk).update(taken_at=timezone.now() - 2 * checking.ABANDONED)
    while tasks.check_ranges():
        pass
    check.refresh_from_db()
    assert (check.done, check.report["findings"]) == (check.of, [])
    assert check.report["counts"]["judged"] == Output.objects.count()
    said = json.loads(bytes(Entry.objects.get(type="checked").leaf))
    assert (said["actor"]["id"], said["detail"]["asked_by"]) == ("checker", str(check.person_id))


def test_a_person_has_at_most_five_checks_open(sealed):
    ruth = cast.ruth()
    for _ in range(checking.MOST_OPEN):
        checking.ask(ruth, 0, 3)
    with pytest.raises(Conflict, match="not done yet"):
        checking.ask(ruth, 0, 3)
    done(Check.objects.first())
    checking.ask(ruth, 0, 3)


@pytest.mark.parametrize("change", [change for change, _ in ROWS.values()], ids=ROWS.keys())
def test_a_forged_row_is_found(committed_db, tmp_path, settings, change):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    Sealer(tmp_path).all(limit=25)
    assert broken(size := Sealed.objects.count()) == set()
    forge("governance_entry", _without_unique_hashes(), change)
    assert broken(size) & {"row", "tile"}


@pytest.mark.parametrize("changes", list(PLACES.values())[:2], ids=list(PLACES)[:2])
def test_a_forged_place_is_found(committed_db, tmp_path, settings, changes):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    Sealer(tmp_path).all(limit=25)
    size = Sealed.objects.count()
    forge("governance_sealed", *changes)
    assert broken(size) & {"tile", "place"}


@pytest.mark.parametrize(
    "change",
    ["UPDATE forged SET root = decode(repeat('ab', 32), 'hex')", "UPDATE forged SET note = replace(note, '— ', '— x')"],
)
def test_a_forged_head_is_found(committed_db, tmp_path, settings, change):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    Sealer(tmp_path).all()
    forge("governance_loghead" if "root" in change else "governance_logcheckpoint", change)
    assert broken(8) & {"signature", "root"}


def test_a_bundle_of_this_log_verifies_and_todays_log_begins_with_it(sealed):
    content, size = packed(), Sealed.objects.count()
    sealed.all()
    check = verified(content)
    assert check.report["findings"] == []
    assert (check.report["entries"], check.report["relation"]) == (size, "begins")
    said = json.loads(bytes(check.entry.leaf))
    assert said["detail"]["sha256"] == check.digest
    assert said["detail"]["asked_by"] == str(check.person_id)


def test_a_changed_bundle_does_not_verify(sealed, tmp_path):
    members = archives.made()
    name = next(name for name in members if name.startswith("tile/entries/"))
    members[name] = members[name].replace(b'"verdict":"reject"', b'"verdict":"accept"')
    check = verified(archives.kept(members, tmp_path / "forged.zip").read_bytes())
    assert "entry" in wrong(check)


def test_a_log_that_was_rewritten_with_the_stolen_key_differs_from_the_bundle_taken_before(sealed, monkeypatch):
    content = packed()
    monkeypatch.setattr(uploads.merkle, "range_root", lambda *asked: b"\1" * 32)
    check = verified(content)
    assert check.report["relation"] == "differs"
    assert wrong(check) == {"checkpoint"}


def test_a_bundle_is_held_against_the_key_that_came_with_it(sealed):
    stranger = Signer.make(sealed.origin).key
    assert "signature" in wrong(verified(packed(), keys=str(stranger)))
    assert wrong(verified(packed(), keys=str(sealed.keys[0]))) == set()
    with pytest.raises(Invalid, match="name\\+id\\+base64"):
        uploads.take(cast.ruth(), "log.zip", [b"PK"], keys="no key")


def test_a_file_is_taken_by_pieces_and_only_so_large(sealed, settings):
    with pytest.raises(Invalid, match="a bundle is a zip file"):
        uploads.take(cast.ruth(), "x", [b"GIF89a"])
    with pytest.raises(Invalid, match="empty"):
        uploads.take(cast.ruth(), "x", [b""])
    settings.MAX_BUNDLE_BYTES = 3 * uploads.PART
    with pytest.raises(Invalid, match="At most 3 MiB"):
        uploads.take(cast.ruth(), "x", iter([b"PK" + bytes(1000)] * 4000))


def hostile(compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


DEEP = b'{"format":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
HOSTILE = {
    "a bomb": (hostile(zipfile.ZIP_DEFLATED, manifest_json=bytes(50_000_000)), "compressed"),
    "no bundle": (hostile(hello_txt=b"hi"), "not an evidence bundle"),
    "cut short": (hostile(hello_txt=bytes(5000))[:2000], "zip file"),
    "nested deep": (hostile(manifest_json=DEEP), ""),
    "another format": (hostile(manifest_json=b'{"format":"x"}'), "another format"),
}


@pytest.mark.parametrize(("content", "why"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_refused_in_words(sealed, content, why):
    check = verified(content)
    assert why in check.report["refused"]
    assert json.loads(bytes(check.entry.leaf))["detail"]["refused"] is True


def test_a_bundle_that_takes_too_long_is_stopped(sealed, monkeypatch):
    monkeypatch.setattr(uploads, "SECONDS", 0)
    assert "more time or memory" in verified(packed()).report["refused"]


def test_what_a_bundle_makes_the_verifier_say_is_no_answer_of_its_own(sealed, tmp_path, monkeypatch):
    forged = json.dumps({"findings": [], "counts": {}, "head": "", "entries": 9, "heads": 1, "manifest": {}})
    (tmp_path / "uploaded.py").write_text(Path(uploads.__file__).with_name("uploaded.py").read_text())
    (tmp_path / "verifier.py").write_text(f"""
class Bad(Exception): pass
class NotABundle(Exception): pass
def parse_keys(text): return ()
def verify(*asked): raise Bad("odd\\nREPORT {forged.replace('"', chr(92) + '"')}")
""")
    monkeypatch.setattr(uploads, "_HERE", tmp_path)
    assert verified(hostile(a=b"b")).report["refused"].startswith("odd")


def test_only_one_worker_verifies_a_bundle(sealed):
    check = uploads.take(cast.ruth(), "log.zip", [packed()])
    assert uploads.waiting() == [check.pk]
    Check.objects.filter(pk=check.pk).update(taken_at="2999-01-01T00:00:00Z")
    assert uploads.waiting() == []
    assert not uploads.verify(check.pk)


def signed_in(who) -> Client:
    browser = Client()
    browser.force_login(who)
    return browser


def test_the_page_begins_a_check_goes_on_with_it_and_tells_what_it_found(sealed):
    browser = signed_in(cast.ruth())
    page = browser.get("/evidence/check/").content.decode()
    assert "Nobody outside is known to hold a head" in page
    assert "What it does not prove" in page
    begun = browser.post("/evidence/check/", {"do": "range", "first": "0", "last": ""})
    while "Verified:" not in (page := browser.post(begun.url).content.decode()):
        assert "entries verified so far" in page
    assert "nothing is other than it was" in page
    assert signed_in(cast.person("rosa", "auditor")).get(begun.url).status_code == 404


def test_the_page_takes_a_bundle_and_refuses_what_is_none(sealed):
    browser = signed_in(cast.ruth())
    file = SimpleUploadedFile("<script>.zip", packed())
    begun = browser.post("/evidence/check/", {"do": "bundle", "bundle": file, "keys": ""})
    page = browser.get(begun.url).content.decode()
    assert "waits for its turn" in page
    assert "<script>.zip" not in page
    uploads.verify(Check.objects.get().pk)
    assert "today's log begins with it" in browser.get(begun.url).content.decode()
    answer = browser.post("/evidence/check/", {"do": "bundle", "bundle": SimpleUploadedFile("x", b"no")})
    assert answer.status_code == 422
    assert "a bundle is a zip file" in answer.content.decode()
    assert browser.post("/evidence/check/", {"do": "bundle"}).status_code == 422


def test_a_body_over_the_limit_is_not_read(sealed, settings):
    settings.MAX_BUNDLE_BYTES = 1000
    answer = signed_in(cast.ruth()).post(
        "/evidence/check/", {"do": "bundle", "bundle": SimpleUploadedFile("x.zip", b"PK" + bytes(100_000))}
    )
    assert answer.status_code == 413
    assert "too large" in answer.content.decode()


def test_one_entry_is_found_by_id_hash_and_place_and_comes_with_its_proof(sealed):
    browser, place = signed_in(cast.ruth()), 12
    entry = Entry.objects.get(pk=Sealed.objects.get(index=place).entry_id)
    for text in (str(entry.pk), bytes(entry.leaf_hash).hex(), f" {place} "):
        answer = browser.post("/evidence/check/", {"do": "entry", "entry": text})
        assert answer.url == f"/evidence/check/entry/{entry.pk}/"
    assert f"sealed at place {place}" in browser.get(answer.url).content.decode()
    proof = browser.get(f"/evidence/{entry.pk}/proof/").content.decode()
    assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex {place}\n")
    for text in ("", "nothing", "0" * 64, "99999", "--------------------------------"):
        assert browser.post("/evidence/check/", {"do": "entry", "entry": text}).status_code == 422


def test_whoever_may_not_read_every_entry_checks_no_range_and_no_foreign_entry(db, tmp_path):
    mine, other = cast.system("mine"), cast.system("other")
    desk(mine)
    Sealer(tmp_path).all()
    browser = signed_in(cast.person("rita", "auditor", system=mine))
    assert browser.post("/evidence/check/", {"do": "range", "first": "0"}).status_code == 403
    foreign, own = (Entry.objects.filter(system=each.pk).first() for each in (other, mine))
    assert browser.get(f"/evidence/check/entry/{foreign.pk}/").status_code == 404
    assert browser.get(f"/evidence/{foreign.pk}/proof/").status_code == 404
    assert browser.post("/evidence/check/", {"do": "entry", "entry": str(foreign.pk)}).status_code == 422
    assert browser.get(f"/evidence/check/entry/{own.pk}/").status_code == 200


def test_an_entry_that_waits_for_its_seal_says_so(db):
    cast.system()
    entry, browser = Entry.objects.first(), signed_in(cast.ruth())
    assert "waits for its seal" in browser.get(f"/evidence/check/entry/{entry.pk}/").content.decode()
    assert browser.get(f"/evidence/{entry.pk}/proof/").status_code == 409
