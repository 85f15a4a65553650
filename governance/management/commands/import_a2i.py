"""`manage.py import_a2i FILE [--slug S] [--name N] [--owner O] [--output FILE]`"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from governance.policies import a2i
from governance.policies.systemfile import read_system_file
from governance.refusals import Refused


class Command(BaseCommand):
    help = (
        "Reads the human-loop activation conditions of Amazon A2I (or a flow definition with them) and writes a system "
        "file for `apply`; what it could not carry over is told on standard error. "
        "Exit codes: 0 written; 1 not such conditions; 2 usage."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012  it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON")
        parser.add_argument("--slug", metavar="S", help="the system's slug; made from the file's name without")
        parser.add_argument("--name", metavar="N", help="its name")
        parser.add_argument("--owner", default="owner", metavar="O", help="who answers for it: a name or an address")
        parser.add_argument("--output", metavar="FILE", help="where it is written; standard output without")

    def handle(self, *args: Any, **options: Any) -> None:
        given = Path(options["file"])
        slug = options["slug"] or slugify(given.stem)[:64] or "a2i"
        name = options["name"] or slug.replace("-", " ").capitalize()
        try:
            made = a2i.read(given.read_text(encoding="utf-8"), slug=slug, name=name, owner=options["owner"])
            text = yaml.safe_dump(made.document, sort_keys=False, allow_unicode=True, width=120)
            read_system_file(text, f"{slug}.yaml")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{given} cannot be read: {error}") from error
        except Refused as refused:
            raise CommandError(refused.sentence) from None
        for note in made.notes:
            self.stderr.write(note)
        if options["output"]:
            Path(options["output"]).write_text(text, encoding="utf-8")
        else:
            self.stdout.write(text)
