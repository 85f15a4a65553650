"""Outputs from a file through the ordinary intake. Running it again changes nothing, so it can be cut off anytime."""

from __future__ import annotations

import csv
import io
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from governance.models import System
from governance.people.actors import CONSOLE
from governance.refusals import Refused
from reviews import intake
from reviews.intake import files
from reviews.routing.wake import wake

_LONGEST_CELL = 1024 * 1024
_WORDS = {"new": "taken in", "known": "known already", "refused": "refused"}


class Command(BaseCommand):
    help = (
        "Takes the outputs of a JSONL or CSV file in; - reads standard input. Rows that are refused are written with "
        "their reason to FILE.rejected.jsonl. Exit code 0: all are in; 1: some were refused; 2: nothing could be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a .csv file, or lines of JSON; - for standard input")
        parser.add_argument("--system", required=True, help="the slug of the system that made the outputs")
        parser.add_argument("--format", choices=("jsonl", "csv"), help="when the name of the file does not say it")

    def handle(self, *args: Any, file: str, system: str, **options: Any) -> None:
        found = System.objects.filter(slug=system).first()
        if found is None:
            raise CommandError(f"There is no system {system}.", returncode=2)
        rejected = settings.HOME / "stdin.rejected.jsonl" if file == "-" else Path(f"{file}.rejected.jsonl")
        kind = options["format"] or ("csv" if file.lower().endswith(".csv") else "jsonl")
        counts = dict.fromkeys(_WORDS, 0)
        with ExitStack() as stack:
            source = _Source(stack, file)
            progress = stack.enter_context(_progress(source.size))
            bar = progress.add_task("Outputs", total=source.size)
            refusals = _Refusals(rejected)
            stack.callback(refusals.close)
            try:
                for chunk in _chunks(source.rows(kind, system), found):
                    for row, result in chunk:
                        if isinstance(result, Refused):
                            refusals.write(row, result)
                        counts[_word(result)] += 1
                    progress.update(bar, completed=source.position())
            except Refused as refusal:
                raise CommandError(f"{file}: {refusal.sentence}", returncode=2) from refusal
        told = ", ".join(f"{counts[name]:,} {word}" for name, word in _WORDS.items())
        self.stdout.write(f"{told}.")
        if counts["refused"]:
            self.stderr.write(f"The refused rows and why: {rejected}")
            sys.exit(1)


class _Source:
    """The file, or standard input; how long it is (None when unknown) and how far it has been read, in bytes."""

    def __init__(self, stack: ExitStack, file: str) -> None:
        if file == "-":
            self.stream: IO[bytes] = sys.stdin.buffer
            self.size = None
            return
        try:
            self.stream = stack.enter_context(Path(file).open("rb"))  # noqa: SIM115  the stack closes it
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=2) from error
        self.size = Path(file).stat().st_size

    def rows(self, kind: str, system: str) -> Iterator[files.Row]:
        if kind == "jsonl":
            return files.of_json(self.stream, system=system)
        csv.field_size_limit(_LONGEST_CELL)
        self.text = io.TextIOWrapper(self.stream, "utf-8", errors="replace", newline="")
        return files.of_csv(self.text, system=system)

    def position(self) -> int | None:
        return None if self.size is None else self.stream.tell()


class _Refusals:
    """The file of refused rows; there only when a row was refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream: IO[str] | None = None
        path.unlink(missing_ok=True)

    def write(self, row: files.Row, refusal: Refused) -> None:
        if self.stream is None:
            self.stream = self.path.open("w", encoding="utf-8")
        line = {
            "line": row.number,
            "reason": refusal.sentence,
            "code": refusal.code,
            "errors": [problem.as_dict() for problem in refusal.errors],
            "row": row.text,
        }
        self.stream.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()


def _chunks(rows: Iterator[files.Row], system: System) -> Iterator[list[tuple[files.Row, Any]]]:
    """The rows with their results, a chunk at a time, each after its commit."""
    waiting: list[files.Row] = []

    def passing() -> Iterator[intake.Body | Refused]:
        for row in rows:
            waiting.append(row)
            yield row.found

    for results in intake.accept_chunks(passing(), intake.Sender(system, CONSOLE)):
        if any(isinstance(result, intake.Taken) and result.needs_people for result in results):
            wake()
        yield list(zip(waiting, results, strict=True))
        waiting.clear()


def _word(result: Any) -> str:
    if isinstance(result, Refused):
        return "refused"
    return "new" if result.is_new else "known"


def _progress(size: int | None) -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()]
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal or size is None)
