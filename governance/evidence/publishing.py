"""Handing the log's head to those who keep it outside: once a day by the schedule, or by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from governance import clock
from governance.evidence import log, witness
from governance.evidence.record import record
from governance.models import HeadSent, LogCheckpoint
from governance.people.actors import machine

PUBLISHER = machine("publisher")


class NotHandedOut(RuntimeError):
    """A head did not reach those who keep it; the text says whom."""


def publish_due(today: date | None = None) -> list[str]:
    """Hands the newest head out in each way that the settings name and that has not had one today (UTC); the ways.

    Each way is a transaction of its own that ends with its entry, so what fails is tried again and what went out is not
    sent twice by the schedule. Raises the first failure once every way was tried.
    """
    today = today or clock.now().date()
    done: list[str] = []
    failures: list[Exception] = []
    for way in _ways():
        try:
            if _publish(way, today):
                done.append(way)
        except (OSError, NotHandedOut) as error:  # a mail that cannot be sent is an OSError too
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def _ways() -> list[str]:
    named = {"folder": settings.HEADS_FOLDER, "email": settings.HEADS_EMAIL, "witnesses": settings.WITNESSES}
    return [way for way in HeadSent.WAYS if named[way]]


@transaction.atomic
def _publish(way: str, day: date) -> bool:
    checkpoint = log.latest_checkpoint()
    if checkpoint is None or HeadSent.objects.filter(day=day, way=way).exists():
        return False
    id = clock.new_id()
    entry = record("head_published", actor=PUBLISHER, kind="head", id=id, detail={"size": checkpoint.size, "way": way})
    row = HeadSent(id=id, day=day, way=way, size=checkpoint.size, entry_id=entry.id)
    # Whoever comes second waits here for the first, and then finds that it was done.
    HeadSent.objects.bulk_create([row], ignore_conflicts=True)
    if not HeadSent.objects.filter(pk=id).exists():
        transaction.set_rollback(True)
        return False
    _send(way, checkpoint)
    return True


def _send(way: str, checkpoint: LogCheckpoint) -> None:
    if way == "witnesses":
        said = witness.ask_all([witness.Witness.parse(text) for text in settings.WITNESSES])
        silent = [url for url, answer in said.items() if not answer.startswith("signed")]
        if silent:
            raise NotHandedOut(f"Not signed by {', '.join(silent)}.")
    elif way == "folder" and settings.HEADS_FOLDER:
        keep(settings.HEADS_FOLDER, checkpoint, log.note_of(checkpoint))
    else:
        message(checkpoint, log.note_of(checkpoint), settings.HEADS_EMAIL).send()


def keep(folder: Path, checkpoint: LogCheckpoint, text: str) -> Path:
    """The file that the head was written to. Raises OSError."""
    path = folder / f"{checkpoint.at:%Y-%m-%d}-{checkpoint.size}.txt"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def message(checkpoint: LogCheckpoint, text: str, to: Sequence[str]) -> EmailMessage:
    """The mail: a head to keep, and what it is good for."""
    body = (
        f"This is the signed head of the evidence log {settings.EVIDENCE_ORIGIN} with {checkpoint.size} entries, "
        f"sealed {checkpoint.at:%Y-%m-%d %H:%M} UTC. Keep it: whoever holds it can tell for ever whether anything "
        "before it was changed.\n\n"
        f"    python verify.py watch {settings.PUBLIC_URL}/api/v1/evidence --trust key.txt --state checkpoint.txt\n"
    )
    mail = EmailMessage(f"Evidence log: {checkpoint.size} entries", body, to=list(to))
    mail.attach("checkpoint.txt", text, "text/plain")
    return mail
