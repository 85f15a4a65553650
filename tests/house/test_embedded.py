"""The servers that an installation without configured ones makes for itself."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from governance.project import embedded
from governance.project.embedded.home import state

PROJECT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from governance.project import embedded
embedded.ensure(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's tmp_path: its parent is closed to other users, and as root the servers run as one.
    folder = Path(tempfile.mkdtemp(prefix="countersign-home-"))
    yield folder / "home"
    _await_no_servers(folder / "home")
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _open_parent(home: Path) -> None:
    home.parent.chmod(0o755)


def _await_no_servers(home: Path) -> None:
    deadline = time.monotonic() + 20
    while _processes(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _processes(home)


def _processes(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if str(home) in " ".join(words) or (process.info["cwd"] or "").startswith(str(home)):
            found.append(" ".join(words)[:80])
    return found


def _ask(url: str, statement: str) -> str:
    with psycopg.connect(url, autocommit=True) as link:
        return str(link.execute(statement).fetchone()[0])


def _hold_elsewhere(home: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_start_finds_the_data_of_the_first(home):
    with embedded.ensure(home):
        owner = embedded.addresses(home).database_owner
        with psycopg.connect(owner) as link:
            link.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    with embedded.ensure(home):
        assert _ask(embedded.addresses(home).database, "SELECT seven FROM kept") == "7"


def test_a_commit_is_on_disk_when_it_is_told(home):
    with embedded.ensure(home):
        url = embedded.addresses(home).database
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert _ask(url, f"SHOW {setting}") == "on"
        assert _ask(url, "SHOW server_version_num").startswith("18")


def test_the_runtime_role_is_no_superuser_and_owns_no_table(home):
    with embedded.ensure(home, redis=False, durable=False):
        place = embedded.addresses(home)
        with psycopg.connect(place.database_owner) as link:
            link.execute("CREATE TABLE evidence (id int)")
        assert _ask(place.database, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user") == "false"
        assert _ask(place.database, "SELECT count(*) FROM evidence") == "0"
        for statement in ("TRUNCATE evidence", "ALTER TABLE evidence ADD x int", "CREATE TABLE mine (id int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _ask(place.database, statement)


def test_nobody_gets_in_without_the_password(home):
    with embedded.ensure(home, durable=False):
        place = embedded.addresses(home)
        wrong = place.database.replace(embedded.secret(home, "countersign_app"), "guess")
        with pytest.raises(psycopg.OperationalError):
            _ask(wrong, "SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            _ask(place.database.replace("countersign_app", "postgres"), "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(place.redis.replace(embedded.secret(home, "redis"), "guess")).ping()
    for path in (home / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_redis_refuses_rather_than_forgets(home):
    with embedded.ensure(home, postgres=False):
        client = redis.Redis.from_url(embedded.addresses(home).redis)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_path_of_150_characters_is_served_over_the_loopback_address(home):
    deep = home.with_name("d" * 150)
    with embedded.ensure(deep, durable=False):
        url = embedded.addresses(deep).database
        assert "@127.0.0.1:" in url
        assert _ask(url, "SELECT current_user") == "countersign_app"
    _await_no_servers(deep)


def test_directories_above_the_home_keep_their_modes(home):
    home.parent.chmod(0o711)
    with embedded.ensure(home, durable=False):
        assert stat.S_IMODE(home.parent.stat().st_mode) == 0o711


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its servers to somebody else")
def test_a_home_that_the_other_user_cannot_reach_is_refused_with_the_way_out(home):
    home.parent.chmod(0o700)
    with pytest.raises(embedded.Unavailable, match=rf"may not enter {home.parent}.*COUNTERSIGN_HOME"):
        embedded.ensure(home, durable=False)
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its servers to somebody else")
def test_as_root_the_data_belong_to_somebody_who_is_not(home):
    with embedded.ensure(home, durable=False):
        assert (home / "postgres").stat().st_uid != 0
        assert (home / "redis").stat().st_uid != 0
        assert psutil.Process(state(home, "postgres")["server"]).uids().effective != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_simply_runs_them(home):
    home.parent.chmod(0o777)
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("no Python that another user can run")
    libraries = str(Path(psutil.__file__).parents[1])
    script = "import sys; sys.path[:0] = sys.argv[2:]\nimport os\nos.environ['PYTHONPATH'] = ':'.join(sys.argv[2:])\n"
    script += "from pathlib import Path\nfrom governance.project import embedded\n"
    script += "with embedded.ensure(Path(sys.argv[1]), durable=False): print('fine', os.geteuid())"
    done = subprocess.run(
        [python, "-c", script, str(home), str(PROJECT), libraries],
        user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if "No module named 'psutil" in done.stderr or "cannot import name '_psutil" in done.stderr:
        pytest.skip("the machine's Python is not the one that the packages were installed for")
    assert done.stdout == "fine 65534\n", done.stderr


def test_the_server_stays_for_the_second_holder_and_goes_with_the_last(home):
    first = embedded.ensure(home, durable=False)
    second = _hold_elsewhere(home)
    server = state(home, "postgres")["server"]
    first.release()
    assert _ask(embedded.addresses(home).database, "SELECT 1") == "1"
    assert state(home, "postgres")["server"] == server
    second.terminate()
    second.wait()
    _await_no_servers(home)


def test_a_holder_killed_by_force_leaves_nothing_running(home):
    holder = _hold_elsewhere(home)
    assert _processes(home)
    holder.kill()
    holder.wait()
    _await_no_servers(home)


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_a_server_that_dies_is_started_again(home, service):
    with embedded.ensure(home, durable=False):
        before = state(home, service)["server"]
        os.kill(before, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while state(home, service).get("server") in (before, None) and time.monotonic() < deadline:
            time.sleep(0.05)
        place = embedded.addresses(home)
        assert _ask(place.database, "SELECT 1") == "1"
        assert redis.Redis.from_url(place.redis).ping()


def test_everything_killed_by_force_does_not_hurt_the_next_start(home):
    holder = _hold_elsewhere(home)
    with psycopg.connect(embedded.addresses(home).database_owner) as link:
        link.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    for process in (state(home, "postgres")["server"], state(home, "postgres")["keeper"], holder.pid):
        os.kill(process, signal.SIGKILL)
    holder.wait()
    assert (home / "postgres" / "postmaster.pid").exists()
    with embedded.ensure(home, durable=False):
        assert _ask(embedded.addresses(home).database, "SELECT seven FROM kept") == "7"


@pytest.mark.parametrize("then", [signal.SIGCONT, signal.SIGKILL], ids=["recovers", "dies"])
def test_a_hold_is_given_only_once_the_server_answers(home, then):
    """A keeper still there that says its server runs, while the server is dead: it may start it again, or die too."""
    holder = _hold_elsewhere(home)
    running = state(home, "postgres")
    os.kill(running["keeper"], signal.SIGSTOP)
    os.kill(running["server"], signal.SIGKILL)
    later = threading.Timer(1.0, os.kill, (running["keeper"], then))
    later.start()
    with embedded.ensure(home, durable=False):
        assert _ask(embedded.addresses(home).database, "SELECT 1") == "1"
    holder.terminate()
    holder.wait()


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_hurt(home):
    with embedded.ensure(home, redis=False, durable=False):
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (home / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with embedded.ensure(home, redis=False, durable=False):
        assert _ask(embedded.addresses(home).database, "SELECT 1") == "1"
