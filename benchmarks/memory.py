"""What the processes of an installation hold in memory after a while of ordinary load."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from benchmarks import load, stage
from benchmarks.figures import Figure
from benchmarks.installation import everything

MB = 1024 * 1024
WEB, WORKER = 200.0, 180.0


def bench(size: float) -> list[Figure]:
    """Resident megabytes of the largest web and worker process, pages shared with others counted in each."""
    count = max(3_000, int(200_000 * size))
    scene = stage.set_up()
    with everything() as (port, pid):
        requests = [
            load.request("/api/v1/outputs/", stage.body("m", n, confidence=0.5 + n % 50 / 100), key=scene.producer)
            for n in range(count)
        ]  # fmt: skip
        load.send(port, [requests[place::8] for place in range(8)])
        load.send(port, [[load.ask("/api/v1/outputs/?limit=50", key=scene.producer)] * (count // 80)] * 8)
        web = _largest(pid, lambda line: "granian" in line)
        worker = _largest(pid, lambda line: "celery" in line and "worker" in line)
    return [
        Figure(f"web process after {count:,} outputs", web, WEB, "MB", count, "demanded", at_most=1.0),
        Figure("worker process after the same", worker, WORKER, "MB", count, "demanded", at_most=1.0),
    ]  # fmt: skip


def _largest(root: int, is_wanted: Callable[[str], bool]) -> float:
    found = [p for p in psutil.Process(root).children(recursive=True) if is_wanted(" ".join(p.cmdline()))]
    return max(process.memory_info().rss for process in found) / MB
