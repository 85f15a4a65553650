"""`python -m benchmarks [--size full] [--only NAME]`: what this program does beside what the machine can do.

Each benchmark runs interleaved with its limit, in a process, a database and a Redis of its own. The exit code is 1 when
one could not run; a figure that falls short is a result.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from importlib import import_module
from pathlib import Path

import django

from benchmarks.figures import PROJECT, Figure, keep, show

# In this order; `start` makes installations of its own, `simulations` and `soak` take an hour: only when asked for.
USUAL = ("judging", "intake", "routing", "claims", "pages", "desk", "waiting", "memory", "tuning", "sealing", "replay")
ON_DEMAND = ("start", "simulations", "soak")
SHARE = 0.01


def main() -> int:
    """Runs what the command line asks for; the exit code."""
    chosen = _arguments()
    names = tuple(chosen.only or USUAL)
    if chosen.inside:
        django.setup()
        print(json.dumps([vars(figure) for figure in import_module(f"benchmarks.{names[0]}").bench(chosen.size)]))
        return 0
    return _run_all(names, chosen.size)


def _run_all(names: tuple[str, ...], size: float) -> int:
    from benchmarks.installation import installation

    folder = Path(os.environ.get("COUNTERSIGN_HOME") or PROJECT / "var").resolve() / "bench"
    figures: dict[str, list[Figure]] = {}
    with installation() as site:
        for number, name in enumerate(names, start=1):
            began = time.monotonic()
            ran = _run(name, size, site.environment_for(number))
            _say(f"{name}: {time.monotonic() - began:.0f} s" + ("" if ran is not None else ", could not run"))
            if ran is not None:
                figures[name] = ran
    show(figures)
    print(f"Kept in {keep(figures, size=size, folder=folder)}.")
    return 0 if len(figures) == len(names) else 1


def _run(name: str, size: float, environment: dict[str, str]) -> list[Figure] | None:
    """The figures of one benchmark; None when it could not run, and why is on standard error already."""
    command = [sys.executable, "-m", "benchmarks", "--inside", "--only", name, "--size", str(size)]
    done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return None
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks", description="Ours, the limit and the ratio, from one run.")
    parser.add_argument("--size", type=_share, default=SHARE, help="`full`, or a share of it; 0.01 when not given")
    parser.add_argument("--only", action="append", choices=(*USUAL, *ON_DEMAND), help="run this one; may be repeated")
    parser.add_argument("--inside", action="store_true", help="run here, on the servers that the environment names")
    return parser.parse_args()


def _share(text: str) -> float:
    try:
        share = 1.0 if text == "full" else float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise ArgumentTypeError(f"{text} is neither `full` nor a share between 0 and 1.")
    return share


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers stop and temporary homes go
    sys.exit(main())
