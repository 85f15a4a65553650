"""No entry can be forgotten unnoticed: each call that writes one is taken away, and a test goes red."""

import json
from pathlib import Path

import pytest

from governance.evidence.types import TYPES
from tests.mutants import choose, sites

KILLERS: dict[str, str] = json.loads(choose.KILLERS.read_text())
ANEW = "Run: python -m tests.mutants.choose"


def test_every_call_that_writes_an_entry_is_among_those_taken_away() -> None:
    known = {tuple(site.split("::")) for site in KILLERS}
    functions = {site[:2] for site in known}
    missing = [
        f"{file} {function} {type or ''}"
        for file, function, type in sites.calls()
        if (file, function, type) not in known and (type is not None or (file, function) not in functions)
    ]
    assert not missing, f"{ANEW}\n" + "\n".join(missing)


def test_every_type_of_entry_is_among_them() -> None:
    missing = TYPES.keys() - {site.split("::")[2] for site in KILLERS}
    assert not missing, f"{ANEW}\n{sorted(missing)}"


def test_no_call_is_listed_that_is_not_there_any_more() -> None:
    there = {(file, function) for file, function, _ in sites.calls()}
    gone = [site for site in KILLERS if tuple(site.split("::")[:2]) not in there and sites.TEMPLATE not in site]
    assert not gone, f"{ANEW}\n{gone}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_without_any_one_of_them_a_test_goes_red(tmp_path: Path) -> None:
    seen = choose.run(list(KILLERS.items()), tmp_path)
    assert sorted(site for site, _, _ in seen) == sorted(KILLERS)
    assert [site for site, _, red in seen if not red] == [], "These were taken away and nothing went red."
