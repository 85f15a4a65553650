"""`manage.py up`: everything with one command, and nothing after it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

PROJECT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE", "REDIS", "COUNTERSIGN", "DJANGO", "SECRET_KEY", "PROMETHEUS", "PYTEST", "PORT")


class Site:
    """A serving installation of the test's own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home, self.log = folder / "home", folder / "log"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        self.environment["COUNTERSIGN_HOME"] = str(self.home)
        self.process = self.start(self.port, self.log.open("w"))

    def start(self, port: int, output) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "1"]
        return subprocess.Popen(
            command, cwd=PROJECT, env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def health(self) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10)

    def await_healthy(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.health().status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        pytest.fail(f"never healthy: {self.log.read_text()[-3000:]}")

    def everything(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("COUNTERSIGN_HOME") == str(self.home) or str(self.home) in process.cmdline():
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def await_nothing(self, seconds: float) -> None:
        psutil.wait_procs(self.everything(), timeout=seconds)
        assert not self.everything()


@pytest.fixture
def site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="countersign-up-"))
    folder.chmod(0o755)
    site = Site(folder)
    yield site
    if site.process.poll() is None:
        site.process.terminate()
        site.process.wait(90)
    shutil.rmtree(folder)


@pytest.mark.journey
def test_it_serves_and_ctrl_c_leaves_nothing_and_it_starts_again(site):
    site.await_healthy()
    assert site.health().json()["parts"] == {"database": "ok", "migrations": "ok", "broker": "ok", "worker": "ok"}
    assert "countersign_request_seconds" in httpx.get(f"http://127.0.0.1:{site.port}/metrics").text

    second = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", "1"],
        cwd=PROJECT,
        env=site.environment,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert "already serves from" in second.stderr

    site.process.send_signal(signal.SIGINT)
    assert site.process.wait(60) == 0
    assert not site.everything()

    site.process = site.start(site.port, site.log.open("a"))
    site.await_healthy()  # how soon is a benchmark's to say: `make bench BENCH_ARGS='--only start'`


@pytest.mark.journey
def test_a_child_that_dies_is_started_again_and_a_supervisor_that_dies_takes_all_along(site):
    site.await_healthy()
    web = next(process for process in site.everything() if "granian" in process.cmdline())
    for process in [*web.children(), web]:
        process.kill()
    time.sleep(1)
    site.await_healthy()
    assert "web was killed by signal 9" in site.log.read_text()

    site.process.kill()
    site.process.wait()
    site.await_nothing(30)


def test_a_port_in_use_is_told_in_a_sentence(site):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site.await_healthy()
        site.process.terminate()
        assert site.process.wait(60) == 0
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", port],
            cwd=PROJECT,
            env=site.environment,
            capture_output=True,
            text=True,
        )
    assert refused.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be had" in refused.stderr
    assert not site.everything()
