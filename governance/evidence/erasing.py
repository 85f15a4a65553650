"""Erasing what entries commit to: the content and its salt go, the entries and every proof stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal
from uuid import UUID

from governance.evidence import handing
from governance.evidence.record import Draft, record
from governance.models import Entry, Payload
from governance.people.actors import Actor
from governance.refusals import Conflict, Invalid

Why = Literal["request", "retention"]
# An entry has 64 kB; one that names more than this is split by the caller's choice of subjects.
MOST: Final = 400


def erase(
    subjects: Collection[UUID], *, kind: str, id: UUID, system: UUID | None, by: Actor, why: Why, because: str,
    kept_elsewhere: Mapping[UUID, Collection[str]] | None = None,
) -> Draft:  # fmt: skip
    """Deletes the payloads of all entries about `subjects` and writes which they were, on the chain of (`kind`, `id`).

    `kept_elsewhere` names, by entry, further commitments whose content the caller erases in the same transaction.
    Raises Conflict when nothing is left to erase, Invalid without a reason.
    """
    if not because.strip():
        raise Invalid("Say why it is erased.")
    elsewhere = kept_elsewhere or {}
    entries = {entry.pk: entry for entry in Entry.objects.filter(subject__in=subjects).order_by("id")}
    found: dict[UUID, set[str]] = {entry: set(names) for entry, names in elsewhere.items()}
    for entry, name in Payload.objects.filter(entry__in=entries).values_list("entry_id", "name"):
        found.setdefault(entry, set()).add(name)
    if not found:
        raise Conflict("There is nothing left to erase.")
    if len(found) > MOST:
        raise Conflict(f"At most {MOST} entries can be erased at once.")
    erased = [
        {"entry": bytes(entries[entry].leaf_hash).hex(), "names": sorted(names)}
        for entry, names in sorted(found.items())
    ]
    written = record(
        "erased", actor=by, kind=kind, id=id, system=system, causes=[part["entry"] for part in erased[:1]],
        detail={"erased": erased, "why": why}, payloads={"because": because.encode()},
    )  # fmt: skip
    Payload.objects.filter(entry__in=found).delete()
    handing.withdraw(system)
    return written


def committed(entry: Entry) -> list[str]:
    """The names of what an entry commits to."""
    said: dict[str, Any] = json.loads(bytes(entry.leaf))
    return [part["name"] for part in said.get("commitments", ())]
