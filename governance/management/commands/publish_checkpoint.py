"""`manage.py publish_checkpoint`: hands the newest signed head to those who keep it outside."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from governance.evidence import log, publishing, witness
from governance.evidence.note import NotVerified


class Command(BaseCommand):
    help = "Hands the newest head of the log out now; the schedule does it daily where the settings say whereto."

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
            try:
                self.stdout.write(str(publishing.keep(folder, checkpoint, text)))
            except OSError as error:
                raise CommandError(f"{folder} cannot be written: {error.strerror}.") from error
        if email:
            publishing.message(checkpoint, text, email).send()
            self.stdout.write(f"Sent to {', '.join(email)}.")
        if went_wrong:
            sys.exit(1)


def _witnesses() -> list[witness.Witness]:
    try:
        return [witness.Witness.parse(text) for text in settings.WITNESSES]
    except NotVerified as error:
        raise CommandError(f"COUNTERSIGN_WITNESSES: {error}") from error
