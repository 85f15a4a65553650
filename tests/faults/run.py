"""`python -m tests.faults.run --seeds 20`: seed after seed on one installation, and what was found."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from tests.faults.checking import DUE_SECONDS, FALLBACK_SECONDS, check, verify
from tests.faults.load import REVIEWERS, History, Load
from tests.faults.receiver import Receiver
from tests.faults.site import Site
from tests.faults.strike import FAULTS, QUICK, Fault, possible

SYSTEM = "faulty"
CONTRACT: dict[str, Any] = {
    "version": "1.0.0", "input": {"type": "object"}, "correct_when": ["/output/digit"],
    "output": {"type": "object", "properties": {"digit": {"type": "integer"}}, "required": ["digit"]},
}  # fmt: skip
LADDER = [
    {"after": "PT0S", "do": "raise"}, {"after": f"PT{FALLBACK_SECONDS}S", "do": "resolve", "as": "reject"},
]  # fmt: skip
POLICY: dict[str, Any] = {
    "threshold": {"default": 0.9}, "audit": {"rate": 0}, "review": {"undo_seconds": 1},
    "routing": {"default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}}},
    "sla": {"due_in": f"PT{DUE_SECONDS}S", "on_breach": LADDER},
}  # fmt: skip
STRIKES, PAUSE = 5, (1.0, 4.0)


def prepare(site: Site, folder: Path, receiver: Receiver, *, policy: Any = POLICY) -> dict[str, Any]:
    """A system whose late items are rejected, its producer's key, and a reviewer's key for each who reviews."""
    document = {
        "countersign": 1,
        "system": {"slug": SYSTEM, "name": "Faulty", "purpose": "Fails.", "risk_tier": "limited", "owner": "own@x.org"},
        "contract": CONTRACT, "policy": policy,
        "webhooks": [{"url": receiver.url, "events": ["output.resolved", "decision.superseded"]}],
    }  # fmt: skip
    file = folder / "faulty.json"
    file.write_text(json.dumps(document))
    site.command("create_person", "own@x.org", "--role", "owner")
    site.command("apply", str(file), "--as", "own@x.org", "--activate", "--because", "To be struck.")
    keys: dict[str, Any] = {"reviewers": []}
    keys["producer"] = site.command(
        "create_api_key", "--name", "p", "--system", SYSTEM, "--scope", "outputs:write", "outputs:read"
    )
    for number in range(REVIEWERS):
        email = f"r{number}@x.org"
        site.command("create_person", email, "--role", "reviewer")
        scope = ("--scope", "reviews:write", "--person", email)
        keys["reviewers"].append(site.command("create_api_key", "--name", email, "--system", SYSTEM, *scope))
    return keys


def one_seed(
    site: Site, keys: dict[str, Any], seed: int, folder: Path, receiver: Receiver, faults: Sequence[Fault] = FAULTS,
    strikes: int = STRIKES,
) -> tuple[list[str], list[str], History]:  # fmt: skip
    """Runs a seed: what struck, what is wrong, and the history."""
    dice, history = random.Random(seed), History(folder / f"history-{seed}.jsonl")
    chosen = [dice.choice(faults) for _ in range(strikes)]
    receiver.begin(seed)
    load = Load(site.base, keys, SYSTEM, seed, history)
    load.start()
    receiver.is_bad = True
    try:
        for fault in chosen:
            time.sleep(dice.uniform(*PAUSE))
            site.look_after()
            # What it was to strike may be down already from the one before.
            with contextlib.suppress(psycopg.OperationalError, redis.RedisError, ProcessLookupError, psutil.Error):
                fault(site, dice)
        time.sleep(2)
        receiver.is_bad = False
        site.await_healthy()
    finally:
        receiver.is_bad = False
        load.stop()
        history.close()
    return [fault.__name__ for fault in chosen], check(site, seed, history, receiver), history


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--quick", action="store_true", help="only the faults that are over at once")
    asked = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="countersign-faults-"))
    folder.chmod(0o755)
    site, receiver = Site(folder, small_wal=True), Receiver()
    faults = QUICK if asked.quick else possible(site)
    struck: Counter[str] = Counter()
    checked, wrong = Counter[str](), 0
    try:
        site.await_healthy()
        keys = prepare(site, folder, receiver)
        for seed in range(asked.first, asked.first + asked.seeds):
            began = time.monotonic()
            names, problems, history = one_seed(site, keys, seed, folder, receiver, faults)
            struck.update(names)
            checked.update(history.counts)
            wrong += len(problems)
            print(f"seed {seed}: {', '.join(names)}; {history.operations} operations, {time.monotonic() - began:.0f} s")
            for problem in problems:
                print(f"  WRONG {problem}", flush=True)
        told, problems = verify(site)
        print("\n  WRONG ".join([told, *problems]), flush=True)
        wrong += len(problems)
    finally:
        site.stop()
        receiver.close()
    for fault in () if asked.quick else FAULTS:
        if fault not in faults:
            print(f"not struck, since this machine does not let us: {fault.__name__}")
    print(f"answers lost between a commit and its client: {site.database_line.lost}; PostgreSQL says: {site.said()}")
    print(f"struck: {dict(sorted(struck.items()))} and of the receiver {dict(sorted(receiver.struck.items()))}")
    print(f"checked: {dict(sorted(checked.items()))}; program started {site.starts} times; wrong: {wrong}")
    if wrong:
        print(f"The histories and the log are in {folder}.")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
