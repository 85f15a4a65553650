"""How long an installation takes until it is healthy: the first time, on an empty home, and the second."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.installation import OURS, everything

FIRST, SECOND = 240.0, 15.0


def bench(size: float) -> list[Figure]:
    """Seconds from the command to the first healthy answer. Installing the dependencies is not in them."""
    home = Path(tempfile.mkdtemp(prefix="countersign-start-"))
    home.chmod(0o711)
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    os.environ["COUNTERSIGN_HOME"] = str(home)
    try:
        first, second = _start(), _start()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return [
        Figure("first start on an empty home", first, FIRST, "s", 1, "demanded", at_most=1.0),
        Figure("second start", second, SECOND, "s", 1, "demanded", at_most=1.0),
    ]


def _start() -> float:
    began = time.monotonic()
    with everything():
        return time.monotonic() - began
