"""The private keys that sign checkpoints: a file of mode 0600, read by the sealer alone.

Each line is one key. While a key is being replaced the file has two lines, and checkpoints carry two signatures.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from governance.evidence.note import LOG_KEY, NotVerified, Signer

MOST_KEYS: Final = 4


class Unsigned(RuntimeError):
    """The log cannot be signed here; the text tells the person at the terminal why."""


def read(path: Path, *, origin: str) -> list[Signer]:
    """The keys of the file, the newest last. Raises Unsigned when it cannot be read, is open to others, or holds
    something else."""
    try:
        mode, text = path.stat().st_mode, path.read_text()
    except OSError as error:
        raise Unsigned(f"The key of the log cannot be read from {path}: {error.strerror}.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise Unsigned(f"The key of the log in {path} can be read by others: make it mode 600.")
    return parse(text, origin=origin)


def parse(text: str, *, origin: str) -> list[Signer]:
    """The keys of a text, one a line. Raises Unsigned."""
    try:
        signers = [Signer.parse(line) for line in text.splitlines() if line.strip()]
    except NotVerified as error:
        raise Unsigned(str(error)) from error
    if not 0 < len(signers) <= MOST_KEYS:
        raise Unsigned(f"The log is signed with 1 to {MOST_KEYS} keys.")
    if any(signer.name != origin or signer.kind != LOG_KEY for signer in signers):
        raise Unsigned(f"A key of this log carries its name, {origin}.")
    return signers


def make(path: Path, *, origin: str) -> None:
    """Makes a key where there is none; of two processes only one succeeds, and both read what it wrote."""
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            _write_new(path, Signer.make(origin).as_text() + "\n")


def add(path: Path, *, origin: str) -> Signer:
    """Appends a new key to the file: from now on checkpoints carry the signatures of both."""
    signers = [*read(path, origin=origin), Signer.make(origin)]
    _replace(path, signers)
    return signers[-1]


def keep_newest(path: Path, *, origin: str) -> Signer:
    """Takes every key but the newest out of the file."""
    newest = read(path, origin=origin)[-1]
    _replace(path, [newest])
    return newest


def _replace(path: Path, signers: list[Signer]) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write(fresh, "".join(f"{signer.as_text()}\n" for signer in signers))
    fresh.rename(path)


def _write_new(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write(fresh, text)
    try:
        os.link(fresh, path)
    finally:
        fresh.unlink()


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
