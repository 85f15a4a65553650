"""`manage.py apply FILE... [--as EMAIL] [--activate --because TEXT]`"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.models import Person
from governance.people import actors
from governance.people.actors import Actor
from governance.policies import applying
from governance.policies.systemfile import SystemFile, read_system_file
from governance.refusals import Refused


class Command(BaseCommand):
    help = "Reads system files, and makes what they say true: a new policy text becomes a proposal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="YAML or JSON, one system each")
        parser.add_argument("--as", dest="email", metavar="EMAIL", help="the person who applies it")
        parser.add_argument("--activate", action="store_true", help="put a system's first policy in force, unapproved")
        parser.add_argument("--because", default="", metavar="TEXT", help="why; needed with --activate")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["activate"] and not options["because"].strip():
            raise CommandError("--activate needs --because TEXT.", returncode=2)
        # All are read before any is applied, so that a mistake in the last does not leave the first half done.
        files = [self._read(name) for name in options["files"]]
        by = None if not Person.objects.exists() else _actor(options["email"])
        for file in files:
            try:
                lines = self._applied(file, by, options)
            except Refused as refused:
                self._tell(refused)
                raise CommandError(f"{file.system.slug}: {refused.sentence}") from None
            for line in lines or ["nothing changed"]:
                self.stdout.write(f"{file.system.slug}: {line}")

    def _applied(self, file: SystemFile, by: Actor | None, options: dict[str, Any]) -> list[str]:
        if by is not None:
            return applying.apply(file, by=by, activate=options["activate"], because=options["because"])
        owner = Person.objects.filter(name=file.system.owner).first()
        made = owner is None
        owner = owner or applying.owner_of(file)
        lines = [f"owner {owner.email} created: give a password with create_person"] if made else []
        acting = actors.person(owner, auth="console")
        return lines + applying.apply(file, by=acting, activate=options["activate"], because=options["because"])

    def _read(self, name: str) -> SystemFile:
        try:
            return read_system_file(Path(name).read_text(encoding="utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{name} cannot be read: {error}") from error
        except Refused as refused:
            self._tell(refused)
            raise CommandError(f"{name} is not valid; nothing was changed.") from None

    def _tell(self, refused: Refused) -> None:
        for error in refused.errors:
            self.stderr.write(error.detail)


def _actor(email: str | None) -> Actor:
    if not email:
        raise CommandError("Say who applies it: --as EMAIL.", returncode=2)
    person = Person.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        raise CommandError(f"Nobody has an account as {email}.")
    return actors.person(person, auth="console")
