"""A short part of `make faults`: one seed of the faults that are over at once, on an installation of its own."""

import tempfile
from pathlib import Path

import pytest

from tests.faults.receiver import Receiver
from tests.faults.run import one_seed, prepare
from tests.faults.site import Site
from tests.faults.strike import QUICK

SEED = 4


@pytest.mark.slow
@pytest.mark.journey
@pytest.mark.timeout(600)
def test_nothing_is_lost_twice_or_stuck_whatever_strikes():
    folder = Path(tempfile.mkdtemp(prefix="countersign-faults-"))
    folder.chmod(0o755)
    site, receiver = Site(folder), Receiver()
    try:
        site.await_healthy()
        keys = prepare(site, folder, receiver)
        names, problems, history = one_seed(site, keys, SEED, folder, receiver, QUICK, strikes=4)
        assert problems == [], f"seed {SEED}, after {names}"
        assert history.counts["intake ok"] > 20
        assert history.counts.get("decide ok", 0) > 5
        assert site.command("verify_evidence").startswith("Verified")
    finally:
        site.stop()
        receiver.close()
