"""`manage.py halt --system S --as EMAIL --because TEXT`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.models import Person, System
from governance.people import actors
from governance.policies import halting
from governance.refusals import Refused


class Command(BaseCommand):
    help = (
        "Stops every release of a system at once, in every process and through restarts, until an approver lifts it on "
        "the system's page. What people decide meanwhile is kept and told then. "
        "Exit codes: 0 halted; 1 refused; 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--system", required=True, metavar="SLUG")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL", help="who halts it")
        parser.add_argument(
            "--because", required=True, metavar="TEXT", help="why; it stands on the page and in the log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        system = System.objects.filter(slug=options["system"]).first()
        if system is None:
            raise CommandError(f"There is no system {options['system']}.")
        person = Person.objects.filter(email__iexact=options["email"], is_active=True).first()
        if person is None:
            raise CommandError(f"Nobody has an account as {options['email']}.")
        by = actors.person(person, system=system.pk, auth="console")
        try:
            made = halting.halt(system, by=by, because=options["because"])
        except Refused as refused:
            raise CommandError(refused.sentence) from None
        self.stdout.write(
            f"{system.slug}: halted since {made.halted_at:%Y-%m-%d %H:%M:%S} UTC; nothing goes out alone."
        )
