"""`manage.py verify_evidence`: recomputes the whole log from its rows."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from governance.evidence import note, verification
from governance.tuning import recompute


class Command(BaseCommand):
    help = (
        "Recomputes the evidence log from its rows: exit 0 and a count, or 1 and the first entries that do not verify."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")
        parser.add_argument(
            "--trust", type=Path, metavar="KEYFILE", help="public keys, one a line, to check heads with"
        )

        parser.add_argument("--certificates", action="store_true", help="compute every certificate again as well")

    def handle(self, *, json: bool, trust: Path | None, certificates: bool, **options: Any) -> None:
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
            task = progress.add_task("Verifying", total=None)
            report = verification.verify(
                lambda done, of: progress.update(task, completed=done, total=of), trusted=_keys(trust) if trust else ()
            )
        if certificates:
            wrong = recompute.certificates()
            report["certificates"] = recompute.count()
            report["findings"] += [{"rule": "certificate", "where": each.system, "says": str(each)} for each in wrong]
        self.stdout.write(_json(report) if json else _told(report))
        if report["findings"]:
            sys.exit(1)


def _keys(path: Path) -> list[note.Key]:
    try:
        return [note.Key.parse(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, note.NotVerified) as error:
        raise CommandError(f"The key file cannot be used: {error}") from error


def _json(report: dict[str, Any]) -> str:
    return json.dumps({**report, "verified": not report["findings"]}, indent=2)


def _told(report: dict[str, Any]) -> str:
    lines = [f"{each['rule']}: {each['where']}: {each['says']}." for each in report["findings"]]
    count = f"{report['entries']:,} entries of {report['origin'] or 'an empty log'}"
    waiting = f", {report['pending']:,} more wait for their seal" if report["pending"] else ""
    if not lines:
        certificates = f" {report['certificates']:,} certificates computed again." if "certificates" in report else ""
        return f"Verified: {count}{waiting}.{certificates}"
    return "\n".join([f"DOES NOT VERIFY: {count}{waiting}.", *lines])
