"""Taking decisions away: every form holds the same, what is masked stays masked, and the log knows of it."""

import io
import json
from urllib.parse import quote

import pytest
from arro3.io import read_parquet
from django.test import Client

from governance.models import Entry, Payload
from reviews.decisions import export, taking
from reviews.decisions.parquet import COLUMNS
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.pages.deciding import decide, signed_in, system


def read(who, url: str, status: int = 200) -> bytes:
    answer = signed_in(who).get(url)
    assert answer.status_code == status
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.fixture
def decided(db):
    first, second = desk(system(), 2)
    decide(cast.alice(), first, comment="=1+1")
    decide(cast.alice(), second, "override", output={"digit": 1})
    return first, second


def test_the_three_forms_hold_the_same_decisions(decided):
    lines = [json.loads(line) for line in read(cast.ruth(), "/history/export.jsonl").splitlines()]
    sheet = read(cast.ruth(), "/history/export.csv").decode().strip().splitlines()
    table = read_parquet(io.BytesIO(read(cast.ruth(), "/history/export.parquet"))).read_all()
    assert [line["id"] for line in lines] == table["id"].to_pylist()
    assert [row.split(",")[0] for row in sheet[1:]] == table["id"].to_pylist()
    assert table.column_names == list(COLUMNS) == sheet[0].split(",")
    assert table["comment"].to_pylist() == ["", "=1+1"]
    assert [moment.isoformat() for moment in table["decided_at"].to_pylist()] == [
        line["decided_at"].replace("Z", "+00:00") for line in lines
    ]
    assert table["correction"].to_pylist() == ['{"digit":1}', None]


def test_a_download_has_the_columns_that_were_chosen(decided):
    url = "/history/export.csv?column=verdict&column=id&column=nothing"
    assert read(cast.ruth(), url).splitlines()[0] == b"id,verdict"
    table = read_parquet(io.BytesIO(read(cast.ruth(), url.replace("csv", "parquet")))).read_all()
    assert table.column_names == ["id", "verdict"]
    assert set(json.loads(read(cast.ruth(), url.replace("csv", "jsonl")).splitlines()[0])) == {"id", "verdict"}


def test_many_chunks_come_out_whole_in_every_form(decided, monkeypatch):
    monkeypatch.setattr(export, "CHUNK", 1)
    table = read_parquet(io.BytesIO(read(cast.ruth(), "/history/export.parquet"))).read_all()
    assert table.num_rows == 2
    assert read_parquet(io.BytesIO(read(cast.ruth(), "/history/export.parquet?rule=none"))).read_all().num_rows == 0


def test_that_decisions_were_taken_is_in_the_log_with_what_was_asked_for_and_how_much_it_was(decided):
    ruth = cast.ruth()
    content = read(ruth, "/history/export.csv?verdict=approve&q=%3D1")
    begun, ended = Entry.objects.filter(type__startswith="decisions_export").order_by("pk")
    said, after = json.loads(bytes(begun.leaf)), json.loads(bytes(ended.leaf))
    assert said["actor"]["id"] == str(ruth.pk)
    assert said["detail"]["filters"] == ["q", "verdict"]
    assert json.loads(bytes(Payload.objects.get(entry=begun, name="filters").content)) == {
        "q": "=1",
        "verdict": "approve",
    }
    assert after["causes"] == [bytes(begun.leaf_hash).hex()]
    assert after["detail"]["rows"] == 1
    assert (after["detail"]["bytes"], after["detail"]["complete"]) == (len(content), True)
    assert "=1" not in bytes(begun.leaf).decode()


def test_a_download_that_breaks_off_says_so(decided, monkeypatch):
    monkeypatch.setattr(export, "CHUNK", 1)
    from reviews.decisions import history

    ruth = cast.acting(cast.ruth())
    for format in export.FORMATS:
        stream = taking.stream(history.seen_by(ruth), format=format, asked={}, columns=COLUMNS, by=ruth)
        next(stream)
        stream.close()
        last = json.loads(bytes(Entry.objects.filter(type="decisions_export_ended").latest("pk").leaf))
        assert last["detail"]["complete"] is False


def test_an_error_while_reading_ends_the_parquet_writer_too():
    from reviews.decisions import parquet

    def broken():
        raise ValueError("gone")
        yield []

    with pytest.raises(ValueError, match="gone"):
        list(parquet.as_parquet(broken(), ["id"]))


def test_the_page_tells_how_far_the_download_is(decided):
    ruth = cast.ruth()
    page = read(ruth, "/history/export/?verdict=override").decode()
    assert "One decision to take away." in page
    token = page.split('name="token" value="')[1].split('"')[0]
    assert b"Not begun" in read(ruth, f"/history/export/{token}/")
    read(ruth, f"/history/export.csv?verdict=override&token={token}")
    assert b"Done: 1 decision," in read(ruth, f"/history/export/{token}/")


def test_programs_take_parquet_too_and_it_is_in_the_log(decided):
    found = decided[0].system
    key = cast.key_for(found, ["decisions:read", "evidence:read"])
    answer = Client().get("/api/v1/decisions/?format=parquet", headers={"Authorization": f"Bearer {key}"})
    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    assert read_parquet(io.BytesIO(b"".join(answer.streaming_content))).read_all().num_rows == 2
    assert Entry.objects.get(type="decisions_exported").system == found.pk


def test_whoever_may_not_see_the_history_takes_nothing(decided):
    for url in ("/history/export/", "/history/export.parquet", "/history/export/x/"):
        read(cast.eng(), url, status=404)
    read(cast.ruth(), "/history/export.xml", status=404)
    assert not Entry.objects.filter(type="decisions_exported").exists()


def test_a_sign_in_of_this_morning_is_not_enough_and_the_filters_are_kept(decided):
    browser = Client()
    browser.force_login(cast.ruth())
    for url in ("/history/export/?verdict=override", "/history/export.csv?verdict=override"):
        answer = browser.get(url)
        assert answer.status_code == 302
        assert quote(url, safe="") in answer.url.replace("/", "%2F")
    assert not Entry.objects.filter(type="decisions_exported").exists()
