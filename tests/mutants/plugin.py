"""A plug-in of pytest: `-p tests.mutants.plugin`.

COUNTERSIGN_MUTANTS names a file of JSON, a list of [site, test]. Each of these tests then runs once for each of its
sites, without what the site writes; which went red is written to the file beside it, `….seen`. Without a list,
COUNTERSIGN_MUTANTS_SEEN names a folder into which is written which sites each test passes, and how long it took.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.sites import PROJECT, name_of

MARK = b"\0taken away\0"
_TRIGGER = f"""
CREATE FUNCTION taken_away() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a_call_is_taken_away BEFORE INSERT ON governance_entry FOR EACH ROW
    WHEN (substring(NEW.leaf FROM 1 FOR {len(MARK)}) = '\\x{MARK.hex()}') EXECUTE FUNCTION taken_away();
"""
_asked: dict[str, list[str]] = defaultdict(list)
_seen: dict[str, dict[str, Any]] = {}
_sites: set[str] = set()
_away: set[str] = set()


def pytest_configure(config: pytest.Config) -> None:
    if listed := os.environ.get("COUNTERSIGN_MUTANTS"):
        for site, test in json.loads(Path(listed).read_text()):
            _asked[test].append(site)
    _watch()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _asked:
        items[:] = [item for item in items if getattr(item, "callspec", None) and "a_site" in item.callspec.params]
        items[:] = [item for item in items if item.callspec.params["a_site"] in _asked[_plain(item.nodeid)]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    here = metafunc.definition.nodeid
    sites = sorted({site for test, all in _asked.items() if test.partition("[")[0] == here for site in all})
    if sites:
        metafunc.parametrize("a_site", sites, indirect=True, ids=[f"@{site}@" for site in sites])


@pytest.fixture(autouse=True)
def a_site(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test's own database keeps out what the test's site writes, where it is run for one."""
    if not hasattr(request, "param"):
        yield
        return
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_TRIGGER)
    _away.add(request.param)
    yield
    _away.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _sites.clear()
    yield
    if item.nodeid in _seen:
        _seen[item.nodeid]["sites"] = sorted(_sites)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    found = _seen.setdefault(report.nodeid, {"red": False, "passed": False, "seconds": 0.0, "sites": []})
    found["red"] |= report.failed
    found["passed"] |= report.when == "call" and report.passed
    found["seconds"] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    if listed := os.environ.get("COUNTERSIGN_MUTANTS"):
        told = [[id.partition("@")[2].rpartition("@")[0], _plain(id), each["red"]] for id, each in _seen.items()]
        Path(f"{listed}.seen").write_text(json.dumps(told))
    elif folder := os.environ.get("COUNTERSIGN_MUTANTS_SEEN"):
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(_seen))


def _plain(id: str) -> str:
    """The test as it is named without a site among its parameters."""
    before, _, rest = id.partition("@")
    _, _, after = rest.rpartition("@")
    return f"{before}{after}".replace("[-", "[").replace("-]", "]").removesuffix("[]") if rest else id


def _watch() -> None:
    """Every entry's bytes pass here: they are marked when their site is the one that is taken away."""
    from governance.evidence import leaf

    whole = leaf.leaf_bytes

    def leaf_bytes(entry: Any) -> bytes:
        file, function = _caller()
        return _marked(name_of(file, function, entry["type"]), whole(entry))

    leaf.leaf_bytes = leaf_bytes


@pytest.fixture(scope="session", autouse=True)
def _intake_is_watched(django_db_setup: Any) -> None:
    from reviews.intake.proof import Template

    fill: Callable[..., bytes] = Template.fill

    def filled(self: Template, *args: Any, **named: Any) -> bytes:
        frame = sys._getframe(1)
        while frame.f_back and frame.f_code.co_name not in ("_accept_one", "_write", "_replay"):
            frame = frame.f_back
        site = name_of("reviews/intake/proof.py", frame.f_code.co_name, "judged")
        return _marked(site, fill(self, *args, **named))

    Template.fill = filled  # type: ignore[method-assign]


def _caller() -> tuple[str, str]:
    frame: Any = sys._getframe(2)
    while frame.f_code.co_filename.endswith("governance/evidence/record.py"):
        frame = frame.f_back
    while frame.f_code.co_name.startswith("<"):  # a comprehension belongs to its function
        frame = frame.f_back
    return str(Path(frame.f_code.co_filename).relative_to(PROJECT)), frame.f_code.co_name


def _marked(site: str, content: bytes) -> bytes:
    if not site.startswith("tests/"):
        _sites.add(site)
    return MARK + content if site in _away else content
