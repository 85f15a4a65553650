"""`manage.py erase`: erases the content of outputs, or a person, and writes into the log that it was done."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from governance.models import Person, System
from governance.people import actors
from governance.people.actors import CONSOLE, Actor
from governance.people.erasing import erase_person
from governance.refusals import Refused
from reviews import erasing

CHUNK = 500


class Command(BaseCommand):
    help = "Erases content for good: of outputs, of a person, or what a system has kept for long enough."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--output", type=UUID, nargs="+", metavar="ID", help="the content of these outputs")
        what.add_argument("--person", metavar="EMAIL", help="the name and address of a person; her account ends")
        what.add_argument("--system", metavar="SLUG", help="with --older-than: what this system has kept longer")
        parser.add_argument("--older-than", type=int, metavar="DAYS", help="days since an output was received")
        parser.add_argument("--because", required=True, metavar="TEXT", help="why; erasable itself")
        parser.add_argument("--as", dest="email", metavar="EMAIL", help="the person who erases")

    def handle(self, *args: Any, **options: Any) -> None:
        by = _actor(options["email"])
        try:
            count = self._erase(by, options)
        except Refused as refusal:
            raise CommandError(refusal.sentence) from refusal
        self.stdout.write(f"Erased: {count}. Backups still hold it until they are gone: docs/deploy.md says how long.")

    def _erase(self, by: Actor, options: dict[str, Any]) -> int:
        because = options["because"]
        if options["person"]:
            erase_person(_person(options["person"]), by=by, because=because)
            return 1
        if options["output"]:
            for id in options["output"]:
                erasing.erase_output(id, by=by, because=because)
            return len(options["output"])
        system = System.objects.filter(slug=options["system"]).first()
        if system is None or options["older_than"] is None or options["older_than"] < 1:
            raise CommandError("Name a system that exists, and --older-than DAYS.")
        count, kept = 0, timedelta(days=options["older_than"])
        while found := erasing.due(system, older_than=kept, limit=CHUNK):
            for id in found:
                erasing.erase_output(id, by=by, because=because, why="retention")
            count += len(found)
        return count


def _person(email: str) -> Person:
    found = Person.objects.prefetch_related("roles").filter(email__iexact=email).first()
    if found is None:
        raise CommandError(f"{email} has no account.")
    return found


def _actor(email: str | None) -> Actor:
    return actors.person(_person(email), auth="console") if email else CONSOLE
