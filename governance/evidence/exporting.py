"""Bundles on their way out, and that evidence was taken away is evidence too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO
from uuid import UUID

from django.db import transaction

from governance.evidence import bundle
from governance.evidence.bundle import Say, Selection
from governance.evidence.record import Draft, record
from governance.evidence.seal import log_id
from governance.people.actors import Actor


def write(
    file: BinaryIO, selection: Selection, *, payloads: str, system: str | None, say: Say | None = None,
    most: int | None = None,
) -> tuple[dict[str, Any], str]:  # fmt: skip
    """Writes the bundle (`bundle.write`) to this file, which can be read too; its manifest and its SHA-256 in hex."""
    manifest = bundle.write(file, selection, payloads=payloads, system=system, say=say, most=most)
    file.seek(0)
    # Its stubs ask for more than the reading that it does.
    return manifest, hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


@transaction.atomic
def exported(
    origin: str, manifest: Mapping[str, Any], digest: str, *, by: Actor, system: UUID | None = None,
    asked: UUID | None = None, causes: Sequence[str] = (), **facts: Any,
) -> Draft:  # fmt: skip
    """Writes that a bundle with this manifest and SHA-256 was made, and by whom: on the chain of the request that it
    was `asked` for by, else on that of the log."""
    told = {name: manifest[name] for name in ("kind", "size", "entries", "payloads", "from", "to", "system")}
    kind, id = ("log", log_id(origin)) if asked is None else ("bundle", asked)
    return record(
        "exported", actor=by, kind=kind, id=id, system=system, causes=causes,
        detail={**told, "sha256": digest, **facts},
    )  # fmt: skip


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
