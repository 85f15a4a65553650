"""`manage.py witness`: watches somebody else's log: signs its heads as long as it only grows (C2SP tlog-witness)."""

import signal
import threading
from argparse import ArgumentParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from governance.evidence import note
from governance.evidence.note import Key, NotVerified, Signer
from governance.evidence.witness import Answer, Seat

MOST_BYTES = 1_000_000


class Command(BaseCommand):
    help = "Serves as a witness for other logs. Run it where their operators have no access."
    requires_system_checks: list[str] = []  # noqa: RUF012  as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--trust", type=Path, required=True, metavar="KEYFILE", help="keys of the logs to watch")
        parser.add_argument("--name", default="witness.countersign.local", help="the name it signs under")
        parser.add_argument("--folder", type=Path, default=settings.HOME / "witness", help="where it remembers")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8070)

    def handle(self, *, trust: Path, name: str, folder: Path, host: str, port: int, **options: Any) -> None:
        try:
            keys = [Key.parse(line) for line in trust.read_text().splitlines() if line.strip()]
            seat = Seat(folder, signer_of(folder, name), keys)
        except (OSError, NotVerified) as error:
            raise CommandError(str(error)) from error
        with serving(seat, host, port) as server:
            for number in (signal.SIGINT, signal.SIGTERM):
                # `shutdown` waits for the loop to end, so it must not be called from within.
                signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
            logs = f"{len(keys)} log{'' if len(keys) == 1 else 's'}"
            self.stdout.write(f"Witness of {logs} at http://{host}:{server.server_port}/ · {seat.signer.key}")
            self.stdout.flush()
            server.serve_forever()
            self.stdout.write("Stopped.")


def signer_of(folder: Path, name: str) -> Signer:
    """The witness's key, made on first use and kept in its folder with mode 600."""
    path = folder / "key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(Signer.make(name, note.WITNESS_KEY).as_text() + "\n")
    return Signer.parse(path.read_text())


def serving(seat: Seat, host: str, port: int) -> ThreadingHTTPServer:
    """A server that answers `POST /add-checkpoint`, and on `GET /` with the witness's public key."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 20

        def do_GET(self) -> None:
            self._answer(Answer(200, f"{seat.signer.key}\n") if self.path == "/" else Answer(404, "Not here.\n"))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint" or not length.isdecimal() or int(length) > MOST_BYTES:
                self._answer(Answer(404 if self.path != "/add-checkpoint" else 413, "Not here.\n"))
                return
            self._answer(seat.add_checkpoint(self.rfile.read(int(length)).decode(errors="replace")))

        def _answer(self, answer: Answer) -> None:
            body = answer.text.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: what it did is in its folder."""

    return ThreadingHTTPServer((host, port), Handler)
