"""Verifies one bundle that came from outside: run as a process of its own, alone with the verifier, under limits.

    python -I uploaded.py VERIFIER BUNDLE KEYFILE

Prints `PROGRESS done of` while it goes and `REPORT {json}` at the end; `REFUSED {json}` for what is no bundle.
Only the standard library: it must not be able to reach anything of ours.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any

SECONDS, MEMORY, MEMBERS, MOST_BYTES = 30, 1024**3, 400_000, 64 * 1024**2


def limit() -> None:
    """Bounds what this process may take: processor seconds, memory, files written."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def refusal(path: Path) -> str:
    """Why this file is not read at all; empty when it is. A bundle of ours holds nothing compressed, so that its size
    is the size of what comes out."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        return f"It is not a zip file that can be read ({type(error).__name__})."
    if len(members) > MEMBERS:
        return f"It holds {len(members)} files; at most {MEMBERS} are read."
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        return (
            "It holds compressed files. Bundles are written without compression; this one was packed by something else."
        )
    if any(member.flag_bits & 1 for member in members):
        return "It is encrypted."
    if sum(member.file_size for member in members) > MOST_BYTES:
        return "What it says of the sizes of its files cannot be true."
    return ""


def _refuse(why: str) -> None:
    # As JSON: a reason may quote the bundle, and a line of its own would be read as another answer.
    print("REFUSED", json.dumps(why))


def main(verifier: str, bundle: str, keys: str) -> int:
    limit()
    spec = importlib.util.spec_from_file_location("verifier", verifier)
    if spec is None or spec.loader is None:
        return 1
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if why := refusal(Path(bundle)):
        _refuse(why)
        return 3
    try:
        trusted = module.parse_keys(Path(keys).read_text())
        report = module.verify(Path(bundle), trusted, lambda done, of: print("PROGRESS", done, of, flush=True))
        found = module.Bundle(Path(bundle))
        report["head"] = found.text("checkpoint")
        report["manifest"] = {name: found.manifest.get(name) for name in ("kind", "payloads", "size", "from", "to")}
    except (module.NotABundle, module.Bad, UnicodeDecodeError, RecursionError, MemoryError) as error:
        _refuse(str(error) or f"It cannot be read ({type(error).__name__}).")
        return 3
    print("REPORT", json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
