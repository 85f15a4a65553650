"""Trust that leaves the box: witnesses sign that they saw a head and that the log only grew since (C2SP tlog-witness).

Both sides are here: asking witnesses about our heads, and being one for somebody else's log.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from governance.evidence import log, merkle, note
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Key, NotVerified, Signer
from governance.models import Cosignature, LogCheckpoint

SECONDS: Final = 10
MOST_PROOF: Final = 63
_SIZE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who watches this log: where, and the key that its cosignatures are checked with."""

    url: str
    key: Key

    @classmethod
    def parse(cls, text: str) -> Witness:
        """Of `URL KEY`. Raises NotVerified when it is something else."""
        url, _, key = text.strip().partition(" ")
        if not url.startswith(("http://", "https://")):
            raise NotVerified("A witness is written as its address, a space, and its key.")
        return cls(url.rstrip("/"), Key.parse(key))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answered: an HTTP status, a text, and the kind of the text."""

    status: int
    text: str
    kind: str = "text/plain"


def ask_all(witnesses: Iterable[Witness]) -> dict[str, str]:
    """Asks each witness to sign the newest head; by address, "signed", "signed before" or what went wrong."""
    checkpoint = log.latest_checkpoint()
    if checkpoint is None:
        return {}
    return {witness.url: ask(witness, checkpoint) for witness in witnesses}


def ask(witness: Witness, checkpoint: LogCheckpoint) -> str:
    """Asks one witness about one head and keeps its cosignature."""
    if Cosignature.objects.filter(checkpoint=checkpoint, witness=str(witness.key)).exists():
        return "signed before"
    known = Cosignature.objects.filter(witness=str(witness.key)).order_by("-checkpoint").first()
    answer = _post(witness, checkpoint, known.checkpoint_id if known else 0)
    if answer.status == 409 and answer.kind.startswith(_SIZE) and answer.text.strip().isdecimal():
        # It has seen more than we remember; when it has seen more than there is, the log was set back.
        seen = int(answer.text)
        if seen > checkpoint.size:
            return f"has seen {seen} entries of this log, which has {checkpoint.size}: the log was set back"
        answer = _post(witness, checkpoint, seen)
    if answer.status != 200:
        return f"refused ({answer.status}): {answer.text.strip()[:200]}"
    text = note.take_apart(checkpoint.note)[0]
    try:
        line = note.open(f"{text}\n{answer.text}", [witness.key]).signed_by[witness.key]
    except NotVerified as error:
        return f"answered with a signature that is not its own: {error}"
    Cosignature.objects.get_or_create(checkpoint=checkpoint, witness=str(witness.key), defaults={"line": line})
    return "signed"


def _post(witness: Witness, checkpoint: LogCheckpoint, old: int) -> Answer:
    head = log.head()
    if head is None:
        return Answer(0, "the log is empty")
    proof = merkle.consistency_proof(old, checkpoint.size, log.tree(head)) if old else []
    body = request_of(old, proof, checkpoint.note).encode()
    request = urllib.request.Request(f"{witness.url}/add-checkpoint", data=body, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  its scheme is checked
            return Answer(answer.status, answer.read(100_000).decode(), answer.headers.get("Content-Type", ""))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(10_000).decode(errors="replace"), error.headers.get("Content-Type", ""))
    except (OSError, UnicodeDecodeError) as error:
        return Answer(0, f"not reached ({type(error).__name__})")


def request_of(old: int, proof: Sequence[bytes], signed: str) -> str:
    """The body of `add-checkpoint`."""
    return "\n".join([f"old {old}", *(base64.b64encode(part).decode() for part in proof), "", signed])


class Seat:
    """A witness for the logs whose keys it knows. What it has signed it remembers in files before it says so."""

    def __init__(self, folder: Path, signer: Signer, keys: Iterable[Key]) -> None:
        self.folder, self.signer, self.keys = folder, signer, tuple(keys)

    def add_checkpoint(self, body: str) -> Answer:
        """The answer to `add-checkpoint`, as C2SP tlog-witness has it."""
        try:
            old, proof, signed = _read(body)
            text, _ = note.take_apart(signed)
            head = Checkpoint.parse(text)
        except ValueError as error:
            return Answer(400, str(error))
        own = [key for key in self.keys if key.name == head.origin]
        if not own:
            return Answer(404, "This log is not known here.")
        try:
            note.open(signed, own)
        except NotVerified as error:
            return Answer(403, str(error))
        with self._held(head.origin) as path:
            return self._sign(path, head, old, proof, text)

    def _sign(self, path: Path, head: Checkpoint, old: int, proof: list[bytes], text: str) -> Answer:
        seen = Checkpoint.parse(path.read_text()) if path.exists() else Checkpoint(head.origin, 0, merkle.EMPTY)
        if old > head.size:
            return Answer(400, "The old size is beyond the new one.")
        if old != seen.size:
            return Answer(409, f"{seen.size}\n", _SIZE)
        if old == head.size and seen.root != head.root and old:
            return Answer(409, f"{seen.size}\n", _SIZE)
        is_grown = not proof if not old else merkle.is_consistent(old, head.size, seen.root, head.root, proof)
        if not is_grown:
            return Answer(422, "The log did not only grow.")
        fresh = path.with_suffix(".fresh")
        with fresh.open("w") as file:
            file.write(head.text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        return Answer(200, self.signer.sign(text, moment=int(time.time())))

    @contextmanager
    def _held(self, origin: str) -> Iterator[Path]:
        """The file of a log, held against every other process while it is looked at."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / hashlib.sha256(origin.encode()).hexdigest()
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path


def _read(body: str) -> tuple[int, list[bytes], str]:
    top, gap, signed = body.partition("\n\n")
    first, *lines = top.split("\n")
    size = first.removeprefix("old ")
    if not gap or first == size or not size.isascii() or not size.isdecimal() or str(int(size)) != size:
        raise ValueError("A request begins with the old size and ends with the checkpoint.")
    if len(lines) > MOST_PROOF:
        raise ValueError("A proof has at most 63 hashes.")
    return int(size), [base64.b64decode(line, validate=True) for line in lines], signed
