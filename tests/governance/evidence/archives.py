"""Bundles in tests: as a mapping of names to bytes, so that one can be changed like a forger would."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from governance.evidence import bundle, verifier
from governance.evidence.bundle import Selection


def made(selection: Selection | None = None, **how: Any) -> dict[str, bytes]:
    """The members of a bundle of the log as it stands."""
    file = io.BytesIO()
    bundle.write(file, selection or Selection(), **how)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def kept(members: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def checked(members: dict[str, bytes], folder: Path, keys: Any) -> dict[str, Any]:
    """The report on a bundle, with the keys trusted."""
    trusted = verifier.parse_keys("\n".join(str(key) for key in keys))
    return verifier.verify(kept(members, folder / "bundle.zip"), trusted, lambda done, of: None)


def rules(report: dict[str, Any]) -> set[str]:
    return {each["rule"] for each in report["findings"]}


def entries(members: dict[str, bytes]) -> list[dict[str, Any]]:
    """What the entries of a whole bundle of less than 256 say."""
    from governance.evidence import tiles

    (name,) = [name for name in members if name.startswith("tile/entries/")]
    return [json.loads(leaf) for leaf in tiles.unbundle(members[name])]
