"""A real browser on a real server: Debian's chromium through Playwright, skipped with a reason where there is none."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The browser, one for the run."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER is set, and there is no browser at {CHROMIUM}.")
        pytest.skip(f"There is no browser at {CHROMIUM}; set CHROMIUM to one.")
    from django.db import connections
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread: Django would not let queries run beside it, and keeps other connections
    # inside it than outside, so that nobody inside could close those that earlier tests left open.
    connections.close_all()
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
        connections.close_all()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
