"""`GET outputs/{id}/proof/`: the evidence of one output, for those who may have it, checked without the product."""

import io
import zipfile

import pytest
from django.test import Client

from governance.models import Entry, Output, System
from tests import cast
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk


@pytest.fixture
def sealer(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    return sealer


def url() -> str:
    return f"/api/v1/outputs/{Output.objects.get(external_id='msg-1').pk}/proof/"


def members(answer) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_auditor_takes_an_output_away_and_verifies_it_with_every_word(sealer, tmp_path):
    answer = cast.signed_in(cast.ruth()).get(url())
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    report = archives.checked(members(answer), tmp_path, sealer.keys)
    assert report["findings"] == []
    assert report["counts"]["gates run again"] == 1
    assert "withheld" not in report["counts"]
    assert Entry.objects.filter(type="exported", system=System.objects.get().pk).count() == 1


def test_who_may_not_see_personal_data_gets_the_proof_without_the_content(sealer, tmp_path):
    answer = cast.signed_in(cast.dana()).get(url())
    report = archives.checked(members(answer), tmp_path, sealer.keys)
    assert report["findings"] == []
    assert report["counts"]["withheld"] > 4
    assert not [name for name in members(answer) if name.startswith("payloads/")]


def test_a_key_needs_the_scope_and_gets_no_content(sealer, tmp_path):
    system = System.objects.get()
    with_scope = cast.key_for(system, scopes=["outputs:read", "evidence:read"])
    answer = Client().get(url(), headers=cast.bearer(with_scope))
    assert answer.status_code == 200
    assert archives.checked(members(answer), tmp_path, sealer.keys)["counts"]["withheld"] > 4
    assert Client().get(url(), headers=cast.bearer(cast.key_for(system))).status_code == 403
    other = cast.key_for(cast.system("other"), scopes=["evidence:read"])
    assert Client().get(url(), headers=cast.bearer(other)).status_code == 404


def test_who_judges_here_does_not_read_there_how_others_did(sealer):
    for person in (cast.alice(), cast.carol(), cast.eve(), cast.eng()):
        assert cast.signed_in(person).get(url()).status_code == 404


def test_an_output_that_waits_for_its_seal_says_so(db):
    system = cast.system()
    output = desk(system)[0].output
    answer = cast.signed_in(cast.ruth()).get(f"/api/v1/outputs/{output.pk}/proof/")
    assert answer.status_code == 409
