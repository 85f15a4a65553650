"""The day's head goes out by itself: once a day and way, again when it failed, and the log says so."""

import json
from datetime import date
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from governance.evidence import note, publishing, verification
from governance.models import Entry, HeadSent
from governance.monitoring import tasks
from governance.project import workers
from tests import cast
from tests.governance.evidence.sealing import Sealer

ONE, NEXT = date(2026, 3, 1), date(2026, 3, 2)


@pytest.fixture
def sealer(db: None, tmp_path: Path, settings: Any) -> Sealer:
    cast.system()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    settings.HEADS_FOLDER, settings.HEADS_EMAIL = tmp_path / "heads", ["ruth@example.org"]
    return sealer


def test_once_a_day_it_goes_to_the_folder_and_by_mail_and_is_evidence(sealer: Sealer, tmp_path: Path) -> None:
    assert publishing.publish_due(ONE) == ["folder", "email"]
    assert publishing.publish_due(ONE) == []
    (kept,) = (tmp_path / "heads").iterdir()
    assert note.open(kept.read_text(), sealer.keys)
    assert [sent.to for sent in mail.outbox] == [["ruth@example.org"]]
    assert mail.outbox[0].attachments[0][1] == kept.read_text()
    told = [json.loads(bytes(entry.leaf))["detail"] for entry in Entry.objects.filter(type="head_published")]
    assert {each["way"] for each in told} == {"folder", "email"}
    sealer.all()
    assert publishing.publish_due(NEXT) == ["folder", "email"]
    assert len(list((tmp_path / "heads").iterdir())) == 2
    assert verification.verify()["findings"] == []


def test_what_fails_is_tried_again_and_hinders_nothing_else(sealer: Sealer, tmp_path: Path, settings: Any) -> None:
    (tmp_path / "in the way").write_text("")
    settings.HEADS_FOLDER = tmp_path / "in the way"
    with pytest.raises(OSError, match="in the way"):
        publishing.publish_due(ONE)
    assert list(HeadSent.objects.values_list("way", flat=True)) == ["email"]
    assert Entry.objects.filter(type="head_published").count() == 1
    settings.HEADS_FOLDER = tmp_path / "heads"
    assert publishing.publish_due(ONE) == ["folder"]
    assert len(mail.outbox) == 1


def test_a_witness_that_does_not_sign_is_asked_again(sealer: Sealer, settings: Any, tmp_path: Path) -> None:
    stranger = note.Signer.make("witness.example", note.WITNESS_KEY)
    settings.WITNESSES = [f"http://127.0.0.1:9 {stranger.key}"]
    with pytest.raises(publishing.NotHandedOut, match=r"127\.0\.0\.1"):
        publishing.publish_due(ONE)
    assert set(HeadSent.objects.values_list("way", flat=True)) == {"folder", "email"}


def test_nothing_goes_out_where_nobody_is_named_or_nothing_is_sealed(db: None, settings: Any, tmp_path: Path) -> None:
    assert tasks.publish_head() == []
    settings.HEADS_FOLDER = tmp_path / "heads"
    assert tasks.publish_head() == []
    assert not (tmp_path / "heads").exists()


def test_the_schedule_looks_every_ten_minutes() -> None:
    due = {each["task"]: each["schedule"] for each in workers.beat_schedule.values()}
    assert due["governance.monitoring.tasks.publish_head"] == 600
    assert due["reviews.tasks.keep_to_retention"] == 60


def test_two_workers_at_once_send_one(committed_db: str, tmp_path: Path, settings: Any) -> None:
    cast.system()
    Sealer(tmp_path / "sealer").all()
    settings.HEADS_FOLDER = tmp_path / "heads"
    barrier, done = Barrier(2), []

    def work() -> None:
        barrier.wait()
        try:
            done.append(publishing.publish_due(ONE))
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [[], ["folder"]]
    assert Entry.objects.filter(type="head_published").count() == HeadSent.objects.count() == 1
