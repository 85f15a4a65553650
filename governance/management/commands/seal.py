"""`manage.py seal`: the sealer, a process of its own: gives entries their places in the log and signs its head."""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from governance.evidence import keys, seal
from governance.evidence.note import Signer

LOOK_SECONDS: Final = 0.2
# Entries of this time are signed together, so that a busy log does not get a checkpoint for each of them.
GATHER_SECONDS: Final = 0.8
AGAIN_SECONDS: Final = 30.0


class Command(BaseCommand):
    help = "Seals the evidence log until told to stop; `--once` seals what waits and ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="seal what waits now, then end")

    def handle(self, *, once: bool, **options: Any) -> None:
        self.stop = threading.Event()
        self.told: list[Signer] = []  # the keys that the log knows of already
        memory = seal.Memory(settings.SEALER_HOME / "head", settings.EVIDENCE_ORIGIN)
        if once:
            try:
                self.stdout.write(f"{self._all(memory)} entries sealed.")
            except (seal.NotSealable, keys.Unsigned) as error:
                raise CommandError(str(error)) from error
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        while not self.stop.is_set():
            self.stop.wait(self._round(memory))

    def _round(self, memory: seal.Memory) -> float:
        """Seals once; how many seconds to wait before the next time."""
        try:
            signers = signing_keys()
            if signers != self.told:
                seal.acknowledge(signers, memory.origin)
                self.told = signers
            sealing = seal.seal(signers, memory)
        except (OperationalError, InterfaceError) as error:
            connection.close()
            self.stderr.write(f"The database cannot be reached ({type(error).__name__}); the sealer tries again.")
            return 1.0
        except (seal.NotSealable, keys.Unsigned) as error:
            # The rest of the product goes on, its entries wait, and every page says so; a person has to look.
            self.stderr.write(f"NOT SEALED: {error}")
            return AGAIN_SECONDS
        if sealing is None:
            return LOOK_SECONDS
        return 0.0 if sealing.count == seal.BATCH else GATHER_SECONDS

    def _all(self, memory: seal.Memory) -> int:
        signers, count = signing_keys(), 0
        seal.acknowledge(signers, memory.origin)
        while sealing := seal.seal(signers, memory):
            count += sealing.count
        return count

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop.set()


def signing_keys() -> list[Signer]:
    """The keys that sign; an installation with servers of its own makes the first one itself. Raises Unsigned."""
    path: Path = settings.SEALING_KEY_FILE
    if settings.EMBEDDED:
        keys.make(path, origin=settings.EVIDENCE_ORIGIN)
    return keys.read(path, origin=settings.EVIDENCE_ORIGIN)
