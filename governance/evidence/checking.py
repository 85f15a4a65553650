"""Checks on demand of this log: a range verified in bounded pieces, in the background and by
whoever asks for the next ones by hand. Every check, also that of a
bundle from outside (`uploads`), ends with an entry that says what was found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from governance.evidence import log, note, ranges
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.record import record
from governance.models import Check, CheckPart, Person
from governance.people.actors import Actor, machine
from governance.refusals import Conflict, Invalid

MOST_OPEN: Final = 5
MOST_TOLD: Final = 50
KEPT: Final = timedelta(days=30)
GIVEN_UP: Final = timedelta(days=1)
ABANDONED: Final = timedelta(minutes=2)
CHECKER: Final = machine("checker")


@transaction.atomic
def ask(person: Person, first: int, last: int | None) -> Check:
    """A check of the places `first` to `last`, both included (None: the newest), under the newest head. Raises Invalid
    for places that the log has not, Conflict when nothing is sealed or too many checks of hers are open."""
    checkpoint = log.latest_checkpoint()
    if checkpoint is None:
        raise Conflict("Nothing is sealed yet, so there is nothing to check.")
    end = checkpoint.size if last is None else last + 1
    if not 0 <= first < end <= checkpoint.size:
        raise Invalid(f"The log has the places 0 to {checkpoint.size - 1}, and the first comes before the last.")
    make_room(person)
    text = log.note_of(checkpoint)
    return Check.objects.create(person=person, kind="range", head=text, first=first, last=end, of=end - first)


def make_room(person: Person) -> None:
    """Takes her old checks away. Raises Conflict while too many are open. Her row is held, so that of two requests the
    second sees what the first asked for."""
    Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    mine = Check.objects.filter(person=person)
    mine.filter(asked_at__lt=Now() - KEPT).delete()
    mine.filter(ended_at=None, asked_at__lt=Now() - GIVEN_UP).delete()
    if mine.filter(ended_at=None).count() >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} checks of yours are not done yet. Let one of them end first.")


def go_on(check: Check, *, by: Actor, seconds: float = 0.7) -> Check:
    """Verifies further pieces of a range for about so long; the check as it then is. What another window has done
    meanwhile is not done again."""
    began = time.monotonic()
    while check.ended_at is None:
        found, done = _piece(check)
        report = _with(check.report, found)
        as_it_was = Check.objects.filter(pk=check.pk, done=check.done, report=check.report, ended_at=None)
        if done < check.of:
            as_it_was.update(done=done, report=report)
        else:
            end(check, as_it_was, report, by=by, done=done)
        check.refresh_from_db()
        if time.monotonic() - began > seconds:
            break
    return check


def waiting() -> list[UUID]:
    """The ranges that nobody is at, oldest first."""
    return list(Check.objects.filter(_free()).order_by("asked_at").values_list("pk", flat=True)[:20])


def _free() -> Q:
    return Q(kind="range", ended_at=None) & (Q(taken_at=None) | Q(taken_at__lt=Now() - ABANDONED))


def go_on_alone(id: UUID, *, seconds: float) -> bool:
    """Verifies further pieces of a range for about so long with nobody looking on; whether it was not somebody else's.
    Nothing of it stays in memory: whoever goes on later, after a kill too, reads how far it is from the row."""
    if not Check.objects.filter(_free(), pk=id).update(taken_at=Now()):
        return False
    try:
        go_on(Check.objects.get(pk=id), by=CHECKER, seconds=seconds)
    finally:
        Check.objects.filter(pk=id, ended_at=None).update(taken_at=None)
    return True


def _piece(check: Check) -> tuple[ranges.Found, int]:
    """The next piece, and how many entries are behind it then. The head comes first."""
    if not check.report:
        return ranges.examine_head(check.head), 0
    said = Checkpoint.parse(note.take_apart(check.head)[0])
    start = check.first + check.done
    stop = min((start // ranges.PIECE + 1) * ranges.PIECE, check.last)
    return ranges.examine(start, stop, origin=said.origin, size=said.size), stop - check.first


def _with(report: Mapping[str, Any], found: ranges.Found) -> dict[str, Any]:
    """The report with what a piece showed. Entries that several pieces cite are told once."""
    told = [list(each) for each in report.get("findings", ())]
    told += [list(each) for each in found.findings if list(each) not in told]
    counts = dict(report.get("counts", {}))
    for name, count in found.counts.items():
        counts[name] = counts.get(name, 0) + count
    return {"findings": told[:MOST_TOLD], "more": report.get("more", 0) + len(told[MOST_TOLD:]), "counts": counts}


@transaction.atomic
def end(check: Check, as_it_was: Any, report: Mapping[str, Any], *, by: Actor, done: int) -> None:
    """Ends a check with its entry, unless somebody else has: `as_it_was` selects it as long as nobody did."""
    if not as_it_was.select_for_update().exists():
        return
    detail = {
        "kind": check.kind, "from": check.first, "to": check.last, "size": check.size, "sha256": check.digest or None,
        "findings": len(report["findings"]) + report.get("more", 0), "refused": bool(report.get("refused")),
        "asked_by": str(check.person_id),
    }  # fmt: skip
    written = record("checked", actor=by, kind="check", id=check.pk, detail=detail)
    Check.objects.filter(pk=check.pk).update(done=done, report=report, ended_at=Now(), entry=written.id)
    CheckPart.objects.filter(check_of=check).delete()
