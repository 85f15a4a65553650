"""Certificates are computed again from their own counts; whatever was changed in one shows."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from governance.models import Certificate, Entry, System
from governance.people.actors import CONSOLE
from governance.policies.canonical import canonical_bytes
from governance.tuning import looks, recompute
from tests import cast
from tests.governance.tuning.judged import known_answers, outputs, several
from tests.governance.tuning.test_looks import age, fill_good

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate() -> Certificate:
    system = cast.system(threshold={"default": 1})
    fill_good(system)
    return looks.look(system, by=CONSOLE)


def what(certificate: Certificate) -> list[str]:
    found = recompute.certificates()
    assert all(one.certificate == certificate.pk for one in found)
    return [one.what for one in found]


def changed(certificate: Certificate, **columns: Any) -> None:
    """Somebody with the database's keys changes a row and names some entry or other."""
    other = Entry.objects.exclude(pk=certificate.entry_id).values_list("pk", flat=True).first()
    Certificate.objects.filter(pk=certificate.pk).update(entry_id=other, **columns)


def test_certificates_of_every_kind_agree_with_their_evidence(certificate: Certificate) -> None:
    age(certificate, days=8)
    known_answers(certificate.system, found=38, of=40)
    looks.look(certificate.system, by=CONSOLE)
    bad = cast.system("bad", audit={"rate": 0.5})
    outputs(bad, several(200, confidence=950_000, audit=True, wrong=40) + several(200, confidence=950_000))
    looks.look(bad, by=CONSOLE)
    assert recompute.count() == 3
    assert recompute.certificates() == []


def test_a_violation_is_judged_by_the_rule_of_its_time() -> None:
    system = cast.system(audit={"rate": 0.5})
    outputs(system, several(1500, confidence=950_000, audit=True, wrong=32) + several(1500, confidence=950_000))
    known_answers(system, found=60, of=100)
    certificate = looks.look(system, by=CONSOLE)
    document = json.loads(certificate.document)
    assert (document["code"], certificate.state) == ("tuning 4", "unproven")
    certificate.state = document["reading"]["state"] = "violated"
    assert list(recompute._computed(certificate, document | {"code": "tuning 3"})) == []
    assert "it says violated None; its counts say unproven None" in recompute._computed(certificate, document)


def test_a_threshold_that_was_changed_shows(certificate: Certificate) -> None:
    changed(certificate, threshold=500_000)
    assert what(certificate) == ["it says certified-provisional 500000; its counts say certified-provisional 660000"]


def test_a_level_that_was_changed_shows(certificate: Certificate) -> None:
    changed(certificate, delta=0.05)
    assert "its number or level is not the one that was spent" in what(certificate)


def test_counts_that_were_changed_show_even_with_a_fitting_digest(certificate: Certificate) -> None:
    document = json.loads(certificate.document)
    document["reading"]["counts"][5][1] += 1
    content = canonical_bytes(document)
    changed(certificate, document=content.decode(), digest=hashlib.sha256(content).hexdigest())
    assert what(certificate) == ["its document is not the one that the log commits to"]


def test_a_look_that_was_taken_away_shows(certificate: Certificate) -> None:
    age(certificate, days=8)
    second = looks.look(certificate.system, by=CONSOLE)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_certificate WHERE id = %s", [certificate.pk])
    assert what(second) == ["looks before it are missing, whose level was spent"]


def test_a_look_that_died_on_the_way_has_spent_its_level_and_agrees() -> None:
    system: System = cast.system(threshold={"default": 1})
    fill_good(system)
    scope = looks.samples.scope(system)
    assert scope is not None
    looks._spend(scope, by=CONSOLE)
    assert recompute.certificates() == []


def reported() -> dict[str, Any]:
    """The report of `verify_evidence --certificates`; the log itself is not sealed here."""
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("verify_evidence", "--certificates", "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_the_command_computes_certificates_again_and_fails_where_one_was_changed(certificate: Certificate) -> None:
    report = reported()
    assert report["certificates"] == 1
    assert "certificate" not in {finding["rule"] for finding in report["findings"]}
    changed(certificate, threshold=500_000)
    report = reported()
    (finding,) = [finding for finding in report["findings"] if finding["rule"] == "certificate"]
    assert finding["where"] == "digits"
    assert not report["verified"]
