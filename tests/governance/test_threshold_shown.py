"""The threshold shown as in force is the one applied: by the judge, on the API, on the page, in the sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.models import System
from governance.policies import registry
from governance.policies.candidate import MILLION, Candidate
from governance.policies.judge import judge
from governance.policies.sentences import percent
from tests import cast

millionths = st.integers(0, MILLION) | st.sampled_from([0, 1, 830_000, 829_999, 999_999, MILLION])


@pytest.fixture
def shown(db: None) -> tuple[System, Client, dict[str, str]]:
    system = cast.system()
    cast.put_in_force(system, _document(500_000, 700_000))
    return system, cast.signed_in(cast.dana()), cast.bearer(cast.key_for(system, ["policies:read"]))


def _document(default: int, own: int) -> dict[str, Any]:
    when = {"field": "output.digit", "op": "eq", "value": 7}
    segments = [{"id": "sevens", "when": when, "threshold": own / MILLION}]
    return cast.policy(threshold={"default": default / MILLION, "segments": segments})


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(millionths, millionths, millionths)
def test_the_threshold_shown_is_the_one_applied(shown: Any, default: int, own: int, confidence: int) -> None:
    system, browser, key = shown
    cast.put_in_force(system, _document(default, own))
    force = registry.in_force(system.pk)
    assert force is not None
    api = browser.get(f"/api/v1/systems/{system.slug}/policies/{force.number}/", headers=key).json()["policy"]
    page = browser.get(f"/systems/{system.slug}/policy/").content.decode()
    home = browser.get(f"/systems/{system.slug}/").content.decode()
    for digit, applied in ((3, default), (7, own)):
        verdict = judge(force.policy, Candidate(confidence, {}, {"digit": digit}), draw=2**63)
        assert verdict.lane == ("release" if confidence >= applied else "review")
        assert verdict.threshold == applied
        shares = api["threshold"]
        told = shares["default"] if digit == 3 else shares["segments"][0]["threshold"]
        assert Decimal(repr(told)) * MILLION == applied
        assert f"out alone {'' if digit == 3 else 'only '}from {percent(applied, 4)} confidence" in page
    assert percent(default, 4) in home
