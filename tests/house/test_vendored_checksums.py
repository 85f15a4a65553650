"""What others made is what they published, listed with version and licence; nothing unlisted lies beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "static/vendor"


def listed() -> dict[str, tuple[str, str, str]]:
    """Path → (package and version, licence, sha256) as CHECKSUMS says."""
    rows = {}
    for line in (VENDOR / "CHECKSUMS").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        package, licence, digest, path = (cell.strip() for cell in line.split("|"))
        assert path not in rows, f"{path} is listed twice"
        rows[path] = (package, licence, digest)
    return rows


@pytest.mark.parametrize("path", sorted(listed()))
def test_a_vendored_file_is_what_the_list_says(path: str) -> None:
    package, licence, digest = listed()[path]
    assert package
    assert licence
    assert hashlib.sha256((VENDOR / path).read_bytes()).hexdigest() == digest


def test_no_file_is_vendored_without_being_listed() -> None:
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert there - {"CHECKSUMS"} == set(listed())


def test_every_vendored_package_comes_with_its_licence() -> None:
    for folder in (entry for entry in VENDOR.iterdir() if entry.is_dir()):
        assert (folder / "LICENSE").stat().st_size > 100, folder.name
