"""That evidence was taken away is evidence too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from governance.evidence.record import Draft, record
from governance.evidence.seal import log_id
from governance.people.actors import Actor


@transaction.atomic
def exported(origin: str, manifest: Mapping[str, Any], digest: str, *, by: Actor, system: UUID | None = None) -> Draft:
    """Writes that a bundle with this manifest and SHA-256 was made, and by whom."""
    told = {name: manifest[name] for name in ("kind", "size", "entries", "payloads", "from", "to", "system")}
    return record("exported", actor=by, kind="log", id=log_id(origin), system=system, detail={**told, "sha256": digest})


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
