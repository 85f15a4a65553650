"""`python -m tests.faults.broker`: the broker is gone for two minutes under load, and what that does to whom."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.faults.checking import check, verify
from tests.faults.load import History, Load
from tests.faults.receiver import Receiver
from tests.faults.run import POLICY, SYSTEM, prepare
from tests.faults.site import Site

SEED: Final = 1
BEFORE, CATCH_UP = 30, 60
STOCK: Final = 2_000  # more than two reviewers decide in the time: without the broker nothing new is routed
_UNROUTED = "SELECT count(*) FROM reviews_item WHERE routed_at IS NULL"
_STOCK = "SELECT count(*) FROM reviews_item WHERE routed_at IS NOT NULL AND state = 'open'"
_UNTOLD = "SELECT count(*) FROM reviews_delivery WHERE next_attempt_at <= clock_timestamp() - interval '5 s'"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=120)
    seconds = arguments.parse_args().seconds
    folder = Path(tempfile.mkdtemp(prefix="countersign-faults-"))
    folder.chmod(0o755)
    # Nothing is late here: what waits for the broker is to be decided by people, not by the fallback.
    policy = {**POLICY, "sla": {"due_in": "PT1H"}}
    site, receiver, history = Site(folder), Receiver(), History(folder / "history.jsonl")
    try:
        site.await_healthy()
        keys = prepare(site, folder, receiver, policy=policy)
        load = Load(site.base, keys, SYSTEM, SEED, history)
        load.stock(STOCK)
        _await_routed(site)
        load.start()
        time.sleep(BEFORE)
        site.broker_line.go()
        gone = time.time()
        time.sleep(seconds)
        back, stock = time.time(), _count(site, _STOCK)
        backlog = _count(site, _UNROUTED), _count(site, _UNTOLD)
        site.broker_line.come_back()
        while (left := _count(site, _UNROUTED) + _count(site, _UNTOLD)) and time.time() - back < 3 * CATCH_UP:
            time.sleep(0.5)
        caught_up = time.time() - back
        load.stop()
        history.close()
        problems = check(site, SEED, history, receiver, must_end=False)
        print(f"Without the broker for {seconds} s: {_during(folder / 'history.jsonl', gone, back)}.")
        print(f"Routed and still undecided by then: {stock} of a stock of {STOCK}.")
        print(f"Waiting when it came back: {backlog[0]} to route, {backlog[1]} to tell.")
        print(f"Caught up after {caught_up:.1f} s." if not left else f"NOT caught up: {left} left.")
        print("; ".join(problems) or "Nothing lost, nothing twice.")
        told, wrong = verify(site)
        print("\n".join([told, *wrong]))
        problems += wrong
    finally:
        site.stop()
        receiver.close()
    shutil.rmtree(folder)
    return 1 if problems or left or caught_up > CATCH_UP else 0


def _await_routed(site: Site) -> None:
    until = time.monotonic() + 240
    while _count(site, _UNROUTED):
        if time.monotonic() > until:
            raise TimeoutError("The stock was not routed.")
        time.sleep(0.5)


def _during(path: Path, since: float, until: float) -> str:
    """What was done in that time, and how long it took."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    said = []
    for operation in ("intake", "claim", "decide"):
        mine = [line for line in lines if line["operation"] == operation and since <= line["at"] < until]
        took = sorted(line["took"] for line in mine if line["outcome"] == "ok")
        good = len(took)
        p95 = f", p50 {statistics.median(took) * 1e3:.0f} ms, p95 {took[int(good * 0.95)] * 1e3:.0f} ms" if took else ""
        said.append(f"{operation} {good} ok, {len(mine) - good} not{p95}")
    return "; ".join(said)


def _count(site: Site, statement: str) -> int:
    with site.database() as link:
        row = link.execute(statement).fetchone()
        return int(row[0]) if row else 0


if __name__ == "__main__":
    sys.exit(main())
