"""`manage.py create_person EMAIL --role ROLE[:SYSTEM]... [--name NAME] [--password-stdin]`"""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from governance.models import Person, System
from governance.models.people import ROLE_NAMES
from governance.people import accounts
from governance.people.actors import CONSOLE
from governance.refusals import Refused


class Command(BaseCommand):
    help = "Makes an account with its roles; for one that exists, gives the roles and the password that are named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--role", nargs="+", action="extend", default=[], metavar="ROLE[:SYSTEM]",
            help=f"one of {' '.join(ROLE_NAMES)}; without a system it holds in all",
        )  # fmt: skip
        parser.add_argument("--name", default="", help="what she is called; the address's first part when left out")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email} is no e-mail address.") from None
        roles = [_role(text) for text in options["role"]]
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        try:
            with transaction.atomic():
                self._make(email, options["name"] or email.partition("@")[0], roles, password)
        except Refused as refused:
            raise CommandError(refused.sentence) from None

    def _make(self, email: str, name: str, roles: list[tuple[str, System | None]], password: str | None) -> None:
        person = Person.objects.filter(email__iexact=email).first()
        lines = []
        if person is None:
            person = accounts.create(email, name=name, by=CONSOLE)
            lines.append("created")
        for role, system in roles:
            if not person.roles.filter(name=role, system=system).exists():
                accounts.grant_role(person, role, system=system, by=CONSOLE)
                lines.append(f"is {role} of {system.slug if system else 'every system'}")
        if password is not None:
            try:
                validate_password(password, person)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            accounts.set_password(person, password, by=CONSOLE)
            lines.append("password set")
        for line in lines or ["nothing changed"]:
            self.stdout.write(f"{email}: {line}")
        if not person.has_usable_password():
            self.stderr.write(f"{email} cannot sign in yet: give a password with --password-stdin.")


def _role(text: str) -> tuple[str, System | None]:
    name, _, slug = text.partition(":")
    if name not in ROLE_NAMES:
        raise CommandError(f"There is no role {name}. The roles are {', '.join(ROLE_NAMES)}.")
    system = System.objects.filter(slug=slug).first() if slug else None
    if slug and system is None:
        raise CommandError(f"There is no system {slug}.")
    return name, system
