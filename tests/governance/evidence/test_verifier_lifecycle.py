"""The verifier follows change control where it leads: canaries, restored versions, high tiers, unsigned beginnings."""

from typing import Any

import pytest
from django.test import Client

from governance.evidence import verification
from governance.models import Output, PolicyVersion, System
from governance.policies import lifecycle, trials
from tests import cast
from tests.governance.evidence import archives
from tests.governance.evidence.sealing import Sealer

BODY = {"input": {"pixels": []}, "output": {"digit": 3}, "model": "reader", "model_version": "1"}


@pytest.fixture
def verified(db, tmp_path):
    """Called at the end: the log verifies, from its rows and as a bundle; how many gates were run again."""

    def check() -> int:
        sealer = Sealer(tmp_path / "sealer")
        sealer.all()
        assert verification.verify()["findings"] == []
        report = archives.checked(archives.made(), tmp_path, sealer.keys)
        assert report["findings"] == []
        return report["counts"].get("gates run again", 0)

    return check


def send(system: System, count: int, confidence: float = 0.95, **more: Any) -> None:
    secret = cast.key_for(system)
    for number in range(count):
        id = f"{Output.objects.count()}-{number}"
        body = {**BODY, "system": system.slug, "external_id": id, "confidence": confidence, **more}
        sent = Client().post("/api/v1/outputs/", body, content_type="application/json", headers=cast.bearer(secret))
        assert sent.status_code == 201, sent.content


def approved(system: System, **blocks) -> PolicyVersion:
    version = lifecycle.propose(system, cast.policy(**blocks), by=cast.acting(cast.dana()), because="Better.").version
    lifecycle.approve(version, by=cast.acting(cast.erik()), digest=version.digest)
    return PolicyVersion.objects.get(pk=version.pk)


def test_a_canary_judges_its_share_beside_the_policy_in_force(verified):
    system = cast.system()
    send(system, 4)
    version = trials.canary(approved(system, threshold={"default": 0.8}), share=500_000, by=cast.acting(cast.erik()))
    send(system, 12, 0.85)
    assert set(Output.objects.values_list("policy__number", flat=True)) == {1, 2}
    trials.stop(version, by=cast.acting(cast.erik()))
    send(system, 3, 0.85)
    assert verified() == 19


def test_a_canary_that_is_put_in_force_judges_everything(verified):
    system = cast.system()
    version = trials.canary(approved(system, threshold={"default": 0.8}), share=500_000, by=cast.acting(cast.erik()))
    send(system, 6, 0.85)
    lifecycle.activate(version, by=cast.acting(cast.erik()))
    send(system, 6, 0.85)
    assert verified() == 12


def test_a_version_put_back_in_force_judges_again(verified):
    system = cast.system()
    lifecycle.activate(approved(system, threshold={"default": 0.8}), by=cast.acting(cast.erik()))
    send(system, 3)
    lifecycle.restore(System.objects.get(), by=cast.acting(cast.erik()))
    send(system, 3)
    assert verified() == 6


def test_a_high_tier_with_both_signatures_releases(verified):
    send(cast.system(risk_tier="high"), 3, 0.99)
    assert verified() == 3


@pytest.mark.parametrize("tier", ["limited", "high"])
def test_a_first_policy_before_its_signatures(verified, tier):
    system, _ = cast.bare_system(risk_tier=tier)
    version = lifecycle.propose(system, cast.policy(), by=cast.acting(cast.dana()), because="To begin.").version
    lifecycle.bootstrap(version, by=cast.acting(cast.dana()), because="To begin.")
    send(system, 3, 0.99)
    assert set(Output.objects.values_list("lane", flat=True)) == {"review" if tier == "high" else "release"}
    assert verified() == (0 if tier == "high" else 3)


def test_a_broken_contract_and_an_output_without_a_policy(verified):
    system, _ = cast.bare_system()
    send(system, 1)
    cast.put_in_force(system, cast.policy())
    send(system, 1, output={"digit": 77})
    assert set(Output.objects.values_list("rule", flat=True)) == {"no-policy", "contract"}
    assert verified() == 0
