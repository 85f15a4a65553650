"""`make screenshots`: every screen of a running demo, light and dark, on a desk and on a phone, as docs/images/*.png;
those of the workbench on a small desk too. What the demo's own systems do not show comes from scenes.py.

The demo is made anew in a temporary home, so that the pictures show what `make demo` shows. Whoever has one running
names its home (COUNTERSIGN_HOME) and its address (--site) and spares the minutes. CHROMIUM names the browser.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pictures
import scenes
from playwright.sync_api import Browser, Locator, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
IMAGES = PROJECT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
DESK, SMALL, PHONE = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}, {"width": 390, "height": 844}
PATIENCE = 600.0  # seconds that the demo may take to load its history
# Pictures of the same page have to be the same: nothing moves, no caret blinks.
STILL = "* { animation: none !important; transition: none !important; caret-color: transparent !important; }"


@dataclass(frozen=True)
class Screen:
    """A picture: whose screen it is ("" for nobody's), where it is, and what is done there before it is taken."""

    name: str
    who: str
    path: str
    act: Callable[[Page], None] | None = None
    is_bench: bool = False


def first(pattern: str) -> Callable[[Page], None]:
    """Goes to the first link on the page whose address matches."""

    def go(page: Page) -> None:
        links = [link.get_attribute("href") or "" for link in page.locator("a[href]").all()]
        found = next((link for link in links if re.fullmatch(pattern, link)), None)
        if found is None:
            raise RuntimeError(f"{page.url} has no link like {pattern}.")
        page.goto(found)

    return go


def review(queue: str) -> Callable[[Page], None]:
    """From the queue page to the next item of one queue, or to the item that is in hand since the last picture."""

    def go(page: Page) -> None:
        held = page.get_by_role("link", name="Go on")
        if held.count() and not page.get_by_text(f"queue {queue}, yours until").count():
            _give_back(page, held.first)
        take = page.locator(f'form:has(input[name="queue"][value="{queue}"]) button')
        (held if held.count() else take).first.click(timeout=10_000)
        page.wait_for_url(re.compile(r"/review/[0-9a-f-]{36}/$"))
        # Which outputs are audited blind differs from one demo to the next; the picture is of one that is not.
        while page.get_by_text("stays hidden").count():
            card = page.locator("[data-card]").first.get_attribute("data-card")
            page.get_by_role("button", name="Skip").first.click(timeout=10_000)
            page.locator(f'[data-card="{card}"]').first.wait_for(state="detached", timeout=10_000)
            page.wait_for_load_state("networkidle")

    return go


def _give_back(page: Page, held: Locator) -> None:
    """Gives back what is in hand of another queue, and comes back to the queue page."""
    held.click()
    page.wait_for_url(re.compile(r"/review/[0-9a-f-]{36}/$"))
    _release(page)
    page.goto("/queue/")


def _release(page: Page) -> None:
    form = page.locator(".bench > .item form").first
    fields = {name: form.locator(f"[name={name}]").input_value() for name in ("csrfmiddlewaretoken", "token")}
    page.request.post(f"{page.url}release/", form=fields, headers={"Referer": page.url, "X-Desk": "1"})


def correct_with_a_fault(page: Page) -> None:
    """A correction in the making: two changes, a row more, and a number that cannot be."""
    review("letters")(page)
    override = page.locator(".verdicts [value=override]")
    override.click()
    side = page.locator(".bench > .side")
    side.get_by_text("repair", exact=True).last.click()
    side.get_by_label("Rent reduction").fill("200")
    side.get_by_role("button", name="Add one to What is asked for").click()
    page.keyboard.type("Treatment of the wall")
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)


def lose_the_claim(page: Page) -> None:
    """Somebody else decides the item that is on the screen while a reason for its rejection is being written."""
    review("letters")(page)
    address = page.url
    page.wait_for_selector("next-card[data-ready]", state="attached", timeout=15_000)
    page.locator(".verdicts [value=override]").click()
    page.locator("[data-part=reasons]").evaluate("part => part.removeAttribute('data-closed')")
    page.get_by_label("Comment").fill("The heater cost 86 euros, not 68: see the last paragraph.")
    _release(page)
    other = _other(page)
    other.goto(address)
    other.get_by_role("button", name="Take it").click()
    other.locator(".verdicts [value=approve]").click(delay=400)
    other.wait_for_timeout(1500)
    other.context.close()
    page.locator(".verdicts [value=reject]").click()
    page.locator(".problem .kept").wait_for(timeout=15_000)


def decide_some(page: Page) -> None:
    """A sitting worth summing up: a few approvals and two overrides."""
    told = re.match(r"You decided (\d+)", page.locator("h1").inner_text())
    if told is None or int(told[1]) < 5:
        page.goto("/queue/")
        review("general")(page)
        for key in "aa3aa5a":
            page.wait_for_selector("next-card[data-ready]", state="attached", timeout=15_000)
            page.wait_for_timeout(900)
            # What the AI said is never overridden by the same; a blind item is answered by a digit only.
            page.keyboard.press("4" if page.get_by_text("stays hidden").count() else key)
        page.wait_for_timeout(1500)
        page.goto("/queue/summary/")


ID = "[0-9a-f-]{36}"
SCREENS = (
    Screen("sign-in", "", "/account/login/"),
    Screen("home-reviewer", "alice", "/"),
    Screen("home-owner", "priya", "/"),
    Screen("queue", "alice", "/queue/"),
    Screen("workbench", "alice", "/queue/", review("general"), is_bench=True),
    Screen("workbench-table", "bela", "/queue/", review("pathology"), is_bench=True),
    Screen("workbench-agent", "alice", "/queue/", review("agents"), is_bench=True),
    Screen("workbench-letter", "alice", "/queue/", review("letters"), is_bench=True),
    Screen("workbench-correction", "alice", "/queue/", correct_with_a_fault, is_bench=True),
    Screen("workbench-lost", "alice", "/queue/", lose_the_claim, is_bench=True),
    Screen("workbench-keys", "alice", "/queue/keys/"),
    Screen("queue-empty", "nina", "/queue/", is_bench=True),
    Screen("summary", "alice", "/queue/summary/", decide_some, is_bench=True),
    Screen("history", "mats", "/history/"),
    Screen("history-system", "mats", "/history/?system=form-digits"),
    Screen("why", "mats", "/history/", first(rf"/outputs/{ID}/")),
    Screen("systems", "priya", "/systems/"),
    Screen("system", "priya", "/systems/form-digits/"),
    Screen("policy", "priya", "/systems/biopsy-triage/policy/"),
    Screen("proposal", "ada", "/systems/form-digits/proposals/", first(r"/systems/form-digits/proposals/\d+/")),
    Screen("tuning", "priya", "/systems/form-digits/tuning/"),
    Screen("contract", "priya", "/systems/biopsy-triage/contract/"),
    Screen("evidence", "ruth", "/evidence/"),
    Screen("entry", "ruth", "/evidence/", first(rf"/evidence/{ID}/")),
    Screen("check", "ruth", "/evidence/check/"),
    Screen("controls", "ruth", "/evidence/controls/"),
    Screen("bundles", "ruth", "/evidence/bundles/"),
    Screen("editor", "priya", "/systems/form-digits/policy/draft/"),
    Screen("halt", "mats", "/systems/form-digits/halt/"),
    Screen("shifts", "ruth", "/history/shifts/"),
    Screen("monitor", "priya", "/systems/form-digits/monitor/"),
    Screen("models", "priya", "/systems/form-digits/models/"),
    Screen("incidents", "priya", "/incidents/"),
    Screen("measures", "alice", "/queue/measures/"),
    Screen("people", "admin", "/people/"),
    Screen("keys", "sam", "/keys/"),
    Screen("mails", "priya", "/account/notices/"),
    Screen("webhooks", "sam", "/webhooks/"),
    Screen("api", "sam", "/api/v1/docs/"),
)


def main() -> int:
    """Takes the pictures that the command line asks for; 1 when one could not be taken."""
    parser = ArgumentParser(prog="docs/screenshots.py")
    parser.add_argument("--site", help="address of a demo that runs already, from COUNTERSIGN_HOME")
    parser.add_argument("--only", action="append", choices=[screen.name for screen in SCREENS])
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder of the pictures")
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    wanted = [screen for screen in SCREENS if not chosen.only or screen.name in chosen.only]
    with _site(chosen.site) as (site, passwords), sync_playwright() as playwright:
        _known.update(passwords)
        flags = ["--no-sandbox", "--font-render-hinting=none"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        failed = [screen.name for screen in wanted if not _taken(browser, site, passwords, screen, chosen.to)]
        browser.close()
    total = sum(picture.stat().st_size for picture in chosen.to.glob("*.png"))
    print(f"{len(list(chosen.to.glob('*.png')))} pictures, {total / 1e6:.1f} MB, in {chosen.to}")
    return 1 if failed else 0


@contextmanager
def _site(address: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a running demo, and the passwords of its people by their address."""
    if address:
        home = Path(os.environ.get("COUNTERSIGN_HOME") or PROJECT / "var")
        yield address, _passwords(home) | scenes.set_up(home)
        return
    folder = Path(tempfile.mkdtemp(prefix="countersign-screens-"))
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder / "home"
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL")}
    environment |= {"COUNTERSIGN_HOME": str(home), "PORT": str(port)}
    process = subprocess.Popen([sys.executable, "manage.py", "demo", "--port", str(port)], cwd=PROJECT, env=environment)
    try:
        _await_health(f"http://localhost:{port}/healthz", process)
        yield f"http://localhost:{port}", _passwords(home) | scenes.set_up(home)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def _passwords(home: Path) -> dict[str, str]:
    kept: dict[str, str] = json.loads((home / "secrets" / "demo_accounts").read_text())
    return kept


def _await_health(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError as error:  # refused while the history loads, 503 while a part is missing
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The demo does not become healthy: {error}.") from error
        time.sleep(0.5)


def _taken(browser: Browser, site: str, passwords: dict[str, str], screen: Screen, folder: Path) -> bool:
    """Takes the pictures of a screen; false, with the reason on the terminal, when it cannot be reached."""
    state = _signed_in(browser, site, screen.who, passwords) if screen.who else None
    for theme in ("light", "dark"):
        for size, viewport in (("", DESK), *([("-small", SMALL)] if screen.is_bench else []), ("-phone", PHONE)):
            context = browser.new_context(
                base_url=site, viewport=viewport, color_scheme=theme, storage_state=state, locale="en-GB",
                timezone_id="UTC", reduced_motion="reduce", bypass_csp=True, has_touch=size == "-phone",
            )  # fmt: skip
            try:
                _take(context.new_page(), screen, folder / f"{screen.name}-{theme}{size}.png")
            except Exception as error:  # noqa: BLE001 - the others are still wanted; the exit code tells.
                print(f"{screen.name} ({theme}{size}): {str(error).splitlines()[0]}", file=sys.stderr)
                return False
            finally:
                context.close()
    print(screen.name, flush=True)
    return True


def _take(page: Page, screen: Screen, path: Path) -> None:
    answer = page.goto(screen.path)
    if answer is None or answer.status >= 400:
        raise RuntimeError(f"{screen.path} answers {answer.status if answer else 'nothing'}")
    if screen.act:
        screen.act(page)
    page.wait_for_load_state("networkidle")
    page.add_style_tag(content=STILL)
    page.evaluate("document.fonts.ready.then(() => true)")
    path.write_bytes(pictures.small(page.screenshot(animations="disabled", caret="hide", scale="css")))


_sessions: dict[str, str] = {}
_known: dict[str, str] = {}


def _other(page: Page) -> Page:
    """A page of the second reviewer beside that of the first."""
    browser = page.context.browser
    assert browser is not None
    site = re.match(r"https?://[^/]+", page.url)
    assert site is not None
    state = _signed_in(browser, site[0], "bela", _known)
    return browser.new_context(base_url=site[0], storage_state=state).new_page()


def _signed_in(browser: Browser, site: str, who: str, passwords: dict[str, str]) -> str:
    """The file with the session of one of the demo's people, who signs in once."""
    if who in _sessions:
        return _sessions[who]
    email = f"{who}@demo.example"
    context = browser.new_context(base_url=site)
    page = context.new_page()
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(passwords[email])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
    handle, path = tempfile.mkstemp(suffix=".json")
    os.close(handle)
    context.storage_state(path=path)
    context.close()
    _sessions[who] = path
    return path


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the demo stops and its home goes
    sys.exit(main())
