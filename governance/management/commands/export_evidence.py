"""`manage.py export_evidence`: writes a bundle that anybody can check without this program."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from governance.evidence import bundle, exporting, handing
from governance.models import System
from governance.people.actors import CONSOLE
from governance.refusals import Refused


class Command(BaseCommand):
    help = "Writes a self-contained bundle of the sealed log, or of a part of it with proofs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--output", type=Path, metavar="FILE", help="the zip file to write")
        what.add_argument("--asked", type=UUID, metavar="ID", help="write the bundle that was asked for on the page")
        parser.add_argument("--attempt", type=int, metavar="N", help="with --asked: the attempt that was begun for it")
        parser.add_argument("--from", dest="since", metavar="D", help="entries from this day or moment on (UTC)")
        parser.add_argument("--to", dest="until", metavar="D", help="entries before this day or moment (UTC)")
        parser.add_argument("--system", metavar="S", help="entries of one system, and all that they cite")
        parser.add_argument(
            "--payloads", choices=["all", "gate", "none"], default="all",
            help="what is disclosed of the content that entries commit to; gate: what the policy's conditions read",
        )  # fmt: skip

    def handle(
        self, *, output: Path | None, asked: UUID | None, since: str | None, until: str | None, system: str | None,
        payloads: str, attempt: int | None = None, **options: Any,
    ) -> None:  # fmt: skip
        if output is None:
            if asked is None or not handing.write(asked, attempt):
                raise CommandError("Nobody waits for this bundle, or somebody else is writing it.")
            return
        found = System.objects.filter(slug=system).first() if system else None
        if system and found is None:
            raise CommandError(f"There is no system {system}.")
        selection = bundle.Selection(_moment(since), _moment(until), found.pk if found else None)
        fresh = output.with_name(f".{output.name}.half")
        try:
            with (
                Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress,
                fresh.open("w+b") as file,
            ):
                task = progress.add_task("Writing", total=None)
                manifest, digest = exporting.write(
                    file, selection, payloads=payloads, system=system,
                    say=lambda done, of: progress.update(task, completed=done, total=of),
                )  # fmt: skip
            exporting.exported(
                settings.EVIDENCE_ORIGIN, manifest, digest, by=CONSOLE, system=found.pk if found else None
            )
            fresh.rename(output)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        except Refused as refusal:
            raise CommandError(refusal.sentence) from refusal
        finally:
            fresh.unlink(missing_ok=True)
        self.stdout.write(f"{manifest['entries']:,} entries under a head of {manifest['size']:,} in {output}.")
        self.stdout.write(f"SHA-256 {digest}")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no day or moment, such as 2026-11-21 or 2026-11-21T14:00Z.") from error
    if len(text) == 10:
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
