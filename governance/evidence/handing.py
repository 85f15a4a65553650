"""Evidence handed out from the page: a bundle is asked for, written by a process of its own, and kept for a day.

Only a whole file is ever offered: its pieces count from the moment at which one transaction says that it is there, with
its entry, for the attempt that wrote them. Who was killed meanwhile is followed by another attempt.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from governance import clock
from governance.evidence import bundle, exporting, log
from governance.evidence.bundle import Selection
from governance.evidence.record import hash_of, record
from governance.models import Bundle, BundlePart, Person, System
from governance.people.actors import Actor, machine
from governance.refusals import Conflict, Invalid, Refused

MOST_OPEN: Final = 2
MOST_ENTRIES: Final = 50_000
MOST_BYTES: Final = 2 * 1024**3
PART: Final = 1024 * 1024
KEPT: Final = timedelta(days=1)
TOLD: Final = timedelta(days=30)
ABANDONED: Final = timedelta(minutes=4)
TRIES: Final = 4
WRITER: Final = machine("bundles")
_LOCK: Final = 0x6275_6E64  # "bund": whoever erases, and whoever makes a file public
_SIGN_OF_LIFE: Final = 2.0


class _Lost(Exception):
    """Somebody else writes it by now."""


@transaction.atomic
def ask(
    person: Person, selection: Selection, *, payloads: str, by: Actor, about: str = "",
    systems: Collection[UUID] = (),
) -> Bundle:  # fmt: skip
    """A request for a bundle, to be written in the background. `systems` are those of its subjects. Raises Invalid for
    a selection that means nothing, Conflict when nothing is sealed or two of hers are being written."""
    if selection.since and selection.until and selection.since >= selection.until:
        raise Invalid("The first day comes before the last.")
    if payloads not in Bundle.PAYLOADS:
        raise Invalid("Choose what of the contents comes along.")
    if log.latest_checkpoint() is None:
        raise Conflict("Nothing is sealed yet, so there is nothing to hand out.")
    # Her row is held, so that of two requests the second sees what the first asked for.
    Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    mine = Bundle.objects.filter(person=person)
    mine.filter(asked_at__lt=Now() - TOLD).delete()
    if mine.filter(ended_at=None).count() >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} bundles of yours are not written yet. Let one of them be done first.")
    system = System.objects.get(pk=selection.system) if selection.system else None
    id, about = clock.new_id(), about.replace("\0", "")[:500]
    detail = {
        "payloads": payloads, "system": system.slug if system else None, "subjects": len(selection.subjects),
        "from": _text(selection.since), "to": _text(selection.until),
    }  # fmt: skip
    entry = record(
        "bundle_asked", actor=by, kind="bundle", id=id, system=system.pk if system else None, detail=detail,
        payloads={"about": about.encode()} if about else None,
    )  # fmt: skip
    return Bundle.objects.create(
        id=id, person=person, system=system, since=selection.since, until=selection.until, about=about,
        systems=[system.pk] if system else sorted(systems), subjects=sorted(selection.subjects), payloads=payloads,
        entry_id=entry.id,
    )  # fmt: skip


def _text(moment: Any) -> str | None:
    return bundle.time_text(moment) if moment else None


def begin() -> tuple[UUID, int] | None:
    """Takes the oldest request that nobody is at, for a process that the caller starts: its id and which attempt it is.
    None when there is none, or somebody is at another: they are written in turn."""
    if Bundle.objects.filter(ended_at=None, taken_at__gte=Now() - ABANDONED).exists():
        return None
    oldest = Bundle.objects.filter(_free()).order_by("asked_at").values_list("pk", flat=True).first()
    attempt = oldest and _taken(oldest)
    return (oldest, attempt) if oldest and attempt else None


def _taken(id: UUID) -> int | None:
    """Which attempt this is; None when somebody else is at it."""
    with transaction.atomic():
        if not Bundle.objects.filter(_free(), pk=id).update(taken_at=Now(), attempt=F("attempt") + 1):
            return None
        return Bundle.objects.values_list("attempt", flat=True).get(pk=id)


def _free() -> Q:
    return Q(ended_at=None) & (Q(taken_at=None) | Q(taken_at__lt=Now() - ABANDONED))


def write(id: UUID, attempt: int | None = None) -> bool:
    """Writes one of them to its end, as the attempt that was begun for it or as one of its own; False when it is
    somebody else's by now."""
    attempt = attempt or _taken(id) or 0
    asked = Bundle.objects.select_related("system").filter(pk=id, attempt=attempt, ended_at=None).first()
    if asked is None:
        return False
    BundlePart.objects.filter(bundle=asked, attempt__lt=asked.attempt).delete()
    erasures = bundle.erasures()
    try:
        if asked.attempt > TRIES:
            raise Conflict("It was begun several times and never came to its end. Ask for a smaller part of the log.")
        return _written(asked, erasures)
    except Refused as refusal:
        if bundle.erasures() != erasures:
            return _once_more(asked)
        return bool(_own(asked).update(ended_at=Now(), refused=refusal.sentence[:300]))
    except _Lost:
        BundlePart.objects.filter(bundle=id, attempt=asked.attempt).delete()
        return False


def _once_more(asked: Bundle) -> bool:
    return bool(_own(asked).update(taken_at=None))


def _own(asked: Bundle) -> models.QuerySet[Bundle]:
    """The row, as long as this attempt is the newest and not at its end."""
    return Bundle.objects.filter(pk=asked.pk, attempt=asked.attempt, ended_at=None)


def _written(asked: Bundle, erasures: int) -> bool:
    alive, slug = _alive(asked), asked.system.slug if asked.system else None
    chosen = Selection(asked.since, asked.until, asked.system_id, frozenset(asked.subjects))
    # A file without a name: of whoever is killed nothing stays.
    with tempfile.TemporaryFile(dir=settings.HOME) as file:
        # A whole log is written as it is read; of a selection all entries are in memory, so there only so many.
        manifest, digest = exporting.write(
            file, chosen, payloads=asked.payloads, system=slug, say=alive, most=MOST_ENTRIES
        )  # fmt: skip
        size = file.seek(0, 2)
        if size > MOST_BYTES:
            raise Conflict(
                f"The bundle has {size // 1024**2:,} MiB, more than is handed out here. Ask for a part of the log, or"
                " have `manage.py export_evidence` write the whole."
            )
        file.seek(0)
        for number, content in enumerate(iter(lambda: file.read(PART), b"")):
            BundlePart.objects.create(bundle=asked, attempt=asked.attempt, number=number, content=content)
            alive(asked.of, asked.of)
    return _offered(asked, manifest, digest, size, erasures)


def _alive(asked: Bundle) -> Callable[[int, int], None]:
    """Says how far it is, every two seconds. Raises _Lost once this attempt is not the one that counts."""
    last = 0.0

    def say(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SIGN_OF_LIFE:
            last, asked.of = time.monotonic(), of
            if not _own(asked).update(taken_at=Now(), done=done, of=of):
                raise _Lost

    return say


@transaction.atomic
def _offered(asked: Bundle, manifest: dict[str, Any], digest: str, size: int, erasures: int) -> bool:
    """From here on the file is there, unless something was erased since it was begun: then it is written again."""
    _lock(shared=False)
    if not _own(asked).select_for_update(of=("self",)).exists():
        raise _Lost
    if asked.payloads != "none" and bundle.erasures() != erasures:
        return _once_more(asked)
    entry = exporting.exported(
        settings.EVIDENCE_ORIGIN, manifest, digest, by=WRITER, system=asked.system_id, asked=asked.pk,
        causes=[hash_of(asked.entry_id)], asked_by=str(asked.person_id),
    )  # fmt: skip
    return bool(
        _own(asked).update(ended_at=Now(), manifest=manifest, digest=digest, size=size, entry=entry.id, done=F("of"))
    )


def is_ready(asked: Bundle) -> bool:
    """Whether its file can be had."""
    return _ready().filter(pk=asked.pk).exists()


def _ready() -> models.QuerySet[Bundle]:
    return Bundle.objects.filter(ended_at__gt=Now() - KEPT, refused="", withdrawn_at=None)


def take(asked: Bundle, *, by: Actor) -> Iterator[bytes]:
    """The file, piece by piece; that it was taken is evidence before the first byte. Raises Conflict when it cannot be
    had (any more), also between two pieces: what was begun then breaks off, shorter than it was said to be."""
    with transaction.atomic():
        row = _ready().select_for_update(of=("self",)).filter(pk=asked.pk).first()
        if row is None:
            raise Conflict("This file is not there (any more). Ask for it anew.")
        entry = record(
            "bundle_taken", actor=by, kind="bundle", id=row.pk, system=row.system_id, causes=[hash_of(row.entry_id)],
            detail={"sha256": row.digest, "bytes": row.size},
        )  # fmt: skip
        Bundle.objects.filter(pk=row.pk).update(entry=entry.id)
    return _pieces(row)


def _pieces(row: Bundle) -> Iterator[bytes]:
    for number in range(-(-row.size // PART)):
        parts = BundlePart.objects.filter(bundle=row, attempt=row.attempt, number=number, bundle__withdrawn_at=None)
        content = parts.values_list("content", flat=True).first()
        if content is None:
            raise Conflict("The file was withdrawn while it was taken.")
        yield bytes(content)


def withdraw(system: UUID | None) -> None:
    """Takes back the files that may hold what is being erased in this system (None: of a person); in the transaction
    of the erasure. A file that is being finished meanwhile is written anew."""
    _lock(shared=True)
    held = Bundle.objects.exclude(ended_at=None).exclude(payloads="none").filter(withdrawn_at=None)
    if system is not None:
        held = held.filter(Q(systems=[]) | Q(systems__contains=[system]))
    ids = list(held.values_list("pk", flat=True))
    if ids:
        Bundle.objects.filter(pk__in=ids).update(withdrawn_at=Now())
        BundlePart.objects.filter(bundle__in=ids).delete()


def sweep() -> None:
    """Deletes the pieces of files that are not offered any more."""
    old = Bundle.objects.filter(ended_at__lt=Now() - KEPT).values("pk")
    BundlePart.objects.filter(bundle__in=old).delete()


def _lock(*, shared: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(%s)", [_LOCK])
