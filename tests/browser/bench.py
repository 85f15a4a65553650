"""The workbench in a browser: somebody signed in at her desk, and what went wrong on the page while she was there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client
from playwright.sync_api import Browser, Error, Page

from governance.models import Person

# How many frames are drawn from a key until another card is there: none is waited for where it lay ready.
FRAMES = """
window.waited = [];
addEventListener("keydown", () => {
  const was = document.querySelector(".bench > .item")?.dataset.card;
  let frames = 0;
  const look = () => {
    const isOld = document.querySelector(".bench > .item")?.dataset.card === was;
    if (!isOld) window.waited.push(frames);
    else if ((frames += 1) < 300) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}, true);
window.breaches = [];
addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) => {
  window.breaches.push(`${violatedDirective} ${blockedURI}`);
});
"""

# The browser logs an answer of these kinds, and a network that is gone, as errors by itself.
EXPECTED = ("status of 401", "status of 409", "status of 422", "net::ERR_FAILED", "net::ERR_INTERNET_DISCONNECTED")


@contextmanager
def at_the_desk(chromium: Browser, site: str, person: Person, **options: Any) -> Iterator[Page]:
    """A page of a signed-in person; afterwards it had no error, no breach of the policy and no foreign request."""
    client = Client()
    client.force_login(person)
    context = chromium.new_context(base_url=site, **{"viewport": {"width": 1440, "height": 900}, **options})
    context.add_cookies([{"name": "countersign", "value": client.cookies["countersign"].value, "url": site}])
    context.add_init_script(FRAMES)
    page = context.new_page()
    errors: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda sent: None if sent.url.startswith((site, "data:")) else foreign.append(sent.url))
    try:
        yield page
        settle(page)
        if options.get("java_script_enabled", True):
            assert page.evaluate("window.breaches") == []
        assert [said for said in errors if not any(word in said for word in EXPECTED)] == []
        assert foreign == []
        # Leaving gives the next card back; the server should have heard of it before its database goes.
        page.goto("about:blank")
        page.wait_for_timeout(150)
    finally:
        context.close()


def begin(page: Page) -> None:
    """From the queue to the first item, with the next card ready."""
    page.goto("/queue/")
    page.get_by_role("button", name="Review the next one").click()
    ready(page)


def ready(page: Page) -> None:
    """Waits until the next card lies ready and a key cannot be taken for a double one."""
    page.wait_for_selector("next-card[data-ready]", state="attached")
    page.wait_for_timeout(360)


def card(page: Page) -> str:
    """The item on the screen."""
    return str(page.evaluate("document.querySelector('.bench > .item').dataset.card"))


def settle(page: Page) -> None:
    """Waits until everything that was sent has been answered."""
    until(page, "!document.querySelector('send-line')?.waiting")


def until(page: Page, condition: str, *, seconds: float = 10) -> None:
    """Waits for a condition of the page, asked from outside: inside, the Content-Security-Policy forbids `eval`."""
    for _ in range(int(seconds * 50)):
        try:
            if page.evaluate(condition):
                return
        except Error as error:
            # The desk went on to its next page while the question was under way: the new page is asked.
            if "Execution context was destroyed" not in error.message:
                raise
        page.wait_for_timeout(20)
    raise AssertionError(f"It never came true: {condition}")
