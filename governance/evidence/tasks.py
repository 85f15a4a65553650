"""Celery's door to the evidence: what takes longer than a page may."""

import subprocess
import sys
from pathlib import Path

from celery import shared_task

from governance.evidence import checking, handing, uploads

RANGE_SECONDS = 8.0
_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@shared_task
def check_uploads() -> int:
    """Verify one bundle that was uploaded and waits; whether there was one."""
    return int(any(uploads.verify(id) for id in uploads.waiting()[:1]))


@shared_task
def check_ranges() -> int:
    """Go on with the oldest range that was asked for; whether there was one. While there is more of it the next call
    follows at once, behind what else waits."""
    went = any(checking.go_on_alone(id, seconds=RANGE_SECONDS) for id in checking.waiting()[:1])
    if went and checking.waiting():
        check_ranges.delay()
    return int(went)


@shared_task
def write_bundles() -> int:
    """Begin to write a bundle that was asked for; whether there was one.

    It takes longer than a task may, so a process of its own writes it. That is in the worker's group and ends with it;
    whoever looks later finds that it gave no sign of life any more.
    """
    handing.sweep()
    begun = handing.begin()
    if begun is not None:
        id, attempt = begun
        subprocess.Popen(  # noqa: S603  our own command, an id and a number
            [sys.executable, str(_MANAGE), "export_evidence", "--asked", str(id), "--attempt", str(attempt)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return int(begun is not None)
