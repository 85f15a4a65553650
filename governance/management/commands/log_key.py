"""`manage.py log_key`: the keys of the evidence log: make one, replace one in two steps, print the public ones."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from governance.evidence import keys
from governance.models import LogKey

_WHAT = {
    "show": "prints the public keys that sign the log now: what an auditor trusts",
    "new": "makes a key where there is none",
    "add": "begins to replace the key: from now on heads carry the signatures of both",
    "retire": "ends it: only the newest key signs",
}


class Command(BaseCommand):
    help = "The keys that sign the evidence log. Public keys are printed, private ones never."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=_WHAT, help="; ".join(f"{name}: {says}" for name, says in _WHAT.items()))
        parser.add_argument(
            "file", type=Path, nargs="?", default=settings.SEALING_KEY_FILE, help="the file of the keys"
        )

    def handle(self, *, what: str, file: Path, **options: Any) -> None:
        origin = settings.EVIDENCE_ORIGIN
        if what == "show":
            for text in LogKey.objects.filter(retired_at=None).order_by("since").values_list("text", flat=True):
                self.stdout.write(text)
            return
        if what == "new" and file.exists():
            raise CommandError(f"{file} exists; `log_key add` begins to replace the key in it.")
        try:
            if what == "new":
                keys.make(file, origin=origin)
            elif what == "add":
                keys.add(file, origin=origin)
            else:
                keys.keep_newest(file, origin=origin)
            for signer in keys.read(file, origin=origin):
                self.stdout.write(str(signer.key))
        except keys.Unsigned as error:
            raise CommandError(str(error)) from error
