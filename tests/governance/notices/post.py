"""A post office on loopback that speaks SMTP: keeps what it takes, and refuses as the test says."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


@dataclass
class Post:
    """What came so far, and how the next recipients are answered (a code each)."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    always: int = 250
    guard: threading.Lock = field(default_factory=threading.Lock)

    def answer(self) -> int:
        with self.guard:
            return self.answers.pop(0) if self.answers else self.always

    @property
    def readers(self) -> list[str]:
        return sorted(str(mail["To"]) for mail in self.taken)


@contextmanager
def post_office() -> Iterator[Post]:
    """A running post office."""
    post = Post()

    class Counter(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 post.example")
            for raw in self.rfile:
                word = raw[:4].upper()
                if word == b"QUIT":
                    self.say("221 bye")
                    return
                if word == b"RCPT":
                    self.say(f"{post.answer()} recipient")
                elif word == b"DATA":
                    self.say("354 go on")
                    self.keep()
                    self.say("250 taken")
                else:
                    self.say("250 post.example")

        def keep(self) -> None:
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            with post.guard:
                post.taken.append(cast(EmailMessage, message_from_bytes(b"".join(lines), policy=policy.default)))

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Counter)
    post.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield post
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
