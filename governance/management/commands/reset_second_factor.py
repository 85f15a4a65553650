"""`manage.py reset_second_factor EMAIL`: for an administrator who lost telephone and codes, and has no other."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.models import Person
from governance.people import factors
from governance.people.actors import CONSOLE
from governance.refusals import Refused


class Command(BaseCommand):
    help = "Takes somebody's second factor and recovery codes away; the log says that it was done from the console."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(email__iexact=options["email"].strip()).first()
        if person is None:
            raise CommandError(f"{options['email']} has no account.")
        try:
            factors.removed(person, by=CONSOLE)
        except Refused as refusal:
            raise CommandError(refusal.sentence) from refusal
        self.stdout.write(f"{person.email} signs in with the password alone until a second factor is set up again.")
