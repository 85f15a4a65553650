"""`manage.py create_api_key --name N --system S --scope SCOPE... [--person EMAIL]`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.models import ApiKey, Person, System
from governance.people import keys
from governance.people.actors import CONSOLE
from governance.refusals import Refused


class Command(BaseCommand):
    help = "Makes an API key and prints it, once and alone, on standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what or whom it is for")
        parser.add_argument("--system", required=True, metavar="SLUG")
        parser.add_argument(
            "--scope", required=True, nargs="+", action="extend", metavar="SCOPE", help=" ".join(ApiKey.SCOPES)
        )
        parser.add_argument("--person", metavar="EMAIL", help="the person it acts for, with no more rights than hers")

    def handle(self, *args: Any, **options: Any) -> None:
        system = System.objects.filter(slug=options["system"]).first()
        if system is None:
            raise CommandError(f"There is no system {options['system']}.")
        person = None
        if options["person"]:
            person = Person.objects.filter(email__iexact=options["person"], is_active=True).first()
            if person is None:
                raise CommandError(f"Nobody has an account as {options['person']}.")
        try:
            key, secret = keys.create(
                options["name"], system=system, scopes=options["scope"], by=CONSOLE, person=person
            )
        except Refused as refused:
            raise CommandError(refused.sentence) from None
        self.stderr.write(f"{key.name} opens {system.slug}: {', '.join(key.scopes)}. The key is not shown again.")
        self.stdout.write(secret)
