"""`python -m tests.mutants.choose [TESTS…]`: finds anew a test that goes red for each call that is taken away.

It runs the tests (by default the quick ones that write entries) and sees which calls each passes; then it takes each
call away under the quickest of its tests, and under more of them while none goes red. What is found goes into
killers.json; calls that nothing notices are told, and the exit code is 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.mutants.sites import PROJECT

KILLERS = Path(__file__).with_name("killers.json")
# How many of a call's tests are tried at a time, the quickest first.
TURNS = ((0, 2), (2, 6), (6, 16))
QUICK = (
    "tests/governance", "tests/reviews", "tests/journeys/test_intake_one.py", "tests/journeys/test_intake_batch.py",
    "tests/journeys/test_promises_of_evidence.py",
)  # fmt: skip
LEFT_OUT = ("tests/governance/tuning/test_guarantee.py", "tests/governance/evidence/test_crashes.py")


def main(tests: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tried = _passed(tests or list(QUICK), Path(folder))
        if not tried:
            raise SystemExit("None of these tests writes an entry.")
        killers: dict[str, str] = {}
        for first, end in TURNS:
            asked = [(site, name) for site, names in tried.items() if site not in killers for name in names[first:end]]
            killers |= {site: test for site, test, red in run(asked, Path(folder), "-n", "2") if red}
            print(f"After {end} tests each: {len(killers)} of {len(tried)} calls are noticed.", flush=True)
    KILLERS.write_text(json.dumps(dict(sorted(killers.items())), indent=1) + "\n")
    unnoticed = sorted(tried.keys() - killers.keys())
    print(*[f"Nothing notices {site}" for site in unnoticed], sep="\n")
    return 1 if unnoticed else 0


def run(asked: list[tuple[str, str]], folder: Path, *more: str) -> list[tuple[str, str, bool]]:
    """Runs each test without its site: the site, the test, and whether it went red."""
    if not asked:
        return []
    listed = folder / "asked.json"
    listed.write_text(json.dumps(asked))
    files = sorted({test.partition("::")[0] for _, test in asked})
    done = _pytest(files, {"COUNTERSIGN_MUTANTS": str(listed)}, *more)
    seen = Path(f"{listed}.seen")
    if not seen.exists():
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return [(site, test, red) for site, test, red in json.loads(seen.read_text())]


def _passed(tests: list[str], folder: Path) -> dict[str, list[str]]:
    """The tests that pass each site, the quickest first."""
    done = _pytest(
        [*tests, *(f"--ignore={each}" for each in LEFT_OUT), "-n", "2"], {"COUNTERSIGN_MUTANTS_SEEN": str(folder)}
    )
    print(done.stdout[-300:], flush=True)
    by_site: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for file in folder.glob("*.json"):
        for test, each in json.loads(file.read_text()).items():
            for site in each["sites"] if each["passed"] and not each["red"] else ():
                by_site[site].append((each["seconds"], test))
    return {site: [test for _, test in sorted(names)] for site, names in sorted(by_site.items())}


def _pytest(arguments: list[str], environment: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    # A run within a run uses its servers, and has databases of its own.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    plain.pop("COUNTERSIGN_TEST_RUN", None)
    if home := plain.get("COUNTERSIGN_TEST_RUN_HOME"):
        plain["COUNTERSIGN_TEST_HOME"] = home
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.plugin", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        [*command, *more], cwd=PROJECT, env=plain | environment, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Finds anew a test for each call that writes an entry.")
    parser.add_argument("tests", nargs="*", help="files or folders of tests; the quick ones that write entries if none")
    sys.exit(main(parser.parse_args().tests))
