"""Bundles from outside: kept in the database while they wait, verified by a process that can reach nothing of ours."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Timer
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from governance.evidence import checking, log, merkle, note, verifier
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.verification import own_keys
from governance.models import Check, CheckPart, Person
from governance.refusals import Invalid

PART: Final = 1024 * 1024
SECONDS: Final = 40
_HERE: Final = Path(__file__).parent


@transaction.atomic
def take(person: Person, name: str, pieces: Iterable[bytes], *, keys: str = "") -> Check:
    """A check of a bundle that somebody sent, to be verified in the background. Raises Invalid when it is no zip file,
    larger than is taken, or the keys are none; Conflict while too many checks of hers are open."""
    try:
        verifier.parse_keys(keys)
    except (verifier.Bad, ValueError) as error:
        raise Invalid(f"The key cannot be used: {error}. A key is one line: name+id+base64.") from error
    checking.make_room(person)
    check = Check.objects.create(person=person, kind="bundle", name=name.replace("\0", "")[:200], keys=keys)
    size, digest = 0, hashlib.sha256()
    for number, piece in enumerate(_parts(pieces)):
        size += len(piece)
        if number == 0 and not piece.startswith(b"PK"):
            raise Invalid("This is not a bundle: a bundle is a zip file.")
        if size > settings.MAX_BUNDLE_BYTES:
            raise Invalid(too_large())
        digest.update(piece)
        CheckPart.objects.create(check_of=check, number=number, content=piece)
    if not size:
        raise Invalid("The file is empty.")
    Check.objects.filter(pk=check.pk).update(size=size, digest=digest.hexdigest())
    return check


def too_large() -> str:
    """The sentence for a bundle that is not taken."""
    most = settings.MAX_BUNDLE_BYTES // 1024**2
    return f"At most {most} MiB are taken here. Check a larger bundle on a machine of yours, with the verify.py in it."


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    kept = b""
    for piece in pieces:
        kept += piece
        while len(kept) >= PART:
            yield kept[:PART]
            kept = kept[PART:]
    if kept:
        yield kept


def waiting() -> list[UUID]:
    """The bundles that nobody is at, oldest first."""
    return list(Check.objects.filter(_free()).order_by("asked_at").values_list("pk", flat=True)[:20])


def _free() -> Q:
    nobody = Q(taken_at=None) | Q(taken_at__lt=Now() - checking.ABANDONED)
    return nobody & Q(kind="bundle", ended_at=None)


def verify(id: UUID) -> bool:
    """Verifies one of them; False when it is somebody else's by now."""
    if not Check.objects.filter(_free(), pk=id).update(taken_at=Now()):
        return False
    check = Check.objects.get(pk=id)
    with tempfile.TemporaryDirectory(dir=settings.HOME) as folder:
        bundle, keys = Path(folder, "bundle.zip"), Path(folder, "keys.txt")
        keys.write_text(check.keys or "\n".join(str(key) for key in own_keys()))
        with bundle.open("wb") as file:
            parts = CheckPart.objects.filter(check_of=check).order_by("number")
            for content in parts.values_list("content", flat=True).iterator(4):
                file.write(bytes(content))
        report = _verified(check, bundle, keys)
    checking.end(check, Check.objects.filter(pk=id, ended_at=None), report, by=checking.CHECKER, done=max(check.of, 1))
    return True


def _verified(check: Check, bundle: Path, keys: Path) -> dict[str, Any]:
    """The report of a process of its own, which has neither our environment nor our modules."""
    command = [
        sys.executable,
        "-I",
        "-B",
        str(_HERE / "uploaded.py"),
        str(_HERE / "verifier.py"),
        str(bundle),
        str(keys),
    ]
    said: dict[str, Any] = {}
    with subprocess.Popen(  # noqa: S603  our own two files, and two paths that we made
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd=bundle.parent, text=True
    ) as process:
        timer = Timer(SECONDS, process.kill)
        timer.start()
        for line in process.stdout or ():
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "PROGRESS":
                done, of = (int(number) for number in rest.split(" "))
                Check.objects.filter(pk=check.pk, ended_at=None).update(done=done, of=of)
            else:
                said[word] = rest
        timer.cancel()
    if "REPORT" in said:
        return _told(json.loads(said["REPORT"]))
    stopped = "It took more time or memory than is given to a bundle here, so it was stopped."
    why = json.loads(said["REFUSED"]) if "REFUSED" in said else stopped
    return {"findings": [], "more": 0, "counts": {}, "refused": why[:300]}


def _told(report: dict[str, Any]) -> dict[str, Any]:
    findings = [[each["rule"], each["where"], each["says"]] for each in report["findings"]]
    counts = {name: count for name, count in report["counts"].items() if name not in verifier.RULES}
    told = sum(count for name, count in report["counts"].items() if name in verifier.RULES)
    relation, size = _relation(report["head"])
    if relation == "differs":
        findings.append(
            ["checkpoint", "head", f"this log as it stands does not begin with the {size} entries of the bundle"]
        )
    return {
        "findings": findings, "more": max(0, told - len(report["findings"])), "counts": counts, "head": report["head"],
        "entries": report["entries"], "heads": report["heads"], "relation": relation, "manifest": report["manifest"],
    }  # fmt: skip


def _relation(text: str) -> tuple[str, int]:
    """How the head of a bundle stands to this log: `begins` it, `differs`, is `longer`, or is of `another` log."""
    try:
        said, now = Checkpoint.parse(note.take_apart(text)[0]), log.head()
    except ValueError:
        return "unreadable", 0
    if now is None or said.origin != now.origin:
        return "another", said.size
    if said.size > now.size:
        return "longer", said.size
    return ("begins" if merkle.range_root(0, said.size, log.tree(now)) == said.root else "differs"), said.size
