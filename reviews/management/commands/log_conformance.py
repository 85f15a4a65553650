"""`manage.py log_conformance DIR`: runs published test vectors on the log, the verifier and the webhooks."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.evidence import conformance
from governance.evidence.conformance import Tally
from reviews.delivery import signing


class Command(BaseCommand):
    help = "Runs the test vectors in a folder: exit 0 when all pass, 1 when one does not, or none is there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="laid out as the vectors' authors publish them")

    def handle(self, *, folder: Path, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        tallies = [*conformance.run(folder), _webhooks(folder)]
        for tally in tallies:
            passed = tally.total - len(tally.wrong)
            self.stdout.write(
                f"{passed}/{tally.total}  {tally.source}{'' if tally.total else '  (not in this folder)'}"
            )
            for what in tally.wrong:
                self.stdout.write(f"    otherwise: {what}")
        if any(tally.wrong for tally in tallies) or not any(tally.total for tally in tallies):
            sys.exit(1)


def _webhooks(folder: Path) -> Tally:
    tally = Tally("Standard Webhooks signatures")
    for path in folder.glob("standard-webhooks/vector.json"):
        case = json.loads(path.read_text())
        made = signing.headers(
            case["msg_id"], timestamp=case["timestamp"], body=case["payload"].encode(), secrets=[case["secret"]]
        )
        tally.expect(made["webhook-signature"] == case["signature"], "the signature")
    return tally
