"""Celery's door to the evidence: what takes longer than a page may."""

import subprocess
import sys
from pathlib import Path

from celery import shared_task

from governance.evidence import handing, uploads

_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@shared_task
def check_uploads() -> int:
    """Verify one bundle that was uploaded and waits; whether there was one."""
    return int(any(uploads.verify(id) for id in uploads.waiting()[:1]))


@shared_task
def write_bundles() -> int:
    """Begin to write a bundle that was asked for; whether there was one.

    It takes longer than a task may, so a process of its own writes it. It is in the worker's group and ends with it;
    whoever looks next finds that it gave no sign of life any more.
    """
    handing.sweep()
    waiting = handing.waiting()[:1]
    for id in waiting:
        subprocess.Popen(  # noqa: S603  our own command, and an id
            [sys.executable, str(_MANAGE), "export_evidence", "--asked", str(id)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return len(waiting)
