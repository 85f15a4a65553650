"""`manage.py publish_checkpoint`: hands the newest signed head to those who keep it outside."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand, CommandError

from governance.evidence import log, witness
from governance.evidence.note import NotVerified
from governance.models import LogCheckpoint


class Command(BaseCommand):
    help = "Hands the newest head of the log out: run it daily. What is kept outside nobody here can rewrite."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, metavar="DIR", help="writes a file named after the day and the size")
        parser.add_argument("--email", nargs="+", metavar="ADDRESS", help="sends it as a mail")
        parser.add_argument("--witnesses", action="store_true", help="asks those of COUNTERSIGN_WITNESSES to sign it")

    def handle(self, *, folder: Path | None, email: list[str] | None, witnesses: bool, **options: Any) -> None:
        checkpoint = log.latest_checkpoint()
        if checkpoint is None:
            raise CommandError("Nothing is sealed yet.")
        went_wrong = False
        if witnesses:
            for url, said in witness.ask_all(_witnesses()).items():
                self.stdout.write(f"{url}: {said}")
                went_wrong |= not said.startswith("signed")
        text = log.note_of(checkpoint)
        if folder:
            self.stdout.write(str(kept_in(folder, checkpoint, text)))
        if email:
            message(checkpoint, text, email).send()
            self.stdout.write(f"Sent to {', '.join(email)}.")
        if went_wrong:
            sys.exit(1)


def _witnesses() -> list[witness.Witness]:
    try:
        return [witness.Witness.parse(text) for text in settings.WITNESSES]
    except NotVerified as error:
        raise CommandError(f"COUNTERSIGN_WITNESSES: {error}") from error


def kept_in(folder: Path, checkpoint: LogCheckpoint, text: str) -> Path:
    """The file that the head was written to."""
    path = folder / f"{checkpoint.at:%Y-%m-%d}-{checkpoint.size}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def message(checkpoint: LogCheckpoint, text: str, to: list[str]) -> EmailMessage:
    """The mail: a head to keep, and what it is good for."""
    body = (
        f"This is the signed head of the evidence log {settings.EVIDENCE_ORIGIN} with {checkpoint.size} entries, "
        f"sealed {checkpoint.at:%Y-%m-%d %H:%M} UTC. Keep it: whoever holds it can tell for ever whether anything "
        "before it was changed.\n\n"
        "    python verify.py watch https://…/api/v1/evidence --trust key.txt --state this.txt\n"
    )
    mail = EmailMessage(f"Evidence log: {checkpoint.size} entries", body, to=to)
    mail.attach("checkpoint.txt", text, "text/plain")
    return mail
