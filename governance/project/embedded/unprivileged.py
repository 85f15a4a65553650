"""Running a server as somebody who is not root, where we are root."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from governance.project.embedded.home import Unavailable


class Identity(TypedDict, total=False):
    """What subprocess takes to run a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class User:
    """The account that the embedded servers run as and that owns their data."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> Identity:
        """Keyword arguments for subprocess: empty when this is who we are already."""
        return {} if os.geteuid() == self.uid else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether this user may enter the directory, or run the program, at that path."""
        test = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
        return subprocess.run(test, cwd="/", check=False, **self.identity).returncode == 0  # noqa: S603


def service_user(home: Path) -> User:
    """Who the servers run as: ourselves, or when we are root, the owner of the home, or `nobody` if that is root too.

    PostgreSQL refuses to run as root. Raises Unavailable when there is no such account.
    """
    uid = os.geteuid() or home.stat().st_uid
    try:
        entry = pwd.getpwuid(uid) if uid else pwd.getpwnam("nobody")
    except KeyError as error:
        who = f"number {uid}" if uid else "`nobody`"
        raise Unavailable(
            f"There is no account {who} to run the database as; give {home} to one that exists."
        ) from error
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def require_reachable(home: Path, user: User) -> None:
    """Let the user into the home, never changing a directory above it. Raises Unavailable when it cannot get there."""
    blocked = next((path for path in reversed(home.parents) if not user.reaches(path)), None)
    if blocked:
        raise Unavailable(
            f"The database cannot run as root, and the user {user.name} may not enter {blocked} on the way to {home}. "
            f"Set COUNTERSIGN_HOME to a directory that {user.name} can reach, such as /var/lib/countersign, "
            "or run as an ordinary user."
        )
    if not user.reaches(home):
        home.chmod(home.stat().st_mode | 0o011)


def own_directory(path: Path, user: User) -> None:
    """A directory that belongs to the user alone (mode 700)."""
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != user.uid:
        os.chown(path, user.uid, user.gid)


def package_folder(package: str) -> Path:
    """Where an installed package lies, without running any of it. An empty path when it is not installed."""
    spec = importlib.util.find_spec(package)
    return Path(next(iter(spec.submodule_search_locations or []), "")) if spec else Path("/nonexistent")


def reachable_programs(folder: Path, copies: Path, user: User, *, proof: str) -> Path:
    """The folder of programs, or where the user cannot reach it (a .venv under /root) a copy of it under the home.

    `proof` is a program in it, as a relative path.
    """
    if user.reaches(folder / proof):
        return folder
    package = folder.parent
    copy = copies / package.name / folder.name
    # A wheel keeps the shared libraries of its programs beside the package, and they look for them there.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        _copy_once(libraries, copies / libraries.name)
    _copy_once(folder, copy)
    for directory in (copies, copy.parent):
        directory.chmod(0o755)
    return copy


def _copy_once(source: Path, target: Path) -> None:
    """Copies a folder unless it was copied before; an interrupted copy does not count."""
    if target.is_dir():
        return
    half = target.with_name(f".{target.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(source, half, ignore=shutil.ignore_patterns("*.a", "*.h", "__pycache__"))
    half.rename(target)
