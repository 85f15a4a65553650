"""Writing the log: one call in the transaction of the state change it proves."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from governance import clock
from governance.evidence import leaf
from governance.evidence.leaf import Commitment
from governance.models import Entry, Payload, PolicyVersion
from governance.people.actors import Actor


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has its bytes and its hash but is not written yet."""

    id: UUID
    at: datetime
    type: str
    kind: str
    subject: UUID
    rev: int
    system: UUID | None
    leaf: bytes
    hash: bytes
    payloads: tuple[Commitment, ...] = ()

    def row(self) -> tuple[Any, ...]:
        """The columns of the log's table, in the order of `COLUMNS`."""
        return (self.id, self.at, self.type, self.kind, self.subject, self.rev, self.system, self.leaf)


COLUMNS = ("id", "at", "type", "subject_kind", "subject", "rev", "system", "leaf")
_INSERT = (
    f"INSERT INTO governance_entry ({', '.join(COLUMNS)}) VALUES "  # noqa: S608  only constants
    "(%s, %s, %s, %s, %s, %s, %s, %s)"
)
_LAST = """
SELECT clock_timestamp(), e.rev, e.leaf_hash FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
    SELECT rev, leaf_hash FROM governance_entry WHERE subject = %s::uuid ORDER BY rev DESC LIMIT 1
) AS e ON true"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry is about, and the last entry about it (none for the first); when that was read, if it was."""

    kind: str
    id: UUID
    system: UUID | None = None
    rev: int = 0
    prev: str | None = None
    read_at: datetime | None = None


def draft(
    type: str,
    *,
    actor: Actor | Mapping[str, Any],
    subject: Subject,
    at: datetime | None = None,
    causes: Sequence[str] = (),
    policy: Mapping[str, Any] | None = None,
    commitments: Sequence[Commitment] = (),
    keep: bool = True,
    entry: UUID | None = None,
    **facts: Any,
) -> Draft:
    """An entry of `type` about `subject`, following the one that `subject.prev` names. `entry` is its id, where the
    guarded UPDATE that it proves had to name it beforehand. Without `at` it is of the time at which `subject` was read.

    `causes` are leaf hashes in hex. `facts` become further members (`gate`, `decision`, `detail`). Commitments are
    written into the leaf; their content is kept with the entry unless `keep` is false (an output keeps its own).
    Raises MalformedLeaf when a fact has no canonical form.
    """
    id, at = entry or clock.new_id(), at or subject.read_at or clock.now()
    members: dict[str, Any] = {
        "v": 1,
        "log": settings.EVIDENCE_ORIGIN,
        "id": str(id),
        "at": leaf.time_text(at),
        "type": type,
        "actor": actor.as_json() if isinstance(actor, Actor) else actor,
        "subject": {"kind": subject.kind, "id": str(subject.id), "rev": subject.rev + 1, "prev": subject.prev},
        "causes": list(causes),
        **facts,
    }
    if policy is not None:
        members["policy"] = policy
    if commitments:
        members["commitments"] = [c.as_json() for c in commitments]
    content = leaf.leaf_bytes(members)
    return Draft(
        id, at, type, subject.kind, subject.id, subject.rev + 1, subject.system, content, leaf.leaf_hash(content),
        tuple(commitments) if keep else (),
    )  # fmt: skip


def subject(kind: str, id: UUID, *, system: UUID | None = None) -> Subject:
    """The subject with its newest entry looked up. The caller holds the subject's row, so that nobody else appends."""
    asked = clock.steady()
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [id])
        now, rev, prev = cursor.fetchone()
    clock.hear(now, asked=asked)
    return Subject(kind, id, system, rev or 0, bytes(prev).hex() if prev else None, now)


def record(
    type: str, *, actor: Actor, kind: str, id: UUID, system: UUID | None = None,
    payloads: Mapping[str, bytes] | None = None, **facts: Any,
) -> Draft:  # fmt: skip
    """Appends one entry about the row (`kind`, `id`) in the running transaction, and returns it.

    `payloads` are kept apart under fresh salts and committed to. The rest is `draft`'s.
    """
    commitments = [Commitment(name, os.urandom(32), content) for name, content in (payloads or {}).items()]
    entry = draft(type, actor=actor, subject=subject(kind, id, system=system), commitments=commitments, **facts)
    write([entry])
    return entry


def write(drafts: Iterable[Draft]) -> None:
    """Appends entries in the running transaction. Each chain's entries come in their order."""
    drafts = list(drafts)
    with connection.cursor() as cursor:
        if len(drafts) == 1:
            cursor.execute(_INSERT, drafts[0].row())
        else:
            cursor.executemany(_INSERT, [entry.row() for entry in drafts])
    kept = [Payload(entry_id=e.id, name=c.name, salt=c.salt, content=c.content) for e in drafts for c in e.payloads]
    if kept:
        Payload.objects.bulk_create(kept)


def policy_part(version: PolicyVersion, *, slug: str) -> dict[str, Any]:
    """The `policy` member: which document was in force, and the entry that put it there (its leaf hash)."""
    return {
        "system": slug,
        "version": version.number,
        "digest": version.digest,
        "entry": hash_of(version.activation_id) if version.activation_id else None,
    }


def hash_of(entry: UUID) -> str:
    """The leaf hash, in hex, of an entry that exists."""
    return bytes(Entry.objects.values_list("leaf_hash", flat=True).get(pk=entry)).hex()
