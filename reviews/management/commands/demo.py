"""`manage.py demo`: an installation with two AI systems, their people and their history, served until Ctrl-C."""

import os
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from governance.management.commands import up
from governance.project import embedded, supervisor
from reviews.demo import people, story

PASSWORDS = settings.HOME / "secrets" / "demo_accounts"


class Command(BaseCommand):
    help = "Loads the demonstration once, then serves it as `up` does."
    requires_system_checks = []  # noqa: RUF012  as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--load-only", action="store_true", help="load the history and leave")

    def handle(self, *, port: int, load_only: bool, **options: Any) -> None:
        if os.environ.get("DATABASE_URL") and not settings.DEBUG:
            raise CommandError(
                "The demonstration prints passwords, so it is refused on a configured database. Unset DATABASE_URL."
            )
        console = Console()
        try:
            self._load(console)
            if not load_only:
                up.serve(
                    port=port,
                    workers=os.cpu_count() or 1,
                    say=console.print,
                    when_open=lambda: self._welcome(console, port),
                )
        except (supervisor.CannotServe, embedded.Unavailable) as error:
            raise CommandError(str(error)) from error

    def _load(self, console: Console) -> None:
        hold = embedded.ensure(settings.HOME)
        try:
            up.prepare()
            if story.is_told():
                return
            if story.is_begun():
                raise CommandError(
                    f"An earlier load of the demonstration was interrupted. Remove {settings.HOME} and start again."
                )
            with _bars(console) as bars:
                story.tell(_track(bars), passwords=PASSWORDS)
        finally:
            hold.release()

    def _welcome(self, console: Console, port: int) -> None:
        table = Table("Name", "Role", "Address", "Password", box=None, pad_edge=False)
        for row in people.sign_in_table(PASSWORDS):
            table.add_row(*row)
        console.print(table)
        console.print(up.greeting(port))


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<46}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _track(bars: Progress) -> story.Track:
    def track(title: str, total: int) -> Callable[[int], None]:
        task = bars.add_task(title, total=total)
        return lambda done: bars.advance(task, done)

    return track
